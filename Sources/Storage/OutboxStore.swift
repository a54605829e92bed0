// The outbox as the service sees it: record, lease, finish. The statements are the engines'.

import Domain
import EventLoop

/// One row of `decisions`.
public struct DecisionRow: Sendable, Equatable {
    /// The update, if one led to it.
    public var update: UpdateID?
    /// Where.
    public var group: ChatID
    /// About whom.
    public var user: UserID?
    /// `Gate.ruleVersion`.
    public var ruleVersion: Int
    /// `ignore`, `allow`, `hold`, `delete`, `release`, `approve`, `refused`, `none`.
    public var outcome: String
    /// JSON of the facts, with `v` and the reason; no names, no text.
    public var facts: String
    /// When it was made, by our clock: rows that go through the log are stored later. Records use the database's.
    public var atMicroseconds: Int64

    /// A row with the given columns.
    public init(
        update: UpdateID?, group: ChatID, user: UserID?, ruleVersion: Int, outcome: String, facts: String
    ) {
        self.update = update
        self.group = group
        self.user = user
        self.ruleVersion = ruleVersion
        self.outcome = outcome
        self.facts = facts
        atMicroseconds = WallClock.now.microseconds
    }
}

/// A hold that is to be opened, unless the person is held in that group already.
public struct HoldWish: Sendable, Equatable {
    /// Where.
    public var group: ChatID
    /// Whom.
    public var user: UserID
    /// The missing channels.
    public var channels: [ChatID]
    /// What led to it.
    public var source: VerificationSource
    /// A restriction of others found before (JSON as in `Hold.priorPermissions`).
    public var priorPermissions: String?

    /// A wish with the given facts.
    public init(
        group: ChatID, user: UserID, channels: [ChatID], source: VerificationSource, priorPermissions: String? = nil
    ) {
        self.group = group
        self.user = user
        self.channels = channels
        self.source = source
        self.priorPermissions = priorPermissions
    }
}

/// The open hold of a person in a group that is to end.
public struct ReleaseWish: Sendable, Equatable {
    /// Where.
    public var group: ChatID
    /// Whom.
    public var user: UserID
    /// Why.
    public var reason: ReleaseReason
    /// With a `lift`; without one the row is closed and Telegram is not asked (an administrator acted).
    public var lifts: Bool

    /// A wish with the given facts.
    public init(group: ChatID, user: UserID, reason: ReleaseReason, lifts: Bool = true) {
        self.group = group
        self.user = user
        self.reason = reason
        self.lifts = lifts
    }
}

/// What one update (or effect, or command) leads to: stored in one transaction and one round trip.
public struct Record: Sendable, Equatable {
    /// The update whose first record this must be; `nil`: effects and commands, which repeat harmlessly.
    public var update: UpdateID?
    /// The decision behind it. One that releases is not stored when others have released meanwhile.
    public var decision: DecisionRow? {
        get { storedDecision.part }
        set { storedDecision = Rare(newValue) }
    }
    /// A hold to open. When the person is held already, of `effects` only those of kind `delete` are recorded,
    /// and the decision's outcome is `delete` with the reason `already_held`.
    public var hold: HoldWish? {
        get { storedHold.part }
        set { storedHold = Rare(newValue) }
    }
    /// Holds to end.
    public var releases: [ReleaseWish] = []
    /// Effects to record. Those with `startsAtOnce` come back leased to this replica.
    public var effects: [EffectWish] = []
    // Behind references: a record goes through functions that wait, each of which keeps copies.
    private var storedDecision = Rare<DecisionRow>.none
    private var storedHold = Rare<HoldWish>.none

    /// A record of an update, to be filled.
    public init(update: UpdateID?) { self.update = update }
}

/// What became of a record.
public enum RecordOutcome: Sendable, Equatable {
    /// Somebody recorded the update before, or gave it up. Nothing was written.
    case repeated
    /// Stored.
    case recorded(Recorded)
}

/// A stored record.
public struct Recorded: Sendable, Equatable {
    /// The hold that was opened.
    public var ledger: LedgerID?
    /// Whether the person was held already.
    public var wasHeldAlready = false
    /// Whether nobody else who is held in that group waits to be told. Who comes later makes another wish for the
    /// prompt.
    public var isOnlyUntold = false
    /// How many open holds were found for `releases`.
    public var released = 0
    /// The decision's row.
    public var decision: Int64?
    /// Effects leased to this replica, to be started now: those with `startsAtOnce`, and lifts not waiting for
    /// a restrict in flight.
    public var effects: [Effect] = []

    /// Nothing stored.
    public init() {}
}

/// What one attempt at an effect came to.
public enum EffectResult: Sendable, Equatable {
    /// Done, or shown by Telegram to be done. `changes` and `follow` are stored with the removal.
    case done([LedgerChange], follow: [EffectWish])
    /// A transient failure: again after that pause. `counts`: raises `attempts`; `unsent`: lowers `sends`.
    case again(afterMilliseconds: Int64, counts: Bool, unsent: Bool)
}

/// A change of the ledger or of notices that belongs to the end of an effect.
public enum LedgerChange: Sendable, Equatable {
    /// `restrict` was accepted: `intended` becomes `held`. If the row is not `intended` any more, a waiting lift
    /// becomes due now.
    case held(LedgerID)
    /// `lift` was accepted: closed with the reason already stored.
    case lifted(LedgerID)
    /// Closed for another reason; nothing is lifted.
    case closed(LedgerID, ReleaseReason)
    /// A prompt addressed these: `told_at`, `warning_message_id`
    /// (`nil`: perhaps, by a message whose number nobody knows). Who was freed while it was on its way makes an `edit`.
    case told([LedgerID], MessageID?)
    /// The group's standing notice is now this message, sent now.
    case notice(ChatID, MessageID?, thread: Int64?)
}

/// The transactional outbox.
@IO
public protocol OutboxStore: AnyObject {
    /// Stores a record.
    func record(_ record: Record) async throws(StoreError) -> RecordOutcome
    /// Counts a failure of our own on an update; at the fifth it is `failed`, `body` is kept and true comes back.
    func failed(_ update: UpdateID, body: String) async throws(StoreError) -> Bool
    /// Leases due effects, oldest first, at most `limits[lane]` of each lane;
    /// never two of a ledger row, or two messages of a chat, at a time.
    func leaseDue(limits: [Int: Int]) async throws(StoreError) -> [Effect]
    /// Leases of this replica that it does not run (`running`): after an unknown outcome, or a reconnect.
    func leaseOwnForgotten(running: [Int64]) async throws(StoreError) -> [Effect]
    /// Renews a lease for 12 s. False: it is somebody else's now, or the row is gone.
    func renew(_ effect: Effect) async throws(StoreError) -> Bool
    /// Ends an attempt. `lostLease` when the row was taken over meanwhile: the caller records
    /// a `recheck` with `audit` after a `restrict` of its own.
    func finish(_ effect: Effect, _ result: EffectResult, note: String?) async throws(StoreError) -> FinishOutcome
    /// Puts off all effects of a chat that nobody else leases; one statement.
    func push(_ chat: ChatID, milliseconds: Int64) async throws(StoreError)
    /// Drops all effects of a chat and orphans its open holds (`BotKicked`).
    func dropEffects(of chat: ChatID) async throws(StoreError)
    /// Gives unstarted effects back at shutdown.
    func giveBack(_ effects: [Int64]) async throws(StoreError)
    /// Due and waiting effects by lane, and the age in milliseconds of the oldest due one of lanes 1 and 2.
    func pending() async throws(StoreError) -> PendingEffects
    /// Milliseconds until the next effect of these lanes is due (0: now), or `nil` when there is none.
    func nextDueMilliseconds(lanes: Set<Int>) async throws(StoreError) -> Int64?
    /// How many effects are being recorded that will be leased to us.
    var startingEffects: Int { get }
    /// How many records had an unknown outcome: their effects may lie under our lease without our knowing.
    var uncertainRecords: Int { get }
    /// Calls `handler` when effects were recorded for whoever has room, here or by another replica, or may have been.
    func onEffects(_ handler: @escaping @IO () -> Void)
}

/// What became of a finish.
public enum FinishOutcome: Sendable, Equatable {
    /// The row is gone, or waits as asked.
    case finished
    /// The same, and something else is due because of it: a lift that waited, an edit of a prompt.
    case finishedWithDue
    /// A newer wish came for the key: the row is due now again.
    case revised
    /// Another replica has the row, or it is gone.
    case lostLease
}

/// How much waits in the outbox.
public struct PendingEffects: Sendable, Equatable {
    /// Number of rows by lane.
    public var byLane: [Int: Int] = [:]
    /// Rows that are due.
    public var due = 0
    /// Age in milliseconds of the oldest due row of lanes 1 and 2.
    public var oldestMilliseconds: Int64 = 0

    /// Nothing waits.
    public init() {}
}

/// The ledger of holds.
@IO
public protocol LedgerStore: AnyObject {
    /// One row.
    func hold(_ id: LedgerID) async throws(StoreError) -> Hold?
    /// The open row of a person in a group.
    func openHold(of user: UserID, in group: ChatID) async throws(StoreError) -> Hold?
    /// Who may be held, from memory: spares a reading of `openHold` for everybody else.
    var held: HeldPeople { get }
    /// Reads all open holds into `held`.
    func refreshHeld() async throws(StoreError)
    /// All open rows of a person, for the private chat and for returns to a channel.
    func openHolds(of user: UserID) async throws(StoreError) -> [Hold]
    /// Open rows of a group whose people were not told yet, oldest first, at most `limit`, and how many there are.
    func untold(in group: ChatID, limit: Int) async throws(StoreError) -> [Hold]
    /// Open rows that a prompt addressed.
    func addressed(by message: MessageID, in group: ChatID) async throws(StoreError) -> [Hold]
    /// How many are held in a group.
    func openHoldCount(in group: ChatID) async throws(StoreError) -> Int
    /// Rows of a person in a group that were opened in the last `seconds`, open or closed (held a second time).
    func recentHolds(of user: UserID, in group: ChatID, seconds: Int64) async throws(StoreError) -> [Hold]
    /// Stores what others had restricted, before ours is set. Awaited.
    func setPrior(_ permissions: String, of ledger: LedgerID) async throws(StoreError)
    /// Counts a press of the button.
    func pressed(_ ledger: LedgerID) async throws(StoreError)
    /// Brings the missing channels of an open row up to date.
    func setChannels(_ channels: [ChatID], of ledger: LedgerID) async throws(StoreError)
}
