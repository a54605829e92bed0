// Recording on PostgreSQL: one data-modifying statement. Nothing is read before it.

/// The statement that stores a record.
///
/// `$1` bot, `$2` update, `$3` owner of leases, `$4`–`$9` decision (group, user, version, outcome, facts, update),
/// `$10`–`$14` hold (group, user, channels, source, prior), `$15` releases, `$16` wishes, `$17` whether to notify.
/// Ids of the decision come from its sequence first, because decision and ledger row name each other.
enum RecordPostgreSQL {
    /// Most records release nobody, and the server sets up each part of a statement whether it is needed or not.
    static func query(releases: Bool) -> Query { releases ? releasing : holding }

    private static let releasing = Query(
        postgreSQL: text([opening, ending, decision(unlessReleased), wishes(lifts), inserted], released: "ending"))
    private static let holding = Query(
        postgreSQL: text([opening, decision("$15::jsonb = '[]'"), wishes(""), inserted], released: nil))

    private static func text(_ parts: [String], released: String?) -> String {
        "WITH " + parts.joined(separator: ",\n") + "\n"
            + answer(released: released.map { "(SELECT count(*) FROM \($0))" } ?? "0")
    }

    private static let opening = """
        t AS MATERIALIZED (SELECT clock_timestamp() AS now, clock_timestamp() + interval '12 seconds' AS until),
        first AS (
            INSERT INTO processed_updates (bot_id, update_id, state, created_at)
            SELECT $1::bigint, $2::bigint, 'recorded', t.now FROM t WHERE $2::bigint IS NOT NULL
            ON CONFLICT (bot_id, update_id) DO UPDATE SET state = 'recorded'
                WHERE processed_updates.state = 'failing'
            RETURNING 1),
        go AS MATERIALIZED (
            SELECT CASE WHEN $4::bigint IS NOT NULL THEN nextval('decisions_id_seq') END AS decision
            WHERE $2::bigint IS NULL OR EXISTS (SELECT 1 FROM first)),
        l AS (
            INSERT INTO user_restrictions (group_id, user_id, state, channel_ids, source, update_id, decision_id,
                prior_permissions, held_at)
            SELECT $10::bigint, $11::bigint, 'intended', $12::jsonb, $13::text, $2::bigint, go.decision, $14::jsonb,
                t.now
            FROM go, t WHERE $10::bigint IS NOT NULL
            ON CONFLICT (group_id, user_id) WHERE lifted_at IS NULL DO NOTHING
            RETURNING id),
        held AS MATERIALIZED (
            SELECT $10::bigint IS NOT NULL AND NOT EXISTS (SELECT 1 FROM l) AS already FROM go)
        """

    /// Rows are locked before they are judged: a lease taken meanwhile is seen, and the lift waits for it.
    private static let ending = """
        ending AS MATERIALIZED (
            SELECT u.id, u.group_id, u.user_id, u.state, r.reason, r.lifts
            FROM go, jsonb_to_recordset($15::jsonb) AS r("group" bigint, "user" bigint, reason text, lifts int)
            JOIN user_restrictions u ON u.group_id = r."group" AND u.user_id = r."user" AND u.lifted_at IS NULL
            ORDER BY u.id FOR UPDATE OF u),
        flying AS MATERIALIZED (
            SELECT e.id, e.ledger_id, e.kind, e.lease_owner, e.lease_until, n.lifts
            FROM ending n JOIN effects e ON e.ledger_id = n.id AND e.kind IN ('restrict', 'lift')
            ORDER BY e.id FOR UPDATE OF e),
        gone AS (
            DELETE FROM effects e USING flying f
            WHERE e.id = f.id AND f.lease_owner IS NULL AND (f.kind = 'restrict' OR f.lifts = 0)
            RETURNING e.id),
        closing AS (
            UPDATE user_restrictions u SET
                state = CASE WHEN n.lifts = 1 THEN 'lifting' ELSE 'closed' END,
                lifted_at = CASE WHEN n.lifts = 1 THEN NULL ELSE t.now END,
                release_reason = CASE WHEN n.lifts = 1 AND u.state = 'lifting'
                    THEN COALESCE(u.release_reason, n.reason) ELSE n.reason END
            FROM ending n, t WHERE u.id = n.id RETURNING u.id)
        """

    /// A release that others recorded meanwhile has its decision.
    private static let unlessReleased =
        "$15::jsonb = '[]' OR EXISTS (SELECT 1 FROM ending n WHERE n.lifts = 0 OR n.state <> 'lifting')"

    private static func decision(_ condition: String) -> String {
        """
        d AS (
            INSERT INTO decisions (id, update_id, group_id, user_id, at, rule_version, outcome, facts, effects)
            SELECT go.decision, $9::bigint, $4::bigint, $5::bigint, t.now, $6::int,
                CASE WHEN held.already THEN 'delete' ELSE $7::text END,
                CASE WHEN held.already THEN $8::jsonb || '{"reason":"already_held"}' ELSE $8::jsonb END, '[]'
            FROM go, held, t WHERE go.decision IS NOT NULL AND (\(condition))
            RETURNING id)
        """
    }

    private static let lifts = """
        UNION ALL
        SELECT 'lift:' || n.id, 'lift', 2, n.group_id, n.user_id, n.id, '{}'::jsonb,
            CASE WHEN f.id IS NULL THEN 1 ELSE 0 END, 0, GREATEST(f.lease_until, t.now), 1000000
        FROM ending n CROSS JOIN t
        LEFT JOIN flying f ON f.ledger_id = n.id AND f.kind = 'restrict' AND f.lease_owner IS NOT NULL
        WHERE n.lifts = 1
        """

    private static func wishes(_ others: String) -> String {
        """
        w AS MATERIALIZED (
            SELECT DISTINCT ON (x.key) x.* FROM (
                SELECT COALESCE(w.key, w.kind || ':' || COALESCE(w.ledger, (SELECT id FROM l))) AS key, w.kind,
                    w.lane, w.chat, w."user",
                    CASE WHEN w.opened = 1 THEN (SELECT id FROM l) ELSE w.ledger END AS ledger,
                    w.payload, w.starts, w.sends, t.now + w.delay * interval '1 millisecond' AS due, w.n
                FROM held, t, jsonb_to_recordset($16::jsonb) AS w(n int, kind text, key text, lane int, chat bigint,
                    "user" bigint, ledger bigint, opened int, payload jsonb, delay bigint, starts int, sends int)
                WHERE w.kind = 'delete'
                    OR (NOT held.already AND (w.opened = 0 OR EXISTS (SELECT 1 FROM l)))
                \(others)) AS x
            ORDER BY x.key, x.n),
        s AS MATERIALIZED (
            SELECT w.*, w.starts = 1
                AND NOT EXISTS (SELECT 1 FROM effects o WHERE w.lane = 3 AND o.chat_id = w.chat AND o.lane = 3
                    AND o.dedup_key <> w.key AND o.lease_owner IS NOT NULL AND o.lease_until > t.now)
                AND (w.lane <> 3 OR row_number() OVER (PARTITION BY w.chat, w.lane
                    ORDER BY w.starts DESC, w.n) = 1) AS leases
            FROM w, t)
        """
    }

    private static let inserted = """
        e AS (
            INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, payload, due_at,
                lease_owner, lease_until, sends, created_at)
            SELECT s.key, s.kind, s.lane, s.chat, s."user", s.ledger, (SELECT id FROM d), s.payload,
                CASE WHEN s.leases THEN t.until ELSE s.due END, CASE WHEN s.leases THEN $3::text END,
                CASE WHEN s.leases THEN t.until END, CASE WHEN s.leases THEN s.sends ELSE 0 END, t.now
            FROM s, t ORDER BY s.key
            \(EffectRows.conflictPostgreSQL)
            RETURNING \(EffectRows.columns),
                COALESCE(effects.lease_owner = $3::text AND effects.lease_until = (SELECT until FROM t), FALSE)
                    AS leases)
        """

    /// The statement does not see its own row: whether nobody else waits to be told there.
    private static func answer(released: String) -> String {
        """
        SELECT (SELECT id FROM l), held.already::int, \(released), (SELECT id FROM d),
            (NOT EXISTS (SELECT 1 FROM user_restrictions u WHERE u.group_id = $10::bigint AND u.lifted_at IS NULL
                AND u.told_at IS NULL AND u.state IN ('intended', 'held')))::int, e.*,
            CASE WHEN $17::int = 1 AND EXISTS (SELECT 1 FROM e WHERE NOT e.leases)
                THEN pg_notify('nezuko_effects', '')::text END
        FROM held LEFT JOIN e ON e.leases ORDER BY e.id
        """
    }
}
