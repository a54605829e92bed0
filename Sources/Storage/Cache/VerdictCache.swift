// Who is subscribed, as last seen. Errors are never in here.

import Domain
import EventLoop

/// Verdicts by person and channel, with a time to live of their own each.
@IO
public final class VerdictCache {
    /// A cached verdict.
    public struct Entry: Sendable {
        /// What was seen.
        public let membership: Membership
        /// When it was seen.
        public let seen: Instant
        /// From when on a use starts a refresh in the background.
        let refresh: Instant
        let expiry: Instant
    }

    private struct Key: Hashable {
        let user: UserID
        let channel: ChatID
    }

    private var entries: LRU<Key, Entry>
    private let positiveSeconds: Int64
    private let jitterPercent: Int64
    private var random = Xorshift()

    /// An empty cache. `jitterPercent` spreads the ends of entries that were made together.
    public init(capacity: Int = 100_000, positiveSeconds: Int64 = 600, jitterPercent: Int64 = 15) {
        entries = LRU(capacity: capacity)
        self.positiveSeconds = positiveSeconds
        self.jitterPercent = jitterPercent
    }

    /// The verdict if it is still valid.
    public func verdict(_ user: UserID, in channel: ChatID) -> Entry? {
        guard let entry = entries.value(Key(user: user, channel: channel)), entry.expiry > Loop.shared.now else {
            return nil
        }
        return entry
    }

    /// Whether a valid entry is past 80 % of its time and should be refreshed off the answer path.
    public func wantsRefresh(_ entry: Entry) -> Bool {
        entry.membership == .member && entry.refresh <= Loop.shared.now
    }

    /// Notes what was just seen.
    public func note(_ membership: Membership, of user: UserID, in channel: ChatID) {
        let lifetime = jittered(milliseconds: (membership == .member ? positiveSeconds : 60) * 1000)
        let now = Loop.shared.now
        entries.set(
            Key(user: user, channel: channel),
            Entry(
                membership: membership, seen: now, refresh: now.adding(milliseconds: lifetime * 8 / 10),
                expiry: now.adding(milliseconds: lifetime)))
    }

    /// Forgets one verdict.
    public func forget(_ user: UserID, in channel: ChatID) { entries.remove(Key(user: user, channel: channel)) }

    /// Forgets all, for the news of other replicas may have been missed.
    public func forgetAll() { entries.removeAll() }

    private func jittered(milliseconds: Int64) -> Int64 {
        let spread = milliseconds * jitterPercent / 100
        guard milliseconds >= 60_000, spread > 0 else { return milliseconds }
        return milliseconds + Int64.random(in: -spread...spread, using: &random)
    }
}

/// Spreads lifetimes. Asks the system for chance once; a system call for each entry would cost more than the entry.
private struct Xorshift: RandomNumberGenerator {
    private var state = UInt64.random(in: 1 ... .max)

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
