// Stores a batch of log rows once: the rows and the batch's id in one transaction (schema.md 5).

import Domain
import EventLoop
import JSON

/// Writes batches to either engine.
@IO
public final class DatabaseLogStore: LogStore {
    private let database: any Database
    /// SQLite's writer is shared with records, so a log transaction is short (outbox.md 9).
    private static let sqliteRows = 100

    /// A store on `database`.
    public init(_ database: any Database) { self.database = database }

    /// Stores a batch with its id, or nothing if the id is there already.
    public func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
        let chunk = database.dialect == .sqlite ? Self.sqliteRows : max(rows.count, 1)
        // The same rows give the same chunks at each attempt, so each chunk's id is the same too.
        for (number, start) in stride(from: 0, to: rows.count, by: chunk).enumerated() {
            let part = Array(rows[start..<min(rows.count, start + chunk)])
            for (index, table) in LogTable.tables(of: part).enumerated() {
                let suffix = number + index == 0 ? [] : [UInt8(truncatingIfNeeded: number), UInt8(index)]
                _ = try await database.run(table.statements(database.dialect, batch: batch + suffix), .log)
            }
        }
    }
}

/// Rows of one table as texts, column by column known to both engines.
struct LogTable {
    let name: String
    /// Name and PostgreSQL's type of each column.
    let columns: [(name: String, type: String)]
    var conflict = ""
    var rows: [[String?]] = []

    /// The tables to which the rows belong, each with its rows.
    static func tables(of rows: [LogRow]) -> [LogTable] {
        var calls = calls
        var verifications = verifications
        var decisions = decisions
        var activity = activity
        var commands: [ActivityKey: (count: Int, last: Int64)] = [:]
        for row in rows {
            switch row {
            case .apiCall(let row): calls.rows.append(values(row))
            case .verification(let row): verifications.rows.append(values(row))
            case .decision(let row): decisions.rows.append(values(row))
            case .activity(let user, let moment):
                let key = ActivityKey(user: user, day: SQLTime.day(Timestamp(microseconds: moment)))
                let known = commands[key] ?? (0, moment)
                commands[key] = (known.count + 1, max(known.last, moment))
            }
        }
        // In the order of keys: two replicas then lock rows in the same order.
        for (key, entry) in commands.sorted(by: { $0.key < $1.key }) {
            activity.rows.append([
                String(key.user.value), key.day, String(entry.count), time(entry.last),
            ])
        }
        return [calls, verifications, decisions, activity].filter { !$0.rows.isEmpty }
    }

    /// One transaction; nothing happens when the batch's id is there already.
    func statements(_ dialect: SQLDialect, batch: [UInt8]) -> [SQLStatement] {
        let names = columns.map(\.name).joined(separator: ", ")
        switch dialect {
        case .postgreSQL:
            let arrays = columns.enumerated().map { "$\($0 + 2)::\($1.type)[]" }.joined(separator: ", ")
            let text = """
                WITH first AS (
                    INSERT INTO log_batches (batch_id) VALUES ($1) ON CONFLICT (batch_id) DO NOTHING RETURNING 1
                )
                INSERT INTO \(name) (\(names))
                SELECT rows.* FROM first, unnest(\(arrays)) AS rows \(conflict)
                """
            let values = columns.indices.map { column in SQLValue.texts(rows.map { $0[column] }) }
            return [SQLStatement(text, [.bytes(batch)] + values)]
        case .sqlite:
            let fields = columns.indices.map { "json_extract(value, '$[\($0)]')" }.joined(separator: ", ")
            return [
                SQLStatement(
                    "INSERT INTO log_batches (batch_id) VALUES ($1) ON CONFLICT (batch_id) DO NOTHING RETURNING 1",
                    [.bytes(batch)], stopsWhenEmpty: true),
                SQLStatement(
                    "INSERT INTO \(name) (\(names)) SELECT \(fields) FROM json_each($1) WHERE true \(conflict)",
                    [.text(json)]),
            ]
        }
    }

    private var json: String {
        var writer = JSONWriter()
        writer.array { writer in
            for row in rows {
                writer.array { writer in
                    for value in row {
                        if let value { writer.string(value) } else { writer.null() }
                    }
                }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    // MARK: - The tables

    private struct ActivityKey: Hashable, Comparable {
        var user: UserID
        var day: String
        static func < (left: ActivityKey, right: ActivityKey) -> Bool {
            (left.user, left.day) < (right.user, right.day)
        }
    }

    private static let calls = LogTable(
        name: "api_call_log",
        columns: [
            ("method", "text"), ("chat_id", "bigint"), ("user_id", "bigint"), ("group_id", "bigint"),
            ("success", "boolean"), ("latency_ms", "integer"), ("error_type", "text"), ("error_class", "text"),
            ("timestamp", "timestamptz"),
        ])
    private static let verifications = LogTable(
        name: "verification_log",
        columns: [
            ("user_id", "bigint"), ("group_id", "bigint"), ("channel_id", "bigint"), ("status", "text"),
            ("latency_ms", "integer"), ("cached", "boolean"), ("decisive", "boolean"), ("source", "text"),
            ("hits", "integer"), ("error_type", "text"), ("timestamp", "timestamptz"),
        ])
    private static let decisions = LogTable(
        name: "decisions",
        columns: [
            ("update_id", "bigint"), ("group_id", "bigint"), ("user_id", "bigint"), ("rule_version", "integer"),
            ("outcome", "text"), ("facts", "jsonb"), ("effects", "jsonb"), ("at", "timestamptz"),
        ])
    private static let activity = LogTable(
        name: "user_activity",
        columns: [
            ("user_id", "bigint"), ("activity_date", "date"), ("command_count", "integer"),
            ("last_activity_at", "timestamptz"),
        ],
        conflict: """
            ON CONFLICT (user_id, activity_date) DO UPDATE SET
                command_count = user_activity.command_count + excluded.command_count,
                last_activity_at = CASE WHEN excluded.last_activity_at > user_activity.last_activity_at
                    THEN excluded.last_activity_at ELSE user_activity.last_activity_at END
            """)

    private static func values(_ row: APICallRow) -> [String?] {
        [
            cut(row.method), id(row.chat), row.user.map { String($0.value) }, id(row.group),
            row.errorType == nil ? "1" : "0", row.latencyMilliseconds.map { String($0) }, row.errorType.map(cut),
            row.errorClass.map(cut), time(row.atMicroseconds),
        ]
    }

    private static func values(_ row: VerificationRow) -> [String?] {
        [
            String(row.user.value), id(row.group), id(row.channel), row.status,
            row.latencyMilliseconds.map { String($0) }, row.isCached ? "1" : "0", row.isDecisive ? "1" : "0",
            row.source.rawValue, String(row.hits), row.errorType.map(cut), time(row.atMicroseconds),
        ]
    }

    private static func values(_ row: DecisionRow) -> [String?] {
        [
            row.update.map { String($0.value) }, id(row.group), row.user.map { String($0.value) },
            String(row.ruleVersion), row.outcome, row.facts, "[]", time(row.atMicroseconds),
        ]
    }

    private static func id(_ chat: ChatID?) -> String? { chat.map { String($0.value) } }

    private static func cut(_ text: String) -> String { String(text.unicodeScalars.prefix(50)) }

    private static func time(_ microseconds: Int64) -> String { SQLTime.text(Timestamp(microseconds: microseconds)) }
}
