// The statements that store log rows: one `unnest` of whole columns on PostgreSQL, a row at a time on SQLite.

import Domain
import EventLoop

/// Rows of one table, in the order of its columns.
struct LogTable {
    /// A column and its type on PostgreSQL.
    struct Column {
        var name: String
        var type: String

        init(_ name: String, _ type: String) {
            self.name = name
            self.type = type
        }

        /// Moments travel as microseconds: cheaper to write and to read than a date.
        var arrayType: String { type == "timestamptz" ? "bigint" : type }
        var expression: String {
            type == "timestamptz" ? "TIMESTAMPTZ 'epoch' + \(name) * INTERVAL '1 microsecond'" : name
        }
    }

    let name: String
    let columns: [Column]
    var conflict = ""
    var rows: [SQLRow] = []

    /// The tables to which the rows belong, each with its rows.
    static func tables(of rows: [LogRow]) -> [LogTable] {
        var calls = calls
        var verifications = verifications
        var decisions = decisions
        var activity = activity
        var commands: [ActivityKey: (count: Int64, last: Int64)] = [:]
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
            activity.rows.append([.int(key.user.value), .text(key.day), .int(entry.count), time(entry.last)])
        }
        return [calls, verifications, decisions, activity].filter { !$0.rows.isEmpty }
    }

    /// One transaction; nothing happens when the batch's id is there already.
    func statements(_ dialect: SQLDialect, batch: [UInt8]) -> [SQLStatement] {
        let names = columns.map(\.name).joined(separator: ", ")
        switch dialect {
        case .postgreSQL:
            let arrays = columns.enumerated().map { "$\($0 + 2)::\($1.arrayType)[]" }.joined(separator: ", ")
            let fields = columns.map(\.expression).joined(separator: ", ")
            let text = """
                WITH first AS (
                    INSERT INTO log_batches (batch_id) VALUES ($1) ON CONFLICT (batch_id) DO NOTHING RETURNING 1
                )
                INSERT INTO \(name) (\(names))
                SELECT \(fields) FROM first, unnest(\(arrays)) AS rows (\(names)) \(conflict)
                """
            return [SQLStatement(text, [.bytes(batch)] + columns.indices.map { .text(array(ofColumn: $0)) })]
        case .sqlite:
            let places = columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            let insert = "INSERT INTO \(name) (\(names)) VALUES (\(places)) \(conflict)"
            let first = SQLStatement(
                "INSERT INTO log_batches (batch_id) VALUES ($1) ON CONFLICT (batch_id) DO NOTHING RETURNING 1",
                [.bytes(batch)], stopsWhenEmpty: true)
            return [first] + rows.map { SQLStatement(insert, $0) }
        }
    }

    /// PostgreSQL's array literal of one column.
    private func array(ofColumn column: Int) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count * 12)
        for row in rows {
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            switch row[column] {
            case .int(let number): bytes.append(decimal: number)
            case .time(let moment): bytes.append(decimal: moment.microseconds)
            case .text(let text):
                bytes.append(UInt8(ascii: "\""))
                for byte in text.utf8 {
                    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                    bytes.append(byte)
                }
                bytes.append(UInt8(ascii: "\""))
            case .null, .double, .bytes, .ints: bytes.append(contentsOf: "NULL".utf8)
            }
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
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
            Column("method", "text"), Column("chat_id", "bigint"), Column("user_id", "bigint"),
            Column("group_id", "bigint"), Column("success", "boolean"), Column("latency_ms", "integer"),
            Column("error_type", "text"), Column("error_class", "text"), Column("timestamp", "timestamptz"),
        ])
    private static let verifications = LogTable(
        name: "verification_log",
        columns: [
            Column("user_id", "bigint"), Column("group_id", "bigint"), Column("channel_id", "bigint"),
            Column("status", "text"), Column("latency_ms", "integer"), Column("cached", "boolean"),
            Column("decisive", "boolean"), Column("source", "text"), Column("hits", "integer"),
            Column("error_type", "text"), Column("timestamp", "timestamptz"),
        ])
    private static let decisions = LogTable(
        name: "decisions",
        columns: [
            Column("update_id", "bigint"), Column("group_id", "bigint"), Column("user_id", "bigint"),
            Column("rule_version", "integer"), Column("outcome", "text"), Column("facts", "jsonb"),
            Column("effects", "jsonb"), Column("at", "timestamptz"),
        ])
    private static let activity = LogTable(
        name: "user_activity",
        columns: [
            Column("user_id", "bigint"), Column("activity_date", "date"), Column("command_count", "integer"),
            Column("last_activity_at", "timestamptz"),
        ],
        conflict: """
            ON CONFLICT (user_id, activity_date) DO UPDATE SET
                command_count = user_activity.command_count + excluded.command_count,
                last_activity_at = CASE WHEN excluded.last_activity_at > user_activity.last_activity_at
                    THEN excluded.last_activity_at ELSE user_activity.last_activity_at END
            """)

    private static func values(_ row: APICallRow) -> SQLRow {
        [
            cut(row.method), .optional(row.chat?.value), .optional(row.user?.value), .optional(row.group?.value),
            .flag(row.errorType == nil), .optional(row.latencyMilliseconds), cut(row.errorType), cut(row.errorClass),
            time(row.atMicroseconds),
        ]
    }

    private static func values(_ row: VerificationRow) -> SQLRow {
        [
            .int(row.user.value), .int(row.group.value), .int(row.channel.value), .text(row.status),
            .optional(row.latencyMilliseconds), .flag(row.isCached), .flag(row.isDecisive), .text(row.source.rawValue),
            .int(Int64(row.hits)), cut(row.errorType), time(row.atMicroseconds),
        ]
    }

    private static func values(_ row: DecisionRow) -> SQLRow {
        [
            .optional(row.update?.value), .int(row.group.value), .optional(row.user?.value),
            .int(Int64(row.ruleVersion)), .text(row.outcome), .text(row.facts), .text("[]"),
            time(row.atMicroseconds),
        ]
    }

    private static func cut(_ text: String?) -> SQLValue {
        guard let text else { return .null }
        return .text(text.utf8.count <= 50 ? text : text.cut(50))
    }

    private static func time(_ microseconds: Int64) -> SQLValue { .time(Timestamp(microseconds: microseconds)) }
}
