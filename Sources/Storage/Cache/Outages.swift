// Groups in which checks fail at the moment, and whom it was told: each person once in a while, then the group once.

import Domain
import EventLoop

/// What is said about removed messages while memberships cannot be checked.
@IO
public final class Outages {
    /// Who is to be told of one more removed message.
    public enum Telling: Equatable, Sendable {
        /// Its author, together with others who wait to be told.
        case person
        /// The group as a whole: the outage lasts.
        case group
        /// Nobody: it was said already.
        case nobody
    }

    private struct Outage {
        let began: Instant
        var last: Instant
        var waiting: [UserID] = []
    }

    /// After that long the group is told instead of each person.
    private static let lastsMilliseconds: Int64 = 120_000
    /// Without a failure for that long the next one begins another outage.
    private static let quietMilliseconds: Int64 = 600_000

    private var outages = LRU<ChatID, Outage>(capacity: 10_000)
    private let people = OncePer<PairOrder.Pair>(milliseconds: 600_000)
    private let groups = OncePer<ChatID>(milliseconds: 600_000)

    /// Nothing fails.
    public init() {}

    /// A message was removed because a check failed.
    public func failed(_ user: UserID, in group: ChatID) -> Telling {
        let now = Loop.shared.now
        var outage = outages.value(group) ?? Outage(began: now, last: now)
        if now.milliseconds(since: outage.last) >= Self.quietMilliseconds {
            outage = Outage(began: now, last: now, waiting: outage.waiting)
        }
        outage.last = now
        defer { outages.set(group, outage) }
        if now.milliseconds(since: outage.began) >= Self.lastsMilliseconds {
            return groups.claim(group) ? .group : .nobody
        }
        guard people.claim(PairOrder.Pair(chat: group, user: user)) else { return .nobody }
        outage.waiting.append(user)
        return .person
    }

    /// What `failed` answered could not be recorded: it counts as not said.
    public func release(_ telling: Telling, of user: UserID, in group: ChatID) {
        switch telling {
        case .person:
            people.release(PairOrder.Pair(chat: group, user: user))
            told([user], in: group)
        case .group: groups.release(group)
        case .nobody: return
        }
    }

    /// A check was answered there.
    public func ended(in group: ChatID) {
        guard var outage = outages.peek(group) else { return }
        guard !outage.waiting.isEmpty else {
            outages.remove(group)
            return
        }
        // Those who wait are told all the same; the next failure begins another outage.
        outage.last = Loop.shared.now.adding(milliseconds: -Self.quietMilliseconds)
        outages.set(group, outage)
    }

    /// Who waits to be told in a group, oldest first.
    public func waiting(in group: ChatID) -> [UserID] { outages.peek(group)?.waiting ?? [] }

    /// These were told.
    public func told(_ users: [UserID], in group: ChatID) {
        guard var outage = outages.peek(group) else { return }
        outage.waiting.removeAll { users.contains($0) }
        outages.set(group, outage)
    }

    /// Whether this replica has counted the person as told, or as waiting, in the last minutes.
    public func knows(_ user: UserID, in group: ChatID) -> Bool {
        people.isRecent(PairOrder.Pair(chat: group, user: user))
    }
}
