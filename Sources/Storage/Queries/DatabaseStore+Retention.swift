// Deletions by age: a batch of the oldest rows, found by an index where there is one.

import Domain
import EventLoop

/// The texts. `$1` is the age as negative milliseconds.
enum RetentionText {
    /// A selection of its own, since the clock moves within a statement: only what is read once can be looked up in an
    /// index.
    private static let cutoff = "(SELECT {after:$1})"

    /// For one transaction. Else PostgreSQL, which may think the table small, finds and sorts all old rows for each batch
    /// of them instead of walking along the index.
    static let inOrder = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)"

    private static func aged(_ table: AgingTable, key: String, by column: String, before: String = cutoff) -> Query {
        Query(
            """
            DELETE FROM \(table.rawValue) WHERE (\(key)) IN (SELECT \(key) FROM \(table.rawValue)
                WHERE \(column) < \(before) ORDER BY \(column) LIMIT \(RetentionBatch.rows)) RETURNING 1
            """)
    }

    /// Raw rows leave by age alone: nothing is added up from them that would have to be added up before.
    private static func rawLog(_ table: AgingTable) -> Query { aged(table, key: "id", by: "timestamp") }

    /// A day is told from a moment in two ways.
    private static let activity: Query = {
        func text(_ day: String) -> String {
            """
            DELETE FROM user_activity WHERE (user_id, activity_date) IN (SELECT user_id, activity_date
                FROM user_activity WHERE activity_date < \(day) ORDER BY activity_date
                LIMIT \(RetentionBatch.rows)) RETURNING 1
            """
        }
        return Query(
            postgreSQL: text("(SELECT (\(cutoff) AT TIME ZONE 'UTC')::date)"),
            sqlite: text("(SELECT date(\(cutoff)))"))
    }()

    /// Group by group, since a hold's end is in no index: its beginning is, and comes before its end.
    private static let restrictions = GroupWalk.query(
        "user_restrictions", "r.held_at < \(cutoff) AND r.lifted_at < \(cutoff)"
    ) { selection in
        "DELETE FROM user_restrictions WHERE id IN (\(selection)) RETURNING 1"
    }

    static func query(_ table: AgingTable) -> Query { queries[table] ?? rawLog(table) }

    private static let queries: [AgingTable: Query] = [
        .logBatches: aged(.logBatches, key: "batch_id", by: "written_at"),
        .processedUpdates: aged(.processedUpdates, key: "bot_id, update_id", by: "created_at"),
        .exemptions: aged(.exemptions, key: "group_id, user_id", by: "until"),
        .uptimeTicks: aged(.uptimeTicks, key: "minute", by: "minute"),
        .incidents: aged(.incidents, key: "id", by: "started_at"),
        .userActivity: activity,
        .decisions: aged(.decisions, key: "id", by: "at"),
        .restrictions: restrictions,
        .verificationLog: rawLog(.verificationLog),
        .apiCallLog: rawLog(.apiCallLog),
    ]
}

/// Goes from group to group of a table, each found by one look into the index that begins with the group.
enum GroupWalk {
    /// A statement made with the ids of a batch of rows `r` that fulfil the condition.
    static func query(_ table: String, _ condition: String, _ text: (String) -> String) -> Query {
        let walk = """
            WITH RECURSIVE walk(id) AS (
                SELECT (SELECT min(group_id) FROM \(table))
                UNION ALL
                SELECT (SELECT min(n.group_id) FROM \(table) n WHERE n.group_id > walk.id)
                FROM walk WHERE walk.id IS NOT NULL)
            """
        let rows = "\(table) r WHERE r.group_id = walk.id AND \(condition) LIMIT \(RetentionBatch.rows)"
        // The inner limit keeps PostgreSQL from reading all groups' rows once for each group; the file's engine has no
        // such selection, and keeps the order of a cross join.
        return Query(
            postgreSQL: text(
                """
                \(walk) SELECT found.id FROM walk CROSS JOIN LATERAL (SELECT r.id FROM \(rows)) AS found
                LIMIT \(RetentionBatch.rows)
                """),
            sqlite: text("\(walk) SELECT r.id FROM walk CROSS JOIN \(rows)"))
    }
}

extension DatabaseStore: RetentionStore {
    /// Deletes the oldest rows of `table` that are older than that, at most 5 000. Returns how many.
    public func deleteAged(_ table: AgingTable, olderThanDays days: Int) async throws(StoreError) -> Int {
        try await deleted(RetentionText.query(table), [.int(Int64(days) * -86_400_000)])
    }

    /// Runs one deletion, and says how many rows went.
    func deleted(_ query: Query, _ parameters: [SQLValue]) async throws(StoreError) -> Int {
        let planning = database.dialect == .postgreSQL ? [SQLStatement(RetentionText.inOrder)] : []
        return try await database.run(planning + [statement(query, parameters)], .retention).last?.count ?? 0
    }
}
