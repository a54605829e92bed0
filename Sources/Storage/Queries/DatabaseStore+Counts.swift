// Member counts: which chats are due for the sync, and what it found.

import Domain
import EventLoop

extension DatabaseStore {
    /// A chat that was counted in the last ten minutes is not asked again, so that a run comes to an end; one whose
    /// last counts of the two days before were the same is unchanged for a day at least, and asked hourly.
    private static func due(_ chat: String, _ count: String) -> String {
        """
        (last_sync_at IS NULL OR last_sync_at <= {after:-3600000} OR (last_sync_at <= {after:-600000}
            AND 2 > (SELECT count(*) FROM member_counts m WHERE m.chat_id = \(chat)
                AND (m.day = {yesterday} OR m.day = {daybefore}) AND m.count = \(count))))
        """
    }

    private static let toSync = Query(
        """
        SELECT s.id, s.channel, s.count, s.title, CASE WHEN EXISTS (SELECT 1 FROM member_counts t
            WHERE t.chat_id = s.id AND t.day = {today}) THEN 0 ELSE 1 END
        FROM (
            SELECT g.group_id AS id, 0 AS channel, g.member_count AS count, g.title AS title, g.last_sync_at AS at
            FROM protected_groups g WHERE g.enabled AND \(due("g.group_id", "g.member_count"))
            UNION ALL
            SELECT c.channel_id, 1, c.subscriber_count, c.title, c.last_sync_at FROM enforced_channels c
            WHERE EXISTS (SELECT 1 FROM group_channel_links l JOIN protected_groups g ON g.group_id = l.group_id
                WHERE l.channel_id = c.channel_id AND g.enabled)
                AND \(due("c.channel_id", "c.subscriber_count"))) AS s
        ORDER BY s.at IS NOT NULL, s.at, s.id LIMIT $1::int
        """)
    private static let groupCounted = Query(
        """
        UPDATE protected_groups SET member_count = $2::int, last_sync_at = {now}, updated_at = {now}
        WHERE group_id = $1::bigint
        """)
    private static let channelCounted = Query(
        """
        UPDATE enforced_channels SET subscriber_count = $2::int, last_sync_at = {now}, updated_at = {now}
        WHERE channel_id = $1::bigint
        """)
    private static let ofToday = Query(
        """
        INSERT INTO member_counts (chat_id, day, count) VALUES ($1::bigint, {today}, $2::int)
        ON CONFLICT (chat_id, day) DO UPDATE SET count = excluded.count
        """)

    /// Chats due for the sync, never synced first; unchanged for a day are due hourly.
    public func chatsToSync(limit: Int) async throws(StoreError) -> [SyncChat] {
        try await rows(Self.toSync, [.int(Int64(limit))], .read).map { row in
            SyncChat(
                id: ChatID(row.int(0)), isChannel: row.flag(1), count: row.int(2), title: row.text(3),
                isFirstToday: row.flag(4))
        }
    }

    /// Stores a page of counts: `member_count` or `subscriber_count`, `last_sync_at`, `member_counts` of today.
    public func storeCounts(_ counts: [(chat: SyncChat, count: Int64)]) async throws(StoreError) {
        guard !counts.isEmpty else { return }
        var steps: [SQLStatement] = []
        for (chat, count) in counts.sorted(by: { $0.chat.id < $1.chat.id }) {
            let values: [SQLValue] = [.int(chat.id.value), .int(count)]
            steps.append(statement(chat.isChannel ? Self.channelCounted : Self.groupCounted, values))
            steps.append(statement(Self.ofToday, values))
        }
        _ = try await database.run(steps, .command)
    }
}
