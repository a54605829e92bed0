// `/unprotect purge`: everything stored of a group goes once nobody is held there any more.

import Domain
import EventLoop
import Observability
import Storage

/// Looks for groups that are to be purged until `stop`. Any replica may do it; twice is harmless.
@IO
public final class Purges {
    private static let intervalMilliseconds: Int64 = 15_000

    private let services: Services
    private lazy var repeating = Repeating(everyMilliseconds: Self.intervalMilliseconds) { [weak self] in
        await self?.work()
    }

    /// Purges with the service's parts.
    public init(services: Services) { self.services = services }

    /// Looks at once, then every 15 s.
    public func start() { repeating.start() }

    /// Ends; what is left is left to the next start.
    public func stop() { repeating.stop() }

    /// Purges what can be purged now. With the database away the next look does.
    func work() async {
        do throws(StoreError) {
            for group in try await services.store.groupsToPurge() where !repeating.isStopped {
                // Rows that wait in the log would come back after it.
                guard await services.log.flush() else { return }
                let purge = try await services.store.purge(group) { [repeating] in !repeating.isStopped }
                services.caches.groups.forget(group)
                await services.tell("group:\(group.value)")
                Log.info("group_purged", .chatID(group.value), .count(Int64(purge.rows)))
            }
        } catch {
            Log.debug("purge_failed", .error("\(error)"))
        }
    }
}
