// Which updates this replica finished lately or is working on.

import Domain
import EventLoop

/// Answers plain repeats without a store.
@IO
public final class RecentUpdates {
    private var finished: LRU<UpdateID, Void>
    private var working: [UpdateID: Completion<Void, Never>] = [:]

    /// Remembers that many finished updates.
    public init(capacity: Int = 20_000) { finished = LRU(capacity: capacity) }

    /// Whether the update was finished here.
    public func isFinished(_ update: UpdateID) -> Bool { finished.peek(update) != nil }

    /// Number of updates in work.
    public var workingCount: Int { working.count }

    /// Marks an update as in work. `nil`: it is ours; else the work of the first delivery, to wait for.
    public func begin(_ update: UpdateID) -> Completion<Void, Never>? {
        if let first = working[update] { return first }
        working[update] = Completion()
        return nil
    }

    /// Ends the work. `isHandled` false: a later delivery must do it again.
    public func end(_ update: UpdateID, isHandled: Bool) {
        if isHandled { finished.set(update, ()) }
        working.removeValue(forKey: update)?.finish(.success(()))
    }

    /// Notes an update that was handled at once.
    public func noteFinished(_ update: UpdateID) { finished.set(update, ()) }
}
