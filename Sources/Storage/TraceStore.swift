// The trace of decisions, as it is read back: what was decided about somebody, and why.

import Domain
import EventLoop

/// One row of `decisions`.
public struct StoredDecision: Equatable, Sendable {
    /// The row.
    public var id: Int64
    /// The update that led to it, if one did.
    public var update: UpdateID?
    /// Where.
    public var group: ChatID
    /// About whom; `nil`: about a channel that spoke.
    public var user: UserID?
    /// When, in microseconds since 1970.
    public var atMicroseconds: Int64
    /// The rule set that decided.
    public var ruleVersion: Int
    /// `ignore`, `allow`, `hold`, `delete`, `release`, `approve`, `refused`, `none`.
    public var outcome: String
    /// JSON of the facts with the reason.
    public var facts: String
    /// JSON array: one entry for each attempt at an effect.
    public var effects: String

    /// A row with the given columns.
    public init(
        id: Int64, update: UpdateID?, group: ChatID, user: UserID?, atMicroseconds: Int64, ruleVersion: Int,
        outcome: String, facts: String, effects: String
    ) {
        self.id = id
        self.update = update
        self.group = group
        self.user = user
        self.atMicroseconds = atMicroseconds
        self.ruleVersion = ruleVersion
        self.outcome = outcome
        self.facts = facts
        self.effects = effects
    }
}

/// How far an update has come.
public enum UpdateState: Equatable, Sendable {
    /// What it leads to is stored.
    case recorded
    /// It failed by our own fault, that many times so far.
    case failing(attempts: Int)
    /// Given up after the fifth failure.
    case failed
}

/// What was decided, by the rules and by administrators.
@IO
public protocol TraceStore: AnyObject {
    /// Decisions about a person in a group, newest first, at most `limit`. As old as they are kept: 30 days.
    func decisions(about user: UserID, in group: ChatID, limit: Int) async throws(StoreError) -> [StoredDecision]
    /// Decisions that an update led to, oldest first.
    func decisions(of update: UpdateID) async throws(StoreError) -> [StoredDecision]
    /// People whose holds, open or closed, a message of the bot told of, in the order of their holds; at most 20.
    func people(toldBy message: MessageID, in group: ChatID) async throws(StoreError) -> [UserID]
    /// How far an update has come; `nil`: it led to nothing, or is older than 3 days.
    func updateState(_ update: UpdateID) async throws(StoreError) -> UpdateState?
    /// Takes an update back that was given up, so that it may be recorded once more; at its next failure it is given
    /// up again. Gives its JSON without texts and names, or `nil` when it was not given up.
    func reopen(_ update: UpdateID) async throws(StoreError) -> String?
}
