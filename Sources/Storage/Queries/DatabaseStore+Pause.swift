// The service-wide pause, and words to a running service from processes beside it.

import Domain
import EventLoop
import JSON

extension DatabaseStore {
    private static let pauseKey = "paused_until"
    private static let outsideKey = "outside_change"
    private static let news = Query(
        "SELECT key, value::text FROM settings WHERE key IN ('\(pauseKey)', '\(outsideKey)')")
    private static let pausedGroups = Query(
        postgreSQL: """
            SELECT count(*) FROM protected_groups
            WHERE enabled AND (params->>'paused_until')::timestamptz > clock_timestamp()
            """,
        sqlite: """
            SELECT count(*) FROM protected_groups
            WHERE enabled AND json_extract(params, '$.paused_until') > {now}
            """)

    /// Stops enforcement in all groups until then (0: goes on now).
    public func pause(untilSeconds: Int64, audit: AuditRow) async throws(StoreError) {
        let moment = SQLTime.text(Timestamp(seconds: untilSeconds))
        _ = try await changeGroup([putting(Self.pauseKey, "\"\(moment)\"")], audit: audit)
    }

    /// What changed for the whole service, and whether somebody beside it changed something.
    public func news() async throws(StoreError) -> ServiceNews {
        var news = ServiceNews()
        for row in try await rows(Self.news, [], .read) {
            if row.text(0) == Self.outsideKey { news.outsideChange = row.text(1) }
            if row.text(0) == Self.pauseKey {
                news.pausedUntilSeconds = Self.moment(row.text(1))?.seconds ?? 0
            }
        }
        return news
    }

    private static func moment(_ json: String) -> Timestamp? {
        do throws(JSONError) {
            return try JSONValue(parsing: Array(json.utf8)).string.flatMap { SQLTime.parse($0) }
        } catch {
            return nil  // nobody writes such a value; a pause that cannot be read is none
        }
    }

    /// Tells a running service what a process beside it changed. SQLite has no messages: the service looks for a mark.
    public func tellRunning(_ message: String) async throws(StoreError) {
        guard database.dialect == .sqlite else { return try await tellCaches(message) }
        try await setSetting(Self.outsideKey, "\"\(RandomName.owner())\"")
    }

    /// How many groups are paused for themselves.
    public func pausedGroupCount() async throws(StoreError) -> Int64 {
        try await rows(Self.pausedGroups, [], .read).first?.int(0) ?? 0
    }
}
