// Recording on SQLite: small statements, one after another. One writer runs them, so what they read stays true.

import Domain
import EventLoop

/// Stores one record.
struct RecordSQLite: Sendable {
    let record: Record
    let botID: Int64
    let owner: String
    let lease: Timestamp
    let moment: Timestamp
    /// The statements of each release.
    let releases: [[SQLStatement]]

    /// Runs the steps in order; an update that was recorded before ends at the first.
    func run(_ connection: SQLiteConnection) throws(SQLiteFailure) -> RecordOutcome {
        if let update = record.update {
            guard try first(update, connection) else { return .repeated }
        }
        var recorded = Recorded()
        var open: Int64?
        if let hold = record.hold { open = try Self.openRow(of: hold.user, in: hold.group, connection) }
        recorded.wasHeldAlready = open != nil
        if let decision = record.decision, try decides(connection) {
            recorded.decision = try store(decision, isHeld: open != nil, connection)
        }
        if let hold = record.hold, open == nil {
            recorded.isOnlyUntold = try Self.nobodyWaits(in: hold.group, connection)
            open = try store(hold, recorded.decision, connection)
            recorded.ledger = open.map { LedgerID($0) }
        }
        let wishes = record.effects.filter { wish in
            if wish.kind == .delete { return true }
            return (record.hold == nil || recorded.ledger != nil) && (wish.ledger != .opened || open != nil)
        }
        recorded.effects = try store(wishes, open: open, decision: recorded.decision, connection)
        for statements in releases {
            let results = try connection.run(statements)
            recorded.released += results.last?.count ?? 0
            guard statements.count > 2 else { continue }
            recorded.effects += results[1].filter { $0.flag(12) }.compactMap { EffectRows.effect($0) }
        }
        return .recorded(recorded)
    }

    // MARK: - Update, decision, hold

    private static let firstText = SQLiteText(
        """
        INSERT INTO processed_updates (bot_id, update_id, state, created_at) VALUES (?1, ?2, 'recorded', ?3)
        ON CONFLICT (bot_id, update_id) DO UPDATE SET state = 'recorded' WHERE processed_updates.state = 'failing'
        """)

    private func first(_ update: UpdateID, _ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(Self.firstText)
        statement.bind(1, botID)
        statement.bind(2, update.value)
        statement.bind(3, moment)
        return try statement.execute() > 0
    }

    private static let openText = SQLiteText(
        "SELECT id, state FROM user_restrictions WHERE group_id = ?1 AND user_id = ?2 AND lifted_at IS NULL")

    private static func openRow(
        of user: UserID, in group: ChatID, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Int64? {
        let statement = try connection.statement(openText)
        statement.bind(1, group.value)
        statement.bind(2, user.value)
        return try statement.firstInteger()
    }

    /// Whether a record without releases has a decision, or one of its releases ends something: others may have
    /// recorded it meanwhile, with their decision.
    private func decides(_ connection: SQLiteConnection) throws(SQLiteFailure) -> Bool {
        for release in record.releases {
            let statement = try connection.statement(Self.openText)
            statement.bind(1, release.group.value)
            statement.bind(2, release.user.value)
            guard try statement.step() else { continue }
            let isLifting = statement.text(1) == "lifting"
            statement.end()
            if !release.lifts || !isLifting { return true }
        }
        return record.releases.isEmpty
    }

    private static let decisionText = SQLiteText(
        """
        INSERT INTO decisions (update_id, group_id, user_id, at, rule_version, outcome, facts, effects)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?8 THEN json_set(?7, '$.reason', 'already_held') ELSE ?7 END, '[]')
        """)

    /// An open hold of the person turns the decision into a deletion.
    private func store(
        _ decision: DecisionRow, isHeld: Bool, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Int64 {
        let statement = try connection.statement(Self.decisionText)
        statement.bind(1, decision.update?.value)
        statement.bind(2, decision.group.value)
        statement.bind(3, decision.user?.value)
        statement.bind(4, moment)
        statement.bind(5, Int64(decision.ruleVersion))
        statement.bind(6, isHeld ? "delete" : decision.outcome)
        statement.bind(7, decision.facts)
        statement.bind(8, isHeld)
        try statement.execute()
        return connection.lastID
    }

    /// The order makes SQLite look into the index of those who are untold, not among all who are held there.
    private static let waitingText = SQLiteText(
        """
        SELECT 1 FROM user_restrictions WHERE group_id = ?1 AND lifted_at IS NULL AND told_at IS NULL
            AND state IN ('intended', 'held') ORDER BY id LIMIT 1
        """)

    /// Whether nobody else waits to be told there.
    private static func nobodyWaits(
        in group: ChatID, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        let statement = try connection.statement(waitingText)
        statement.bind(1, group.value)
        return try statement.firstInteger() == nil
    }

    private static let holdText = SQLiteText(
        """
        INSERT INTO user_restrictions (group_id, user_id, state, channel_ids, source, update_id, decision_id,
            prior_permissions, held_at)
        VALUES (?1, ?2, 'intended', ?3, ?4, ?5, ?6, ?7, ?8)
        """)

    private func store(
        _ hold: HoldWish, _ decision: Int64?, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Int64 {
        let statement = try connection.statement(Self.holdText)
        statement.bind(1, hold.group.value)
        statement.bind(2, hold.user.value)
        statement.bind(3, "[" + hold.channels.map(\.description).joined(separator: ",") + "]")
        statement.bind(4, hold.source.rawValue)
        statement.bind(5, record.update?.value)
        statement.bind(6, decision)
        statement.bind(7, hold.priorPermissions)
        statement.bind(8, moment)
        try statement.execute()
        return connection.lastID
    }

    // MARK: - Effects

    /// Stores the wishes in the order of their keys; gives those that are leased to us.
    private func store(
        _ wishes: [EffectWish], open: Int64?, decision: Int64?, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> [Effect] {
        var rows: [EffectRowSQLite] = []
        for (index, wish) in wishes.enumerated() {
            var row = EffectRowSQLite(wish, open: open, decision: decision, moment: moment)
            if try starts(index, of: wishes, connection) {
                row.lease(owner, until: lease)
            }
            rows.append(row)
        }
        rows.sort { $0.key < $1.key }
        var leased: [Effect] = []
        for row in rows {
            guard let effect = try row.store(connection) else { continue }
            leased.append(effect)
        }
        return leased
    }

    private static let messageText = SQLiteText(
        """
        SELECT 1 FROM effects WHERE chat_id = ?1 AND lane = 3 AND dedup_key <> ?2 AND lease_owner IS NOT NULL
            AND lease_until > ?3 LIMIT 1
        """)

    /// Of the messages of a chat one at a time is under way.
    private func starts(
        _ index: Int, of wishes: [EffectWish], _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> Bool {
        let wish = wishes[index]
        guard wish.startsAtOnce else { return false }
        guard wish.kind.lane == 3 else { return true }
        let isFirst = !wishes[..<index].contains { $0.kind.lane == 3 && $0.chat == wish.chat && $0.startsAtOnce }
        guard isFirst else { return false }
        let statement = try connection.statement(Self.messageText)
        statement.bind(1, wish.chat.value)
        statement.bind(2, wish.key)
        statement.bind(3, moment)
        return try statement.firstInteger() == nil
    }

    // MARK: - Releases

    /// First for each release: what has not started is not needed any more.
    static let dropUnstarted = Query(
        """
        DELETE FROM effects WHERE lease_owner IS NULL AND (kind = 'restrict' OR (kind = 'lift' AND $3 = 0))
            AND ledger_id = (SELECT id FROM user_restrictions
                WHERE group_id = $1 AND user_id = $2 AND lifted_at IS NULL)
        """)

    /// Then the lift, at once or at the end of the lease of a restrict in flight.
    static let lift = Query(
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, payload, due_at,
            lease_owner, lease_until, created_at)
        SELECT 'lift:' || u.id, 'lift', 2, u.group_id, u.user_id, u.id,
            CASE WHEN $5 = 1 AND u.state <> 'lifting' THEN (SELECT max(id) FROM decisions) END, '{}',
            COALESCE(max(u.waits, {now}), $4), CASE WHEN u.waits IS NULL THEN $3 END,
            CASE WHEN u.waits IS NULL THEN $4 END, {now}
        FROM (SELECT r.*, (SELECT e.lease_until FROM effects e
                WHERE e.ledger_id = r.id AND e.kind = 'restrict' AND e.lease_owner IS NOT NULL) AS waits
            FROM user_restrictions r WHERE r.group_id = $1 AND r.user_id = $2 AND r.lifted_at IS NULL) AS u
        WHERE TRUE
        \(EffectRows.conflictSQLite)
        RETURNING \(EffectRows.columns), (lease_owner IS $3 AND lease_until IS $4)
        """)

    /// Last the ledger row.
    static let close = Query(
        """
        UPDATE user_restrictions SET
            state = CASE WHEN $4 = 1 THEN 'lifting' ELSE 'closed' END,
            lifted_at = CASE WHEN $4 = 1 THEN NULL ELSE {now} END,
            release_reason = CASE WHEN $4 = 1 AND state = 'lifting' THEN COALESCE(release_reason, $3) ELSE $3 END
        WHERE group_id = $1 AND user_id = $2 AND lifted_at IS NULL
        RETURNING id
        """)
}
