// Recording on SQLite: a chain of statements. One writer runs them, so what they read stays true.

import Domain

/// The steps that store a record, in order.
enum RecordSQLite {
    /// Step 1: no row, no further step.
    static let first = Query(
        """
        INSERT INTO processed_updates (bot_id, update_id, state, created_at) VALUES ($1, $2, 'recorded', {now})
        ON CONFLICT (bot_id, update_id) DO UPDATE SET state = 'recorded' WHERE processed_updates.state = 'failing'
        RETURNING 1
        """)

    /// Whether a record without releases has a decision, or one of its releases ends something: others may have
    /// recorded it meanwhile, with their decision.
    private static func decides(_ releases: String) -> String {
        """
        (\(releases) = '[]' OR EXISTS (SELECT 1 FROM json_each(\(releases)) AS j
            JOIN user_restrictions AS r ON r.group_id = json_extract(j.value, '$.group')
                AND r.user_id = json_extract(j.value, '$.user') AND r.lifted_at IS NULL
            WHERE json_extract(j.value, '$.lifts') = 0 OR r.state <> 'lifting'))
        """
    }

    /// Step 2: the decision, which an open hold of the person turns into a deletion. `$7` and `$8`: the hold,
    /// `$9` releases.
    static let decision = Query(
        """
        INSERT INTO decisions (update_id, group_id, user_id, at, rule_version, outcome, facts, effects)
        SELECT $1, $2, $3, {now}, $4, CASE WHEN h.already THEN 'delete' ELSE $5 END,
            CASE WHEN h.already THEN json_set($6, '$.reason', 'already_held') ELSE json($6) END, '[]'
        FROM (SELECT EXISTS (SELECT 1 FROM user_restrictions
            WHERE group_id = $7 AND user_id = $8 AND lifted_at IS NULL) AS already) AS h
        WHERE \(decides("$9"))
        RETURNING id
        """)

    /// Step 3: the ledger row; `$7` says whether step 2 ran.
    static let hold = Query(
        """
        INSERT INTO user_restrictions (group_id, user_id, state, channel_ids, source, update_id, decision_id,
            prior_permissions, held_at)
        SELECT $1, $2, 'intended', $3, $4, $5, CASE WHEN $7 = 1 THEN (SELECT max(id) FROM decisions) END, $6, {now}
        WHERE TRUE
        ON CONFLICT (group_id, user_id) WHERE lifted_at IS NULL DO NOTHING
        RETURNING id
        """)

    /// Step 4, directly after step 3: `changes()` tells whether that opened a row.
    ///
    /// `$1` wishes, `$2` owner, `$3` end of the lease, `$4` whether there is a decision, `$5` whether there is a hold,
    /// `$6` and `$7` its group and person, `$8` releases.
    static let effects = Query(
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, payload, due_at,
            lease_owner, lease_until, sends, created_at)
        SELECT s.key, s.kind, s.lane, s.chat, s.person, s.ledger,
            CASE WHEN $4 = 1 AND \(decides("$8")) THEN (SELECT max(id) FROM decisions) END, s.payload,
            CASE WHEN s.leases THEN $3 ELSE {after:s.delay} END, CASE WHEN s.leases THEN $2 END,
            CASE WHEN s.leases THEN $3 END, CASE WHEN s.leases THEN s.sends ELSE 0 END, {now}
        FROM (
            SELECT w.*, COALESCE(w.given, w.kind || ':' || w.ledger) AS key, w.starts = 1
                AND NOT EXISTS (SELECT 1 FROM effects o WHERE w.lane = 3 AND o.chat_id = w.chat AND o.lane = 3
                    AND o.dedup_key <> w.given AND o.lease_owner IS NOT NULL AND o.lease_until > {now})
                AND (w.lane <> 3 OR row_number() OVER (PARTITION BY w.chat, w.lane
                    ORDER BY w.starts DESC, w.n) = 1) AS leases
            FROM (
                SELECT json_extract(value, '$.n') AS n, json_extract(value, '$.key') AS given,
                    json_extract(value, '$.kind') AS kind, json_extract(value, '$.lane') AS lane,
                    json_extract(value, '$.chat') AS chat, json_extract(value, '$.user') AS person,
                    json_extract(value, '$.opened') AS opened, json_extract(value, '$.payload') AS payload,
                    json_extract(value, '$.delay') AS delay, json_extract(value, '$.starts') AS starts,
                    json_extract(value, '$.sends') AS sends,
                    CASE WHEN json_extract(value, '$.opened') = 1 THEN (SELECT id FROM user_restrictions
                        WHERE group_id = $6 AND user_id = $7 AND lifted_at IS NULL)
                    ELSE json_extract(value, '$.ledger') END AS ledger
                FROM json_each($1)) AS w
            WHERE w.kind = 'delete' OR (($5 = 0 OR changes() > 0) AND (w.opened = 0 OR w.ledger IS NOT NULL))) AS s
        WHERE TRUE ORDER BY key
        \(EffectRows.conflictSQLite)
        RETURNING \(EffectRows.columns), (lease_owner IS $2 AND lease_until IS $3)
        """)

    /// Step 5a for each release: what has not started is not needed any more.
    static let dropUnstarted = Query(
        """
        DELETE FROM effects WHERE lease_owner IS NULL AND (kind = 'restrict' OR (kind = 'lift' AND $3 = 0))
            AND ledger_id = (SELECT id FROM user_restrictions
                WHERE group_id = $1 AND user_id = $2 AND lifted_at IS NULL)
        """)

    /// Step 5b: the lift, at once or at the end of the lease of a restrict in flight.
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

    /// Step 5c: the ledger row.
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
