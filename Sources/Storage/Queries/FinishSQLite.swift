// The end of an attempt on SQLite: small statements by the row's id. What seldom happens is the common text.

import Domain
import EventLoop

/// Stores the end of one attempt.
struct FinishSQLite: Sendable {
    let effect: Int64
    let owner: String
    let decision: Int64?
    let steps: [(step: FinishStep, values: [SQLValue])]
    /// Wishes of the step `follow`.
    let follow: [EffectWish]
    let moment: Timestamp

    /// One row: whether the lease is ours, whether the effect ended, whether something became due.
    func run(_ connection: SQLiteConnection) throws(SQLiteFailure) -> [SQLRow] {
        let statement = try connection.statement(Self.ours)
        statement.bind(1, effect)
        statement.bind(2, owner)
        guard try statement.firstInteger() != nil else { return [[.flag(false), .flag(false), .flag(false)]] }
        var isEnded = false
        var isDue = false
        for (step, values) in steps {
            let hasChanged = try run(step, values, connection)
            if step == .remove || step == .repeatLater { isEnded = hasChanged }
            if step.tellsDue, hasChanged { isDue = true }
        }
        return [[.flag(true), .flag(isEnded), .flag(isDue)]]
    }

    private static let ours = SQLiteText("SELECT 1 FROM effects WHERE id = ?1 AND lease_owner = ?2")

    /// Whether the step changed something, where that is asked.
    private func run(
        _ step: FinishStep, _ values: [SQLValue], _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        switch step {
        case .note:
            try note(values.int(0), values.text(1), connection)
            return false
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
        case .remove:
            let statement = try connection.statement(Self.remove)
            statement.bind(1, effect)
            statement.bind(2, owner)
            statement.bind(3, values.int(0))
            return try statement.execute() > 0
        case .closed, .dropOthers, .notice, .repeatLater: return try runText(step, values, connection)
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

    private static let remove = SQLiteText("DELETE FROM effects WHERE id = ?1 AND lease_owner = ?2 AND revision = ?3")
    private static let waitingLift = SQLiteText(
        "SELECT id FROM effects WHERE ledger_id = ?1 AND kind = 'lift' AND lease_owner IS NULL")
    private static let wake = SQLiteText("UPDATE effects SET due_at = min(due_at, ?2) WHERE id = ?1")

    /// A row has one lift at most: its key is the row's.
    private func wakeLift(_ ledger: Int64, _ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.waitingLift)
        statement.bind(1, ledger)
        guard let lift = try statement.firstInteger() else { return false }
        return try update(Self.wake, lift, connection)
    }

    // MARK: - The decision

    private static let decisionText = SQLiteText("SELECT facts, effects FROM decisions WHERE id = ?1")
    private static let noteText = SQLiteText("UPDATE decisions SET effects = ?2 WHERE id = ?1")

    /// Adds what was done, as long as facts and effects stay below 1 KiB together.
    private func note(
        _ decision: Int64, _ note: String, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let statement = try connection.statement(Self.decisionText)
        statement.bind(1, decision)
        guard try statement.step() else { return }
        let stored = statement.byteCount(0) + statement.byteCount(1)
        var effects = statement.text(1)
        statement.end()
        guard stored + note.utf8.count < 1024, effects.popLast() == "]" else { return }
        effects += effects == "[" ? "" : ","
        effects += note
        effects += "]"
        let change = try connection.statement(Self.noteText)
        change.bind(1, decision)
        change.bind(2, effects)
        try change.execute()
    }
}

extension SQLRow {
    fileprivate func ids(_ column: Int) -> [Int64] {
        if column < count, case .ints(let ids) = self[column] { ids } else { [] }
    }
}
