// Reading the trace of decisions.

import Domain
import EventLoop

extension DatabaseStore {
    private static let decisionColumns = """
        SELECT id, update_id, group_id, user_id, at, rule_version, outcome, facts::text, effects::text FROM decisions
        """
    private static let aboutPerson = Query(
        """
        \(decisionColumns) WHERE group_id = $1::bigint AND user_id = $2::bigint AND at >= {after:-2592000000}
        ORDER BY at DESC, id DESC LIMIT $3::int
        """)
    private static let ofUpdate = Query("\(decisionColumns) WHERE update_id = $1::bigint ORDER BY at, id LIMIT 100")
    /// By time, since closed holds are not indexed by their message: who was told of by a message that stands was
    /// held in the last days.
    private static let toldBy = Query(
        """
        SELECT user_id FROM user_restrictions WHERE group_id = $1::bigint AND held_at >= {after:-259200000}
            AND warning_message_id = $2::bigint ORDER BY id LIMIT 20
        """)

    private static let updateStates = Query(
        "SELECT state, attempts FROM processed_updates WHERE bot_id = $1::bigint AND update_id = $2::bigint")
    private static let reopening = Query(
        """
        UPDATE processed_updates SET state = 'failing', attempts = 4
        WHERE bot_id = $1::bigint AND update_id = $2::bigint AND state IN ('failed', 'failing') AND body IS NOT NULL
        RETURNING body::text
        """)

    /// Decisions about a person in a group, newest first, at most `limit`.
    public func decisions(
        about user: UserID, in group: ChatID, limit: Int
    ) async throws(StoreError) -> [StoredDecision] {
        let values: [SQLValue] = [.int(group.value), .int(user.value), .int(Int64(limit))]
        return try await rows(Self.aboutPerson, values, .read).compactMap(Self.decision)
    }

    /// Decisions that an update led to, oldest first.
    public func decisions(of update: UpdateID) async throws(StoreError) -> [StoredDecision] {
        try await rows(Self.ofUpdate, [.int(update.value)], .read).compactMap(Self.decision)
    }

    /// People whose holds a message of the bot told of.
    public func people(toldBy message: MessageID, in group: ChatID) async throws(StoreError) -> [UserID] {
        try await rows(Self.toldBy, [.int(group.value), .int(message.value)], .read).map { UserID($0.int(0)) }
    }

    /// How far an update has come.
    public func updateState(_ update: UpdateID) async throws(StoreError) -> UpdateState? {
        guard let row = try await rows(Self.updateStates, [.int(botID), .int(update.value)], .read).first else {
            return nil
        }
        return switch row.text(0) {
        case "failing": .failing(attempts: Int(row.int(1)))
        case "failed": .failed
        default: .recorded
        }
    }

    /// Takes an update back that was given up; its JSON, or `nil` when it was not.
    public func reopen(_ update: UpdateID) async throws(StoreError) -> String? {
        try await rows(Self.reopening, [.int(botID), .int(update.value)]).first?.optionalText(0)
    }

    private static func decision(_ row: SQLRow) -> StoredDecision? {
        guard row.count == 9, let group = row.optionalInt(2), let at = row[4].timestamp else { return nil }
        return StoredDecision(
            id: row.int(0), update: row.optionalInt(1).map { UpdateID($0) }, group: ChatID(group),
            user: row.optionalInt(3).map { UserID($0) }, atMicroseconds: at.microseconds, ruleVersion: Int(row.int(5)),
            outcome: row.text(6), facts: row.text(7), effects: row.text(8))
    }
}
