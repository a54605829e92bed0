// The usual ends of attempts on PostgreSQL: those that came at the same time share one or two statements.

import Domain
import EventLoop
import JSON

/// An end of the usual kind: a message is gone, a person muted, a prompt sent.
final class UsualEnd: Sendable {
    let id: Int64
    let revision: Int64
    let decision: Int64?
    /// JSON object for the trace of the decision.
    let note: String?
    let held: LedgerID?
    let told: (ledgers: [LedgerID], message: MessageID?)?
    let expire: EffectWish?

    /// `nil`: the end is another one, and has statements of its own.
    init?(_ effect: Effect, _ changes: [LedgerChange], _ follow: [EffectWish], _ note: String?) {
        guard changes.count <= 1, follow.count <= 1, follow.allSatisfy({ $0.kind == .expire && $0.key != effect.key })
        else { return nil }
        id = effect.id
        revision = Int64(effect.revision)
        decision = effect.decision
        self.note = effect.decision == nil ? nil : note
        expire = follow.first
        switch changes.first {
        case nil: (held, told) = (nil, nil)
        case .held(let ledger): (held, told) = (ledger, nil)
        case .told(let ledgers, let message): (held, told) = (nil, (ledgers, message))
        case .lifted, .closed, .notice: return nil
        }
    }

    fileprivate var changesMore: Bool { held != nil || told != nil || expire != nil }
}

/// The statements of several usual ends. They store all of them or, where one is not ours any more, nothing: whoever
/// sends them then sends each by itself.
enum FinishBatch {
    /// The last statement answers a row for each effect: its id, whether the row is gone, and how many others became
    /// due by the whole batch. No rows: nothing was stored.
    static func statements(_ ends: [UsualEnd], owner: String) -> [SQLStatement] {
        let ours: [SQLValue] = [.text(owner), .ints(ends.map(\.id))]
        let revisions = SQLValue.ints(ends.map(\.revision))
        let trace = trace(ends)
        guard ends.contains(where: \.changesMore) else {
            return [removal.statement(.postgreSQL, ours + [revisions] + trace)]
        }
        let changes = changes(ends)
        return [
            ledger.statement(.postgreSQL, ours + trace + changes),
            rest.statement(.postgreSQL, ours + [revisions, .text(expires(ends))] + changes),
        ]
    }

    // MARK: - Texts

    /// Rows are locked in the order of their ids, also those that are not ours: nobody leases one of them for us again
    /// between the two statements of a batch, so both find the same.
    private static let mine = """
        locked AS MATERIALIZED (
            SELECT id, lease_owner FROM effects WHERE id = ANY($2::bigint[]) ORDER BY id FOR UPDATE),
        mine AS MATERIALIZED (
            SELECT id FROM locked
            WHERE (SELECT count(*) FROM locked WHERE lease_owner = $1::text) = cardinality($2::bigint[]))
        """

    private static let areMine = "EXISTS (SELECT 1 FROM mine)"

    /// What decisions led to; as much of it as the row's bound allows. `notes` has a line for each decision of
    /// `decisions`, an array; no note has a line's end in it. `OFFSET` keeps the planner from parsing a line wherever
    /// its value is named: half of what the update costs.
    private static func noted(_ notes: String, _ decisions: String) -> String {
        func fits(_ notes: String) -> String {
            "pg_column_size(d.facts) + pg_column_size(d.effects) + pg_column_size(\(notes)) < 1024"
        }
        return """
            noted AS (
                UPDATE decisions d SET effects = d.effects || CASE WHEN \(fits("y.notes")) THEN y.notes
                    WHEN \(fits("y.notes->0")) THEN jsonb_build_array(y.notes->0) ELSE '[]' END
                FROM (SELECT w.id, w.notes::jsonb AS notes
                    FROM unnest(\(decisions)::bigint[], string_to_array(\(notes)::text, E'\\n')) AS w(id, notes)
                    WHERE \(areMine) OFFSET 0) AS y
                WHERE d.id = y.id)
            """
    }

    private static func gone(_ parameter: String) -> String {
        """
        gone AS (
            DELETE FROM effects e USING unnest($2::bigint[], \(parameter)::bigint[]) AS x(id, revision)
            WHERE e.id = x.id AND e.revision = x.revision AND \(areMine) RETURNING e.id)
        """
    }

    private static func answer(_ due: String) -> String {
        "SELECT m.id, (m.id = ANY (ARRAY(SELECT id FROM gone)))::int, \(due) FROM mine m"
    }

    /// `$3` revisions, `$4` and `$5` notes and their decisions.
    private static let removal = Query(
        postgreSQL: "WITH \(mine),\n\(noted("$4", "$5")),\n\(gone("$3"))\n\(answer("0"))")

    /// `$3` and `$4` notes and their decisions; `$5`–`$8` changes of ledger rows: which row, whether held, whether told,
    /// the message.
    private static let ledger = Query(
        postgreSQL: """
            WITH \(mine),
            \(noted("$3", "$4")),
            ledger AS (
                UPDATE user_restrictions u SET
                    state = CASE WHEN c.held = 1 AND u.state = 'intended' THEN 'held' ELSE u.state END,
                    held_at = CASE WHEN c.held = 1 AND u.state = 'intended' THEN {now} ELSE u.held_at END,
                    told_at = CASE WHEN c.told = 1 THEN {now} ELSE u.told_at END,
                    warning_message_id = CASE WHEN c.told = 1 THEN NULLIF(c.message, 0) ELSE u.warning_message_id END
                FROM (SELECT c.ledger, max(c.held) AS held, max(c.told) AS told, max(c.message) AS message
                    FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
                        AS c(ledger, held, told, message)
                    WHERE \(areMine) GROUP BY c.ledger) AS c
                WHERE u.id = c.ledger)
            SELECT 1
            """)

    /// A statement of its own, because it reads what others may have stored while the one before waited for their
    /// lock: a lift that waits for the mute, somebody freed while the prompt was on its way.
    /// `$3` revisions, `$4` expiries, `$5`–`$8` as above.
    private static let rest = Query(
        postgreSQL: """
            WITH \(mine),
            change AS MATERIALIZED (
                SELECT * FROM unnest($5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
                    AS c(ledger, held, told, message)
                WHERE \(areMine)),
            woken AS (
                UPDATE effects SET due_at = LEAST(due_at, {now})
                WHERE ledger_id IN (SELECT c.ledger FROM change c WHERE c.held = 1) AND kind = 'lift'
                    AND lease_owner IS NULL
                RETURNING 1),
            edited AS (
                INSERT INTO effects (dedup_key, kind, lane, chat_id, payload, due_at, created_at)
                SELECT 'edit:' || u.group_id || ':' || c.message, 'edit', 3, u.group_id,
                    jsonb_build_object('message', c.message), {now}, {now}
                FROM change c JOIN user_restrictions u ON u.id = c.ledger AND u.state IN ('lifting', 'closed')
                WHERE c.told = 1 AND c.message <> 0
                GROUP BY u.group_id, c.message
                \(EffectRows.conflictPostgreSQL)
                RETURNING 1),
            expiring AS (
                INSERT INTO effects (dedup_key, kind, lane, chat_id, decision_id, payload, due_at, created_at)
                SELECT w.key, 'expire', 3, w.chat, w.decision, w.payload, {after:w.delay}, {now}
                FROM jsonb_to_recordset($4::jsonb) AS w(key text, chat bigint, decision bigint,
                    payload jsonb, delay bigint)
                WHERE \(areMine) ORDER BY w.key
                \(EffectRows.conflictPostgreSQL)),
            \(gone("$3"))
            \(answer("(SELECT count(*) FROM woken) + (SELECT count(*) FROM edited)"))
            """)

    // MARK: - Parameters

    /// A line of notes for each decision, and the decisions, in the order of their ids: two replicas that store ends of
    /// the same decisions wait for each other in one direction only.
    private static func trace(_ ends: [UsualEnd]) -> [SQLValue] {
        var notes: [Int64: String] = [:]
        for end in ends {
            guard let decision = end.decision, let note = end.note else { continue }
            notes[decision] = (notes[decision].map { $0 + "," } ?? "") + note
        }
        let lines = notes.sorted { $0.key < $1.key }
        return [.text(lines.map { "[\($0.value)]" }.joined(separator: "\n")), .ints(lines.map(\.key))]
    }

    private static func expires(_ ends: [UsualEnd]) -> String {
        var writer = JSONWriter()
        writer.array { writer in
            for end in ends {
                guard let wish = end.expire, let key = wish.key else { continue }
                writer.object { writer in
                    writer.key("key")
                    writer.string(key)
                    writer.key("chat")
                    writer.int(wish.chat.value)
                    writer.key("decision")
                    if let decision = end.decision { writer.int(decision) } else { writer.null() }
                    writer.key("payload")
                    writer.raw(Array(wish.payload.utf8))
                    writer.key("delay")
                    writer.int(wish.delayMilliseconds)
                }
            }
        }
        return writer.text
    }

    private static func changes(_ ends: [UsualEnd]) -> [SQLValue] {
        var columns: [[Int64]] = Array(repeating: [], count: 4)
        func add(_ values: [Int64]) {
            for (index, value) in values.enumerated() { columns[index].append(value) }
        }
        for end in ends {
            if let ledger = end.held { add([ledger.value, 1, 0, 0]) }
            if let told = end.told {
                for ledger in told.ledgers { add([ledger.value, 0, 1, told.message?.value ?? 0]) }
            }
        }
        return columns.map { .ints($0) }
    }
}
