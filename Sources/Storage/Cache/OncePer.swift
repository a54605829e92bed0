// Things that are done at most once in a while: notes to people, title updates, debounced presses.
// Inlinable, since its users are in another room.

import EventLoop

/// Remembers when something was last done for a key.
@IO
public final class OncePer<Key: Hashable & Sendable> {
    @usableFromInline var last: LRU<Key, Instant>
    @usableFromInline let milliseconds: Int64

    /// At most once in that many milliseconds for each key.
    @inlinable
    public init(milliseconds: Int64, capacity: Int = 10_000) {
        last = LRU(capacity: capacity)
        self.milliseconds = milliseconds
    }

    /// Whether it may be done now; if so it counts as done.
    @inlinable
    public func claim(_ key: Key) -> Bool {
        let now = Loop.shared.now
        if let earlier = last.value(key), now.milliseconds(since: earlier) < milliseconds { return false }
        last.set(key, now)
        return true
    }

    /// Whether it was done within the time, without counting.
    @inlinable
    public func isRecent(_ key: Key) -> Bool {
        guard let earlier = last.peek(key) else { return false }
        return Loop.shared.now.milliseconds(since: earlier) < milliseconds
    }

    /// Forgets a claim that came to nothing.
    @inlinable
    public func release(_ key: Key) { last.remove(key) }
}
