// Figures of `/status` and `/stats`.

import Domain
import EventLoop

extension DatabaseStore {
    private static let groupFigures = Query(
        """
        SELECT member_count, {since:last_sync_at} / 1000, (SELECT count(*) FROM user_restrictions
            WHERE group_id = $1::bigint AND lifted_at IS NULL)
        FROM protected_groups WHERE group_id = $1::bigint
        """)
    private static let channelFigures = Query(
        """
        SELECT c.channel_id, c.subscriber_count, {since:c.last_sync_at} / 1000
        FROM group_channel_links l JOIN enforced_channels c ON c.channel_id = l.channel_id
        WHERE l.group_id = $1::bigint
        """)
    /// One row for each status and hour of people's decisions.
    private static let decided = Query(
        """
        SELECT status, {hour:timestamp} AS hour, sum(hits) FROM verification_log
        WHERE group_id = $1::bigint AND timestamp >= {after:$2} AND decisive GROUP BY 1, 2
        """)

    private static let observed = Query(
        postgreSQL: observedText("facts->>'mode'"), sqlite: observedText("json_extract(facts, '$.mode')"))
    private static func observedText(_ mode: String) -> String {
        """
        SELECT count(DISTINCT user_id) FROM decisions WHERE group_id = $1::bigint AND at >= {after:-86400000}
            AND outcome = 'hold' AND \(mode) = 'observe'
        """
    }

    /// People who would have been held in the last 24 h, had the group not only watched.
    public func observedHolds(in group: ChatID) async throws(StoreError) -> Int {
        Int(try await rows(Self.observed, [.int(group.value)], .read).first?.int(0) ?? 0)
    }

    /// Figures for `/status`.
    public func status(of group: ChatID) async throws(StoreError) -> GroupStatus? {
        let key: [SQLValue] = [.int(group.value)]
        let day = SQLValue.int(-86_400_000)
        let steps = [
            statement(Self.groupFigures, key), statement(Self.channelFigures, key),
            statement(Self.decided, key + [day]),
        ]
        let results = try await database.run(steps, .read)
        guard results.count == 3, let row = results[0].first else { return nil }
        var status = GroupStatus()
        status.members = row.int(0)
        status.countAgeSeconds = row.optionalInt(1)
        status.held = Int(row.int(2))
        for row in results[1] { status.channels[ChatID(row.int(0))] = (row.int(1), row.optionalInt(2)) }
        for row in results[2] {
            if row.text(0) == "verified" { status.verified += Int(row.int(2)) }
            if row.text(0) == "restricted" { status.restricted += Int(row.int(2)) }
        }
        return status
    }

    /// Figures for `/stats` over the last `days`.
    public func statistics(of group: ChatID, days: Int) async throws(StoreError) -> GroupStatistics {
        let values: [SQLValue] = [.int(group.value), .int(Int64(days) * -86_400_000)]
        var statistics = GroupStatistics()
        var hours = [Int](repeating: 0, count: 24)
        for row in try await rows(Self.decided, values, .read) {
            let count = Int(row.int(2))
            statistics.verifications += count
            if row.text(0) == "restricted" { statistics.restrictions += count }
            if row.text(0) == "error" { statistics.errors += count }
            if let hour = row.optionalInt(1), hours.indices.contains(Int(hour)) { hours[Int(hour)] += count }
        }
        if let most = hours.max(), most > 0 { statistics.topHour = hours.firstIndex(of: most) }
        return statistics
    }
}
