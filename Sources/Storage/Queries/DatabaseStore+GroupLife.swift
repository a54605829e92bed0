// The ends of protection: disabling, unlinking, removal of the bot, migration.

import Domain
import EventLoop

/// Steps that release the holds of a group; `$1` is the group, `$2` the channel (0: all holds).
private enum LifeText {
    /// Who is released: all, all when no link is left, or who was held for the channel alone.
    static let aloneServer = """
        ($2::bigint = 0 OR NOT EXISTS (SELECT 1 FROM group_channel_links k WHERE k.group_id = u.group_id)
        OR (u.channel_ids @> to_jsonb($2::bigint)
            AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(u.channel_ids) c WHERE c::text::bigint <> $2::bigint)))
        """
    static let aloneFile = """
        ($2 = 0 OR NOT EXISTS (SELECT 1 FROM group_channel_links k WHERE k.group_id = u.group_id)
        OR (EXISTS (SELECT 1 FROM json_each(u.channel_ids) WHERE value = $2)
            AND NOT EXISTS (SELECT 1 FROM json_each(u.channel_ids) WHERE value <> $2)))
        """
    private static func both(_ text: (String) -> String) -> Query {
        Query(postgreSQL: text(aloneServer), sqlite: text(aloneFile))
    }
    private static func ending(_ alone: String) -> String {
        "u.group_id = $1::bigint AND u.lifted_at IS NULL AND u.state <> 'lifting' AND \(alone)"
    }

    /// Locks come before judgement, as in a record.
    static let lockHolds = both { "SELECT u.id FROM user_restrictions u WHERE \(ending($0)) ORDER BY u.id {locked}" }
    static let lockEffects = both {
        """
        SELECT e.id FROM effects e WHERE e.kind = 'restrict'
            AND e.ledger_id IN (SELECT u.id FROM user_restrictions u WHERE \(ending($0))) ORDER BY e.id {locked}
        """
    }
    static let dropUnstarted = both {
        """
        DELETE FROM effects WHERE kind = 'restrict' AND lease_owner IS NULL
            AND ledger_id IN (SELECT u.id FROM user_restrictions u WHERE \(ending($0)))
        """
    }
    /// A release has its decision, also one of many: `$3` rule version, `$4` facts.
    static let decisions = both {
        """
        INSERT INTO decisions (group_id, user_id, at, rule_version, outcome, facts, effects)
        SELECT u.group_id, u.user_id, {now}, $3::int, 'release', $4::jsonb, '[]'
        FROM user_restrictions u WHERE \(ending($0)) ORDER BY u.id
        """
    }
    static let lifts = both { lift(ending($0), "") }

    /// Ten in a second; who is being restricted is freed after that.
    private static func lift(_ condition: String, _ again: String) -> String {
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, due_at, created_at)
        SELECT 'lift:' || s.id, 'lift', \(EffectKind.lift.lane), s.group_id, s.user_id, s.id,
            (SELECT max(d.id) FROM decisions d
                WHERE d.group_id = s.group_id AND d.user_id = s.user_id AND d.outcome = 'release'),
            {greatest}({after:(s.place - 1) * 100}, COALESCE((SELECT e.lease_until FROM effects e
                WHERE e.ledger_id = s.id AND e.kind = 'restrict'), {now})), {now}
        FROM (SELECT u.id, u.group_id, u.user_id, row_number() OVER (ORDER BY u.id) AS place
            FROM user_restrictions u WHERE \(condition)) AS s
        WHERE TRUE ON CONFLICT (dedup_key) DO UPDATE SET revision = effects.revision + 1\(again)
        """
    }
    /// Only with a lift: a hold that came between the two statements would be `lifting` for ever.
    static let lifting = both {
        """
        UPDATE user_restrictions AS u SET state = 'lifting', release_reason = 'unprotected'
        WHERE \(ending($0)) AND EXISTS (SELECT 1 FROM effects e WHERE e.ledger_id = u.id AND e.kind = 'lift')
        RETURNING id
        """
    }

    static let disable = Query(
        "UPDATE protected_groups SET enabled = FALSE, updated_at = {now} WHERE group_id = $1::bigint")
    static let disableUnlinked = Query(
        """
        UPDATE protected_groups SET enabled = FALSE, updated_at = {now} WHERE group_id = $1::bigint
            AND NOT EXISTS (SELECT 1 FROM group_channel_links WHERE group_id = $1::bigint)
        """)
    static let unlink = Query(
        "DELETE FROM group_channel_links WHERE group_id = $1::bigint AND channel_id = $2::bigint RETURNING 1")
    static let countLinks = Query("SELECT count(*) FROM group_channel_links WHERE group_id = $1::bigint")
    /// Twenty in a second, for those who miss other channels too.
    static let rechecks = Query(
        postgreSQL: recheck("u.channel_ids @> to_jsonb($2::bigint)", EffectRows.conflictPostgreSQL),
        sqlite: recheck(
            "EXISTS (SELECT 1 FROM json_each(u.channel_ids) WHERE value = $2)", EffectRows.conflictSQLite))

    private static func recheck(_ lists: String, _ conflict: String) -> String {
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, payload, due_at, sends, created_at)
        SELECT 'recheck:' || s.group_id || ':' || s.user_id, 'recheck', 4, s.group_id, s.user_id,
            '{"messages":[],"audit":false,"source":"return"}', {after:(s.place - 1) * 50}, 0, {now}
        FROM (SELECT u.group_id, u.user_id, row_number() OVER (ORDER BY u.id) AS place FROM user_restrictions u
            WHERE u.group_id = $1::bigint AND u.lifted_at IS NULL AND u.state <> 'lifting' AND \(lists)) AS s
        WHERE TRUE \(conflict)
        """
    }

    static let orphan = Query(
        """
        UPDATE user_restrictions SET state = 'orphaned' WHERE group_id = $1::bigint AND lifted_at IS NULL
        """)
    /// A release that was decided before the bot was thrown out is a release still.
    static let goOn = Query(
        """
        UPDATE user_restrictions SET state = 'lifting' WHERE group_id = $1::bigint AND state = 'orphaned'
            AND lifted_at IS NULL AND release_reason IS NOT NULL
        """)
    /// Before they are taken on: they may have joined meanwhile, and nobody told the bot.
    static let recheckOrphans = Query(
        postgreSQL: recheck("u.state = 'orphaned'", EffectRows.conflictPostgreSQL),
        sqlite: recheck("u.state = 'orphaned'", EffectRows.conflictSQLite))
    static let adopt = Query(
        """
        UPDATE user_restrictions SET state = 'held'
        WHERE group_id = $1::bigint AND state = 'orphaned' AND lifted_at IS NULL
        """)
    /// A lift that was refused for want of a right waits for an hour.
    static let liftAgain = Query(
        lift(
            "u.group_id = $1::bigint AND u.lifted_at IS NULL AND u.state = 'lifting'",
            """
            ,
                due_at = CASE WHEN effects.lease_owner IS NULL THEN {least}(effects.due_at, excluded.due_at)
                    ELSE effects.due_at END
            """))
    /// Once they are taken on: a prompt for those among them who do not know.
    static let tellUntold = Query(
        postgreSQL: tellUntold(EffectRows.conflictPostgreSQL), sqlite: tellUntold(EffectRows.conflictSQLite))
    private static func tellUntold(_ conflict: String) -> String {
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, payload, due_at, sends, created_at)
        SELECT $2::text, 'prompt', \(EffectKind.prompt.lane), $1::bigint, '{}', {now}, 0, {now}
        WHERE EXISTS (SELECT 1 FROM user_restrictions
            WHERE group_id = $1::bigint AND state = 'held' AND lifted_at IS NULL AND told_at IS NULL)
        \(conflict)
        """
    }
    static let dropEffects = Query("DELETE FROM effects WHERE chat_id = $1::bigint")
    static let breakLinks = Query(
        """
        UPDATE group_channel_links SET health = 'broken', health_since = {now} WHERE channel_id = $1::bigint
        RETURNING group_id
        """)

    /// From the old id `$1` to the new one `$2`, in an order that keeps the references whole.
    static let migration: [Query] = [
        Query(
            """
            INSERT INTO protected_groups (group_id, owner_id, title, enabled, params, notice_message_id,
                notice_sent_at, notice_thread_id, member_count, last_sync_at, created_at, updated_at)
            SELECT $2::bigint, owner_id, title, enabled, params, NULL, NULL, NULL, member_count, last_sync_at,
                created_at, {now} FROM protected_groups WHERE group_id = $1::bigint
            ON CONFLICT (group_id) DO UPDATE SET updated_at = excluded.updated_at,
                enabled = protected_groups.enabled OR excluded.enabled
            """),
        unlessThere("group_channel_links", "channel_id"), unlessThere("exemptions", "user_id"),
        unlessThere("member_counts", "day", chat: "chat_id"),
        move("group_channel_links"), move("exemptions"), move("member_counts", "chat_id"),
        Query(
            """
            UPDATE user_restrictions SET state = 'closed', lifted_at = {now}, release_reason = 'reconcile'
            WHERE group_id = $1::bigint AND lifted_at IS NULL AND user_id IN (SELECT user_id FROM user_restrictions
                WHERE group_id = $2::bigint AND lifted_at IS NULL)
            """),
        move("user_restrictions"), move("decisions"), move("incidents"), move("verification_log"),
        move("api_call_log"),
        Query(
            """
            DELETE FROM effects WHERE chat_id = $1::bigint AND (kind IN ('delete', 'edit', 'expire')
                OR \(newKey) IN (SELECT o.dedup_key FROM effects o WHERE o.chat_id = $2::bigint))
            """),
        Query(
            """
            UPDATE effects SET chat_id = $2::bigint, revision = revision + 1, due_at = CASE
                WHEN lease_owner IS NULL THEN {least}(due_at, {now}) ELSE due_at END, dedup_key = \(newKey)
            WHERE chat_id = $1::bigint
            """),
        Query("DELETE FROM protected_groups WHERE group_id = $1::bigint AND $2::bigint <> $1::bigint"),
    ]

    private static let newKey = """
        CASE WHEN kind IN ('prompt', 'approve', 'notify', 'recheck')
            THEN kind || ':' || $2::bigint || substr(dedup_key, length(kind || ':' || $1::bigint) + 1)
            ELSE dedup_key END
        """
    private static func unlessThere(_ table: String, _ column: String, chat: String = "group_id") -> Query {
        Query(
            """
            DELETE FROM \(table) WHERE \(chat) = $1::bigint AND \(column) IN (
                SELECT \(column) FROM \(table) WHERE \(chat) = $2::bigint)
            """)
    }
    private static func move(_ table: String, _ chat: String = "group_id") -> Query {
        Query("UPDATE \(table) SET \(chat) = $2::bigint WHERE \(chat) = $1::bigint")
    }
}

extension DatabaseStore {
    func releaseSteps(_ decision: DecisionRow, heldFor channel: ChatID?) -> [SQLStatement] {
        let values: [SQLValue] = [.int(decision.group.value), .int(channel?.value ?? 0)]
        let decided = values + [.int(Int64(decision.ruleVersion)), .text(decision.facts)]
        return [LifeText.lockHolds, LifeText.lockEffects, LifeText.dropUnstarted].map { statement($0, values) }
            + [statement(LifeText.decisions, decided)]
            + [LifeText.lifts, LifeText.lifting].map { statement($0, values) }
    }

    /// What the bot's absence left open goes on: releases as such, holds as holds, or as releases with that decision.
    func resumeSteps(_ group: ChatID, releasing: DecisionRow?) -> [SQLStatement] {
        let key = SQLValue.int(group.value)
        let first = [
            statement(LifeText.lockHolds, [key, .int(0)]), statement(LifeText.goOn, [key]),
            statement(LifeText.liftAgain, [key]),
        ]
        let adopting = [
            statement(LifeText.recheckOrphans, [key]), statement(LifeText.adopt, [key]),
            statement(LifeText.tellUntold, [key, .optional(EffectWish.prompt(in: group).key)]),
        ]
        return first + (releasing.map { releaseSteps($0, heldFor: nil) } ?? adopting)
    }

    /// Disables the group; a `lift` (reason unprotected, 10/s) is recorded for each open hold. Returns their number.
    public func disable(as decision: DecisionRow, audit: AuditRow?) async throws(StoreError) -> Int {
        let steps =
            [statement(LifeText.disable, [.int(decision.group.value)])] + releaseSteps(decision, heldFor: nil)
        return try await changeGroup(steps, audit: audit).last?.count ?? 0
    }

    /// Disables the group and marks it for deletion.
    public func beginPurge(as decision: DecisionRow, audit: AuditRow?) async throws(StoreError) -> Int {
        let key: [SQLValue] = [.int(decision.group.value)]
        let steps =
            [statement(PurgeText.mark, key), statement(LifeText.disable, key)] + releaseSteps(decision, heldFor: nil)
        return try await changeGroup(steps, audit: audit).last?.count ?? 0
    }

    /// Removes a link; removing the last one disables. Returns how many are left, or `nil` if it was not linked.
    public func unlink(
        _ channel: ChatID, as decision: DecisionRow, audit: AuditRow?
    ) async throws(StoreError) -> Int? {
        let key: [SQLValue] = [.int(decision.group.value)]
        let link = key + [.int(channel.value)]
        let first = [
            statement(LifeText.unlink, link), statement(LifeText.disableUnlinked, key),
            statement(LifeText.countLinks, key),
        ]
        // Who was held for other channels too is looked at again, unless nothing protects the group any more.
        let last = releaseSteps(decision, heldFor: channel) + [statement(LifeText.rechecks, link)]
        let noting = audit.map { [statement(AuditText.ifLinked, $0.values + link)] } ?? []
        let results = try await changeGroup(noting + first + last).dropFirst(noting.count)
        guard let unlinked = results.first, let left = results.dropFirst(2).first?.first?.int(0) else { return nil }
        return unlinked.isEmpty ? nil : Int(left)
    }

    /// Drops all effects of a chat and orphans its open holds (`BotKicked`).
    public func dropEffects(of chat: ChatID) async throws(StoreError) {
        let key: [SQLValue] = [.int(chat.value)]
        _ = try await database.run(
            [statement(LifeText.orphan, key), statement(LifeText.dropEffects, key)], .record)
    }

    /// The bot is out of a group: disabled, open holds `orphaned`, its effects dropped, the moment noted.
    public func botRemoved(from group: ChatID) async throws(StoreError) {
        let key: [SQLValue] = [.int(group.value)]
        let steps = [LifeText.disable, LifeText.orphan, LifeText.dropEffects, PurgeText.noteRemoved].map {
            statement($0, key)
        }
        _ = try await changeGroup(steps)
    }

    /// The bot may restrict again in a group: what it left open goes on.
    public func resume(_ group: ChatID, releasing: DecisionRow?) async throws(StoreError) {
        _ = try await changeGroup(resumeSteps(group, releasing: releasing))
    }

    /// The bot is out of a channel: all its links broken. Returns the groups.
    public func botRemoved(fromChannel channel: ChatID) async throws(StoreError) -> [ChatID] {
        try await rows(LifeText.breakLinks, [.int(channel.value)]).map { ChatID($0.int(0)) }.sorted()
    }

    /// Moves every row from the old id of a migrated group to the new one.
    public func migrate(_ old: ChatID, to new: ChatID) async throws(StoreError) {
        let ids: [SQLValue] = [.int(old.value), .int(new.value)]
        _ = try await changeGroup(LifeText.migration.map { statement($0, ids) })
    }
}
