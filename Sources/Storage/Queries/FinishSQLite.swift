// The ends of attempts on SQLite: small statements by the row's id. What seldom happens is the common text.

import Domain
import EventLoop

/// Stores the end of one attempt.
struct FinishSQLite: Sendable {
    let effect: Int64
    let owner: String
    let decision: Int64?
    /// JSON object for the trace of the decision.
    let note: String?
    /// The last is `remove` or `repeatLater`.
    let steps: [(step: FinishStep, values: [SQLValue])]
    /// Wishes of the step `follow`.
    let follow: [EffectWish]
    let moment: Timestamp

    /// Everything but the note.
    func run(_ connection: SQLiteConnection) throws(SQLiteFailure) -> FinishEnd {
        var end = FinishEnd(isOurs: false, isEnded: false, isDue: false)
        // That the row goes shows that the lease is ours, too.
        if let (step, values) = steps.last, step == .remove {
            end.isEnded = try remove(revision: values.int(0), connection)
            end.isOurs = end.isEnded
        }
        if !end.isOurs { end.isOurs = try isOurs(connection) }
        guard end.isOurs else { return end }
        for (step, values) in steps where step != .remove {
            let hasChanged = try run(step, values, connection)
            if step == .repeatLater { end.isEnded = hasChanged }
            if step.tellsDue, hasChanged { end.isDue = true }
        }
        return end
    }

    private static let ours = SQLiteText("SELECT 1 FROM effects WHERE id = ?1 AND lease_owner = ?2")

    private func isOurs(_ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.ours)
        statement.bind(1, effect)
        statement.bind(2, owner)
        return try statement.firstInteger() != nil
    }

    /// Whether the step changed something, where that is asked.
    private func run(
        _ step: FinishStep, _ values: [SQLValue], _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        switch step {
        case .held: return try update(Self.held, values.int(0), connection)
        case .lifted: return try update(Self.lifted, values.int(0), connection)
        case .wakeLift: return try wakeLift(values.int(0), connection)
        case .told:
            for ledger in values.ids(0) { try told(ledger, values.optionalInt(1), connection) }
            return false
        case .editFreed:
            var isFreed = false
            for ledger in values.ids(0) where !isFreed { isFreed = try isFound(Self.freed, ledger, connection) }
            guard isFreed else { return false }
            return try runText(step, values, connection)
        case .editClosed:
            guard try isFound(Self.prompted, values.int(0), connection) else { return false }
            return try runText(step, values, connection)
        case .follow:
            for wish in follow {
                try EffectRowSQLite(wish, open: nil, decision: decision, moment: moment).store(connection)
            }
            return false
        case .remove: return try remove(revision: values.int(0), connection)
        case .note, .closed, .dropOthers, .notice, .repeatLater: return try runText(step, values, connection)
        }
    }

    private func runText(
        _ step: FinishStep, _ values: [SQLValue], _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        try !connection.run(step.query.statement(.sqlite, [.int(effect), .text(owner)] + values)).isEmpty
    }

    // MARK: - The ledger

    private static let held = SQLiteText(
        "UPDATE user_restrictions SET state = 'held', held_at = ?2 WHERE id = ?1 AND state = 'intended'")
    private static let lifted = SQLiteText(
        "UPDATE user_restrictions SET state = 'closed', lifted_at = ?2 WHERE id = ?1 AND lifted_at IS NULL")
    private static let toldText = SQLiteText(
        "UPDATE user_restrictions SET told_at = ?2, warning_message_id = ?3 WHERE id = ?1")
    private static let freed = SQLiteText(
        "SELECT 1 FROM user_restrictions WHERE id = ?1 AND state IN ('lifting', 'closed')")
    private static let prompted = SQLiteText(
        "SELECT 1 FROM user_restrictions WHERE id = ?1 AND warning_message_id IS NOT NULL")

    private func update(
        _ text: SQLiteText, _ ledger: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(text)
        statement.bind(1, ledger)
        statement.bind(2, moment)
        return try statement.execute() > 0
    }

    private func told(
        _ ledger: Int64, _ message: Int64?, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let statement = try connection.statement(Self.toldText)
        statement.bind(1, ledger)
        statement.bind(2, moment)
        statement.bind(3, message)
        try statement.execute()
    }

    private func isFound(
        _ text: SQLiteText, _ ledger: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(text)
        statement.bind(1, ledger)
        return try statement.firstInteger() != nil
    }

    // MARK: - Effects

    private static let removeText = SQLiteText(
        "DELETE FROM effects WHERE id = ?1 AND lease_owner = ?2 AND revision = ?3")
    private static let waitingLift = SQLiteText(
        "SELECT id FROM effects WHERE ledger_id = ?1 AND kind = 'lift' AND lease_owner IS NULL")
    private static let wake = SQLiteText("UPDATE effects SET due_at = min(due_at, ?2) WHERE id = ?1")

    /// Whether the row went: the lease is ours, and no newer wish has come.
    private func remove(revision: Int64, _ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.removeText)
        statement.bind(1, effect)
        statement.bind(2, owner)
        statement.bind(3, revision)
        return try statement.execute() > 0
    }

    /// A row has one lift at most: its key is the row's.
    private func wakeLift(_ ledger: Int64, _ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.waitingLift)
        statement.bind(1, ledger)
        guard let lift = try statement.firstInteger() else { return false }
        return try update(Self.wake, lift, connection)
    }
}

extension SQLRow {
    fileprivate func ids(_ column: Int) -> [Int64] {
        if column < count, case .ints(let ids) = self[column] { ids } else { [] }
    }
}
