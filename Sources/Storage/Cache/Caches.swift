// All that a replica remembers of the world; losing it costs calls, never truth.

import Domain
import EventLoop

/// A group's administrators as Telegram lists them.
public struct AdminList: Sendable, Equatable {
    /// All administrators, the creator among them.
    public var ids: Set<UserID>
    /// Those who may restrict members, the creator among them.
    public var restrictors: Set<UserID>
    /// The creator, if the list shows one.
    public var creator: UserID?
    /// The first person in the list: who owns a group that shows no creator.
    public var first: UserID?
    /// Names of bots that may restrict members.
    public var restrictingBots: [UserID: String]

    /// A list as given.
    public init(
        ids: Set<UserID>, restrictors: Set<UserID>, creator: UserID?, first: UserID? = nil,
        restrictingBots: [UserID: String] = [:]
    ) {
        self.ids = ids
        self.restrictors = restrictors
        self.creator = creator
        self.first = first
        self.restrictingBots = restrictingBots
    }
}

/// A failed fetch of something cached; callers know what failed from where they asked.
public struct FetchFailed: Error, Sendable {
    /// The fine class of the Bot API error, or `store`.
    public let errorClass: String

    /// A failure of that class.
    public init(errorClass: String) { self.errorClass = errorClass }
}

/// The caches of one replica, made once and handed to the handlers.
@IO
public final class Caches {
    /// Who is subscribed to which channel.
    public let verdicts: VerdictCache
    /// Administrators by chat: fresh 300 s, stale up to 1 h.
    public let admins = StaleCache<ChatID, AdminList, FetchFailed>(
        capacity: 10_000, freshMilliseconds: 300_000, staleMilliseconds: 3_600_000)
    /// Configuration by group (`nil`: never protected): fresh 30 s, stale up to 10 min.
    public let groups = StaleCache<ChatID, ProtectedGroup?, FetchFailed>(
        capacity: 50_000, freshMilliseconds: 30_000, staleMilliseconds: 600_000)
    /// Whether a person is a member of a group: 600 s.
    public let presence = StaleCache<PairOrder.Pair, Bool, FetchFailed>(
        capacity: 100_000, freshMilliseconds: 600_000, staleMilliseconds: 600_000)
    /// Updates finished or in work.
    public let recentUpdates = RecentUpdates()
    /// Turns by person and chat.
    public let pairs = PairOrder()
    /// Whether enforcement is paused everywhere.
    public let pause = ServicePause()

    /// Empty caches with the lifetimes of `CACHE_POSITIVE_TTL` and `CACHE_JITTER_PERCENT`.
    public init(positiveSeconds: Int64 = 600, jitterPercent: Int64 = 15) {
        verdicts = VerdictCache(positiveSeconds: positiveSeconds, jitterPercent: jitterPercent)
    }

    /// Takes a message of another replica: `group:ID`, `admins:ID`, `verify:USER:CHANNEL:0|1`, `pause:SECONDS`. `nil`: some were
    /// missed, so verdicts, lists and configurations are forgotten. What cannot be read is ignored: a newer
    /// version may say more.
    public func told(_ message: String?) {
        guard let message else {
            verdicts.forgetAll()
            admins.forgetAll()
            groups.forgetAll()
            return
        }
        let parts = message.split(separator: ":")
        guard parts.count >= 2, let id = Int64(parts[1]) else { return }
        switch (parts[0], parts.count) {
        case ("group", 2): groups.forget(ChatID(id))
        case ("pause", 2): pause.untilSeconds = id
        case ("admins", 2): admins.forget(ChatID(id))
        case ("verify", 4):
            guard let channel = Int64(parts[2]) else { return }
            verdicts.note(parts[3] == "1" ? .member : .notMember, of: UserID(id), in: ChatID(channel))
        default: return
        }
    }
}
