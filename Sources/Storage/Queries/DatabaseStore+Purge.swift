// All that is stored of one group, deleted: when the bot was removed long ago, and when administrators want it.

import Domain
import EventLoop

/// The texts; `$1` is the group.
enum PurgeText {
    /// When the bot was removed from a group is a setting of the service: `removed:-100…`. Only of groups that are
    /// known; the last removal counts.
    static let noteRemoved = Query(
        """
        INSERT INTO settings (key, value, updated_at)
        SELECT 'removed:' || g.group_id, 'true', {now} FROM protected_groups g WHERE g.group_id = $1::bigint
        ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at
        """)
    static let forgetRemoved = Query("DELETE FROM settings WHERE key = 'removed:' || $1::bigint")
    static let mark = Query(
        """
        INSERT INTO settings (key, value, updated_at) VALUES ('purge:' || $1::bigint, 'true', {now})
        ON CONFLICT (key) DO NOTHING
        """)
    static let unmark = Query("DELETE FROM settings WHERE key = 'purge:' || $1::bigint")
    static let marked = Query(
        """
        SELECT g.group_id FROM protected_groups g JOIN settings s ON s.key = 'purge:' || g.group_id
        WHERE NOT g.enabled AND NOT EXISTS (SELECT 1 FROM user_restrictions u
            WHERE u.group_id = g.group_id AND u.lifted_at IS NULL AND u.state <> 'orphaned') ORDER BY g.group_id
        """)
    static let left = Query(
        """
        SELECT g.group_id FROM protected_groups g JOIN settings s ON s.key = 'removed:' || g.group_id
        WHERE NOT g.enabled AND s.updated_at <= {after:$1} ORDER BY g.group_id
        """)

    /// A group that is protected again in the midst of it keeps what is left.
    private static let isOff =
        "NOT EXISTS (SELECT 1 FROM protected_groups p WHERE p.group_id = $1::bigint AND p.enabled)"

    /// Tables that may have many rows, by indexes that begin with the group.
    static let logs = ["verification_log", "api_call_log", "decisions", "user_restrictions"].map { table in
        Query(
            """
            DELETE FROM \(table) WHERE id IN (SELECT id FROM \(table)
                WHERE group_id = $1::bigint AND \(isOff) LIMIT \(RetentionBatch.rows)) RETURNING 1
            """)
    }

    // MARK: - The last transaction

    /// The group's, and those that nobody uses: candidates, looked at again under locks.
    static let channels = Query(
        """
        SELECT channel_id FROM group_channel_links WHERE group_id = $1::bigint
        UNION SELECT c.channel_id FROM enforced_channels c
            WHERE NOT EXISTS (SELECT 1 FROM group_channel_links l WHERE l.channel_id = c.channel_id)
        """)
    static let owners = Query(
        """
        SELECT owner_id FROM protected_groups WHERE group_id = $1::bigint
        UNION SELECT o.user_id FROM owners o
            WHERE NOT EXISTS (SELECT 1 FROM protected_groups g WHERE g.owner_id = o.user_id)
        """)
    /// Locks in the order of protecting, for a deletion must not take what is being linked anew with it.
    static let lockOwners = Query("SELECT 1 FROM owners WHERE user_id {in:$1} ORDER BY user_id {locked}")
    static let lockGroup = Query("SELECT 1 FROM protected_groups WHERE group_id = $1::bigint {locked}")
    static let lockChannels = Query(
        "SELECT 1 FROM enforced_channels WHERE channel_id {in:$1} ORDER BY channel_id {locked}")
    /// Its links go with it.
    static let group = Query("DELETE FROM protected_groups WHERE group_id = $1::bigint AND NOT enabled RETURNING 1")
    static let rest: [Query] = [
        small("exemptions", "group_id = $1::bigint"), small("incidents", "group_id = $1::bigint"),
        small("effects", "chat_id = $1::bigint"), small("member_counts", "chat_id = $1::bigint"),
        small(
            "settings",
            "(key IN ('removed:' || $1::bigint, 'purge:' || $1::bigint) OR key LIKE 'notice:%:' || $1::bigint)"),
    ]
    private static func small(_ table: String, _ condition: String) -> Query {
        Query("DELETE FROM \(table) WHERE \(condition) AND \(isOff) RETURNING 1")
    }

    /// `$1`: the candidates.
    static let unusedChannels = Query(
        """
        DELETE FROM enforced_channels WHERE channel_id {in:$1} AND NOT EXISTS (
            SELECT 1 FROM group_channel_links l WHERE l.channel_id = enforced_channels.channel_id) RETURNING 1
        """)
    /// A channel's counts; a group may be required by others, and then is no channel alone.
    static let unusedCounts = Query(
        """
        DELETE FROM member_counts WHERE chat_id {in:$1}
            AND NOT EXISTS (SELECT 1 FROM enforced_channels c WHERE c.channel_id = member_counts.chat_id)
            AND NOT EXISTS (SELECT 1 FROM protected_groups g WHERE g.group_id = member_counts.chat_id) RETURNING 1
        """)
    static let unusedOwners = Query(
        """
        DELETE FROM owners WHERE user_id {in:$1} AND NOT EXISTS (
            SELECT 1 FROM protected_groups g WHERE g.owner_id = owners.user_id) RETURNING 1
        """)
}

extension DatabaseStore {
    /// Groups that the bot was removed from at least so many days ago and that were not protected since.
    public func groupsLeft(olderThanDays days: Int) async throws(StoreError) -> [ChatID] {
        try await rows(PurgeText.left, [.int(Int64(days) * -86_400_000)], .read).map { ChatID($0.int(0)) }
    }

    /// Marked groups that are not enabled and in which nobody is held.
    public func groupsToPurge() async throws(StoreError) -> [ChatID] {
        try await rows(PurgeText.marked, [], .read).map { ChatID($0.int(0)) }
    }

    /// The bot is in a group again: what was kept of it is kept on.
    public func botReturned(to group: ChatID) async throws(StoreError) {
        try await execute(PurgeText.forgetRemoved, [.int(group.value)])
    }

    /// Deletes the next rows of a group that is not enabled, its logs first and itself last.
    public func purgeBatch(_ group: ChatID) async throws(StoreError) -> Int {
        let key: [SQLValue] = [.int(group.value)]
        for log in PurgeText.logs {
            let count = try await deleted(log, key)
            if count > 0 { return count }
        }
        let looks = [statement(PurgeText.channels, key), statement(PurgeText.owners, key)]
        let found = try await database.run(looks, .read).map { SQLValue.ints($0.map { $0.int(0) }) }
        guard found.count == 2 else { return 0 }
        let steps =
            [
                statement(PurgeText.lockOwners, [found[1]]), statement(PurgeText.lockGroup, key),
                statement(PurgeText.lockChannels, [found[0]]),
            ]
            + ([PurgeText.group] + PurgeText.rest).map { statement($0, key) }
            + [PurgeText.unusedChannels, PurgeText.unusedCounts].map { statement($0, [found[0]]) }
            + [statement(PurgeText.unusedOwners, [found[1]])]
        return try await database.run(steps, .retention).dropFirst(3).reduce(0) { $0 + $1.count }
    }
}
