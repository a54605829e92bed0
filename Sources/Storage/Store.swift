// Storage: what the service asks of a database. PostgreSQL and SQLite answer alike; nothing is decided here.
//
// Invariants of the room: no SQL is built from input; every function is one transaction; an error of class
// `unavailable` may have been stored or not, and callers must be able to ask again.

import Domain
import EventLoop

/// Why a database did not answer as asked.
public enum StoreError: Error, Equatable, Sendable {
    /// No connection, a lost connection, or the queue is full. The outcome may be unknown.
    case unavailable
    /// No answer in time. The outcome may be unknown.
    case timedOut
    /// The database refused the statement; SQLSTATE or SQLite's extended code. A bug or a schema that does not fit.
    case refused(code: String)
}

/// Everything that the service asks of a database.
@IO
public protocol Store: GroupStore, OutboxStore, LedgerStore, TraceStore, ServiceStore, RetentionStore, LogStore {}

// MARK: - Groups

/// What `/protect` writes, in one transaction.
public struct Protection: Sendable {
    /// The group and its title.
    public var group: ChatID
    /// Its title.
    public var title: String
    /// Who asked, and becomes the owner of a new group.
    public var owner: UserID
    /// The owner's public name.
    public var ownerUsername: String?
    /// Whether `owner` replaces the present owner, who is no longer administrator.
    public var replacesOwner: Bool
    /// Channels to link or refresh.
    public var channels: [RequiredChannel]
    /// The group only watches from now on: open holds end, each with a row of this decision. `nil`: the mode stays.
    public var watching: DecisionRow?
    /// Who asked, to be noted with it.
    public var audit: AuditRow?

    /// A wish with the given facts.
    public init(
        group: ChatID, title: String, owner: UserID, ownerUsername: String?, replacesOwner: Bool,
        channels: [RequiredChannel], watching: DecisionRow? = nil, audit: AuditRow? = nil
    ) {
        self.group = group
        self.title = title
        self.owner = owner
        self.ownerUsername = ownerUsername
        self.replacesOwner = replacesOwner
        self.channels = channels
        self.watching = watching
        self.audit = audit
    }
}

/// Groups, channels, links, exemptions. Where an `audit` is given it is stored with the change, or not at all.
@IO
public protocol GroupStore: AnyObject {
    /// The group with channels and valid exemptions, or `nil` if it was never protected.
    func group(_ id: ChatID) async throws(StoreError) -> ProtectedGroup?
    /// Enabled groups that require `channel`, whatever the link's health.
    func groups(requiring channel: ChatID) async throws(StoreError) -> [ChatID]
    /// Upserts owner, group (enabled), channels (health ok) and links, and does what `resume` does. Links come back in the
    /// order of linking.
    func protect(_ protection: Protection) async throws(StoreError)
    /// Disables the decision's group; a `lift` (reason unprotected, 10/s) is recorded for each open hold, with a row of
    /// this decision for each person. Returns their number.
    func disable(as decision: DecisionRow, audit: AuditRow?) async throws(StoreError) -> Int
    /// Disables the decision's group as `disable` does and marks it: its rows are deleted once nobody is held there;
    /// protecting it again takes that back. Returns the number of those who are released.
    func beginPurge(as decision: DecisionRow, audit: AuditRow?) async throws(StoreError) -> Int
    /// People who would have been held in the last 24 h, had the group not only watched.
    func observedHolds(in group: ChatID) async throws(StoreError) -> Int
    /// Removes a link of the decision's group; removing the last one disables. Those who were held for this channel
    /// alone are lifted, each with a row of the decision; the others get a `recheck`.
    /// Returns how many links are left, or `nil` if it was not linked.
    func unlink(_ channel: ChatID, as decision: DecisionRow, audit: AuditRow?) async throws(StoreError) -> Int?
    /// Stores those settings in which `new` differs from `old`, so that changes made at the same time all stand. What
    /// is so already is not noted. With `releasing` all holds of the group end as in `disable`. Returns the number of
    /// those who are released.
    func changeParams(
        from old: GroupParams, to new: GroupParams, of group: ChatID, releasing: DecisionRow?, audit: AuditRow?
    ) async throws(StoreError) -> Int
    /// Exempts a person (`untilSeconds` nil: for good). False when 200 are exempt for good already.
    func exempt(
        _ user: UserID, in group: ChatID, untilSeconds: Int64?, reason: String, audit: AuditRow?
    ) async throws(StoreError) -> Bool
    /// Ends an exemption.
    func removeExemption(of user: UserID, in group: ChatID, audit: AuditRow?) async throws(StoreError)
    /// Sets a link's health; with a change `notice`, which has a key, is recorded. Returns whether it changed.
    func setHealth(
        _ health: LinkHealth, of channel: ChatID, in group: ChatID, telling notice: EffectWish?
    ) async throws(StoreError) -> Bool
    /// Links marked broken for at least an hour since they were last tried, for the re-test.
    func brokenLinks(limit: Int) async throws(StoreError) -> [(group: ChatID, channel: ChatID)]
    /// Title and public name as just seen, where they differ. Returns the groups whose configuration shows it.
    @discardableResult
    func setTitle(_ title: String, username: String?, of chat: ChatID) async throws(StoreError) -> [ChatID]
    /// The bot is out of a group: disabled, open holds `orphaned`, its effects dropped, the moment noted.
    func botRemoved(from group: ChatID) async throws(StoreError)
    /// The bot is out of a channel: all its links broken. Returns the groups.
    func botRemoved(fromChannel channel: ChatID) async throws(StoreError) -> [ChatID]
    /// The bot may restrict again in a group. Lifts are due now. Orphaned holds whose release was decided before are
    /// lifted; the others are `held` again, with a `recheck` each and a prompt for those who are untold, or, with
    /// `releasing`, end as in `disable`.
    func resume(_ group: ChatID, releasing: DecisionRow?) async throws(StoreError)
    /// Moves every row from the old id of a migrated group to the new one; `delete`, `edit`, `expire` are dropped.
    func migrate(_ old: ChatID, to new: ChatID) async throws(StoreError)
    /// Sets or forgets the standing notice.
    func setNotice(_ message: MessageID?, thread: Int64?, of group: ChatID) async throws(StoreError)
    /// When the standing notice was sent, in seconds since 1970.
    func noticeSentAtSeconds(of group: ChatID) async throws(StoreError) -> Int64?
    /// Figures for `/status`.
    func status(of group: ChatID) async throws(StoreError) -> GroupStatus?
    /// Figures for `/stats` over the last `days`.
    func statistics(of group: ChatID, days: Int) async throws(StoreError) -> GroupStatistics
}

extension GroupStore {
    /// Sets a link's health without a word. Returns whether it changed.
    public func setHealth(
        _ health: LinkHealth, of channel: ChatID, in group: ChatID
    ) async throws(StoreError) -> Bool {
        try await setHealth(health, of: channel, in: group, telling: nil)
    }
}

/// Figures of `/status`.
public struct GroupStatus: Sendable, Equatable {
    /// `member_count`, and the age of the count in seconds (`nil`: never counted).
    public var members: Int64 = 0
    /// Seconds since the group was counted.
    public var countAgeSeconds: Int64?
    /// Subscribers and age of the count by channel.
    public var channels: [ChatID: (subscribers: Int64, ageSeconds: Int64?)] = [:]
    /// People muted by the bot now.
    public var held: Int = 0
    /// Decisions of the last 24 h that found the person subscribed.
    public var verified: Int = 0
    /// Decisions of the last 24 h that held somebody.
    public var restricted: Int = 0

    /// Nothing counted yet.
    public init() {}

    /// Whether all figures agree.
    public static func == (left: GroupStatus, right: GroupStatus) -> Bool {
        left.members == right.members && left.countAgeSeconds == right.countAgeSeconds
            && left.held == right.held && left.verified == right.verified && left.restricted == right.restricted
            && left.channels.keys == right.channels.keys
            && left.channels.allSatisfy { key, value in right.channels[key].map { $0 == value } ?? false }
    }
}

/// Figures of `/stats`.
public struct GroupStatistics: Sendable, Equatable {
    /// Decisions about people (`decisive` rows), `hits` summed.
    public var verifications: Int = 0
    /// Of these, held.
    public var restrictions: Int = 0
    /// Of these, failed checks.
    public var errors: Int = 0
    /// The UTC hour with most decisions.
    public var topHour: Int?

    /// Nothing counted yet.
    public init() {}
}
