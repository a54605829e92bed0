// Effects as rows and back, and what a second wish for a key does to the first.

import Domain
import EventLoop
import JSON

/// Columns and texts shared by all that writes `effects`.
enum EffectRows {
    /// The columns of an `Effect`, in order. `{since:created_at}` is its age.
    static let columns = """
        id, dedup_key, kind, chat_id, user_id, ledger_id, decision_id, payload::text, attempts, revision, sends, \
        {since:created_at}
        """

    /// Messages to people: their leases count as sends.
    static let messageKinds = "('prompt', 'send', 'notify')"

    /// A second wish for a key. Leased rows keep `due_at`; a free one may be leased by it, and is a new message:
    /// what was perhaps sent for the former wish does not count.
    static func conflict(_ merged: String) -> String {
        """
        ON CONFLICT (dedup_key) DO UPDATE SET
            revision = effects.revision + 1,
            decision_id = COALESCE(effects.decision_id, excluded.decision_id),
            payload = CASE WHEN effects.kind = 'recheck' THEN \(merged) ELSE excluded.payload END,
            due_at = CASE WHEN effects.lease_owner IS NOT NULL THEN effects.due_at
                WHEN excluded.lease_owner IS NOT NULL THEN excluded.due_at
                ELSE {least}(effects.due_at, excluded.due_at) END,
            lease_until = CASE WHEN effects.lease_owner IS NULL THEN excluded.lease_until
                ELSE effects.lease_until END,
            lease_owner = COALESCE(effects.lease_owner, excluded.lease_owner),
            sends = CASE WHEN effects.lease_owner IS NULL THEN excluded.sends ELSE effects.sends END
        """
    }

    static let conflictPostgreSQL = conflict(
        """
        effects.payload || excluded.payload || jsonb_build_object(
            'messages', (SELECT COALESCE(jsonb_agg(k.m ORDER BY k.m), '[]') FROM (
                SELECT DISTINCT v::text::bigint AS m
                FROM jsonb_array_elements(COALESCE(effects.payload->'messages', '[]')
                    || COALESCE(excluded.payload->'messages', '[]')) AS v
                ORDER BY m LIMIT 20) AS k),
            'audit', COALESCE((effects.payload->>'audit')::boolean, FALSE)
                OR COALESCE((excluded.payload->>'audit')::boolean, FALSE))
        """)

    static let conflictSQLite = conflict(
        """
        json_patch(json_patch(effects.payload, excluded.payload), json_object(
            'messages', json((SELECT json_group_array(m) FROM (SELECT DISTINCT value AS m FROM (
                SELECT value FROM json_each(effects.payload, '$.messages')
                UNION ALL SELECT value FROM json_each(excluded.payload, '$.messages')) ORDER BY m LIMIT 20))),
            'audit', json(CASE WHEN json_extract(effects.payload, '$.audit')
                OR json_extract(excluded.payload, '$.audit') THEN 'true' ELSE 'false' END)))
        """)

    /// The effect of a row with `columns`, from the given column on.
    static func effect(
        _ row: SQLRow, from start: Int = 0, isTakenOver: Bool = false, freshHold: Hold? = nil
    ) -> Effect? {
        guard start + 11 < row.count, let id = row.optionalInt(start),
            let kind = EffectKind(rawValue: row.text(start + 2))
        else { return nil }
        return Effect(
            id: id, key: row.text(start + 1), kind: kind, chat: ChatID(row.int(start + 3)),
            user: row.optionalInt(start + 4).map { UserID($0) },
            ledger: row.optionalInt(start + 5).map { LedgerID($0) }, decision: row.optionalInt(start + 6),
            payload: row.text(start + 7), attempts: Int(row.int(start + 8)), revision: Int(row.int(start + 9)),
            sends: Int(row.int(start + 10)), ageMilliseconds: max(0, row.int(start + 11)), isTakenOver: isTakenOver,
            freshHold: freshHold)
    }

    /// Wishes as one JSON array parameter: one text of a statement serves any number of them.
    static func json(_ wishes: [EffectWish]) -> SQLValue {
        var writer = JSONWriter()
        writer.array { writer in
            for (index, wish) in wishes.enumerated() { write(wish, at: index, to: &writer) }
        }
        return .text(writer.text)
    }

    private static func write(_ wish: EffectWish, at index: Int, to writer: inout JSONWriter) {
        let isMessage = wish.kind == .prompt || wish.kind == .send || wish.kind == .notify
        writer.object { writer in
            writer.key("n")
            writer.int(Int64(index))
            writer.key("kind")
            writer.string(wish.kind.rawValue)
            writer.key("key")
            if let key = wish.key { writer.string(key) } else { writer.null() }
            writer.key("lane")
            writer.int(Int64(wish.kind.lane))
            writer.key("chat")
            writer.int(wish.chat.value)
            writer.key("user")
            if let user = wish.user { writer.int(user.value) } else { writer.null() }
            writer.key("ledger")
            if case .row(let id) = wish.ledger { writer.int(id.value) } else { writer.null() }
            writer.key("opened")
            writer.int(wish.ledger == .opened ? 1 : 0)
            writer.key("payload")
            writer.raw(Array(wish.payload.utf8))
            writer.key("delay")
            writer.int(wish.delayMilliseconds)
            writer.key("starts")
            writer.int(wish.startsAtOnce ? 1 : 0)
            writer.key("sends")
            writer.int(isMessage ? 1 : 0)
        }
    }
}
