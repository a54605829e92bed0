// What the end of an attempt says to either engine.

/// The texts. `$1` is the effect and `$2` our owner. `{ours}`: a change depends on the lease being ours; SQLite, where
/// nobody comes between the statements of a transaction, has looked before.
enum FinishText {
    static let isOurs = "EXISTS (SELECT 1 FROM effects z WHERE z.id = $1::bigint AND z.lease_owner = $2::text)"

    static let lock = Query(
        "SELECT revision FROM effects WHERE id = $1::bigint AND lease_owner = $2::text {locked}")

    static let held = Query(
        """
        UPDATE user_restrictions SET state = 'held', held_at = {now}
        WHERE id = $3::bigint AND state = 'intended' AND {ours}
        """)

    /// The lift that waited for the restrict.
    static let wakeLift = Query(
        """
        UPDATE effects SET due_at = {least}(due_at, {now})
        WHERE ledger_id = $3::bigint AND kind = 'lift' AND lease_owner IS NULL AND {ours}
        RETURNING 1
        """)

    static let lifted = Query(
        """
        UPDATE user_restrictions SET state = 'closed', lifted_at = {now}
        WHERE id = $3::bigint AND lifted_at IS NULL AND {ours}
        """)

    static let closed = Query(
        """
        UPDATE user_restrictions SET state = 'closed', lifted_at = {now}, release_reason = $4::text
        WHERE id = $3::bigint AND lifted_at IS NULL AND {ours}
        """)

    static let dropOthers = Query(
        """
        DELETE FROM effects WHERE ledger_id = $3::bigint AND lease_owner IS NULL AND id <> $1::bigint AND {ours}
        """)

    static let told = Query(
        """
        UPDATE user_restrictions SET told_at = {now}, warning_message_id = $4::bigint
        WHERE id {in:$3} AND {ours}
        """)

    /// Who was freed while the message was on its way must not stay named in it; the edit looks who is left.
    /// A lift that starts after this one reads the message from the ledger.
    static let editFreed = edit("$4::bigint", "u.id {in:$3} AND u.state IN ('lifting', 'closed')")
    /// Who is not held after all is not to read on that they are.
    static let editClosed = edit("u.warning_message_id", "u.id = $3::bigint AND u.warning_message_id IS NOT NULL")

    private static func edit(_ message: String, _ condition: String) -> Query {
        func text(_ payload: String, _ conflict: String) -> String {
            """
            INSERT INTO effects (dedup_key, kind, lane, chat_id, payload, due_at, created_at)
            SELECT 'edit:' || u.group_id || ':' || \(message), 'edit', 3, u.group_id, \(payload), {now}, {now}
            FROM user_restrictions u WHERE \(condition) AND {ours}
            GROUP BY u.group_id, u.warning_message_id
            \(conflict)
            RETURNING 1
            """
        }
        return Query(
            postgreSQL: text("jsonb_build_object('message', \(message))", EffectRows.conflictPostgreSQL),
            sqlite: text("json_object('message', \(message))", EffectRows.conflictSQLite))
    }

    static let notice = Query(
        """
        UPDATE protected_groups SET notice_message_id = $4::bigint, notice_thread_id = $5::bigint,
            notice_sent_at = CASE WHEN $4::bigint IS NULL THEN NULL ELSE {now} END, updated_at = {now}
        WHERE group_id = $3::bigint AND {ours}
        """)

    static let note = Query(
        postgreSQL: """
            UPDATE decisions SET effects = effects || jsonb_build_array($4::jsonb)
            WHERE id = $3::bigint AND {ours}
                AND pg_column_size(facts) + pg_column_size(effects) + octet_length($4::text) < 1024
            """,
        sqlite: """
            UPDATE decisions SET effects = json_insert(effects, '$[#]', json($4))
            WHERE id = $3 AND {ours}
                AND length(CAST(facts AS BLOB)) + length(CAST(effects AS BLOB)) + length(CAST($4 AS BLOB)) < 1024
            """)

    /// `$3` wishes, `$4` the decision. SQLite is given the wishes one by one: see `EffectRowSQLite`.
    static let follow = Query(
        postgreSQL: """
            INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, payload, due_at,
                created_at)
            SELECT DISTINCT ON (key) COALESCE(w.key, w.kind || ':' || w.ledger) AS key, w.kind, w.lane, w.chat,
                w."user", w.ledger, $4::bigint, w.payload, {after:w.delay}, {now}
            FROM jsonb_to_recordset($3::jsonb) AS w(n int, kind text, key text, lane int, chat bigint,
                "user" bigint, ledger bigint, payload jsonb, delay bigint)
            WHERE {ours} ORDER BY key
            \(EffectRows.conflictPostgreSQL)
            """)

    static let remove = Query(
        """
        DELETE FROM effects WHERE id = $1::bigint AND lease_owner = $2::text AND revision = $3::int RETURNING 1
        """)

    /// The newer wish is a new message: what was sent for the old one does not count.
    static let revise = Query(
        """
        UPDATE effects SET lease_owner = NULL, lease_until = NULL, due_at = {now}, attempts = 0, sends = 0
        WHERE id = $1::bigint AND lease_owner = $2::text RETURNING 1
        """)

    static let repeatLater = Query(
        """
        UPDATE effects SET lease_owner = NULL, lease_until = NULL, due_at = {after:$3}, attempts = 0, sends = 0,
            revision = revision + 1, payload = $4::jsonb
        WHERE id = $1::bigint AND lease_owner = $2::text AND revision = $5::int RETURNING 1
        """)

    /// A restrict that failed is not tried again once its row is being lifted.
    static let abandon = Query(
        """
        DELETE FROM effects WHERE id = $1::bigint AND lease_owner = $2::text AND kind = 'restrict'
            AND NOT EXISTS (SELECT 1 FROM user_restrictions u WHERE u.id = effects.ledger_id AND u.state = 'intended')
        RETURNING 1
        """)

    static let wakeAfterRestrict = Query(
        """
        UPDATE effects SET due_at = {least}(due_at, {now})
        WHERE ledger_id = $3::bigint AND kind = 'lift' AND lease_owner IS NULL AND {ours}
            AND EXISTS (SELECT 1 FROM user_restrictions u WHERE u.id = $3::bigint AND u.state = 'lifting')
        RETURNING 1
        """)

    static let again = Query(
        """
        UPDATE effects SET lease_owner = NULL, lease_until = NULL, due_at = {after:$3},
            attempts = attempts + $4::int, sends = {greatest}(0, sends - $5::int)
        WHERE id = $1::bigint AND lease_owner = $2::text RETURNING 1
        """)
}
