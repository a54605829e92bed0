// Log rows on PostgreSQL: one `unnest` of whole columns for each table.

import Domain
import EventLoop

/// The rows of one table, each column as PostgreSQL's array literal.
struct LogRowsPostgreSQL {
    private let insertion: Insertion
    private var literals: [[UInt8]]
    /// Where the next value belongs: values come row by row, in the order of the columns.
    private var column = 0
    private var isEmpty = true

    private init(_ insertion: Insertion) {
        self.insertion = insertion
        literals = Array(repeating: [], count: insertion.columns)
    }

    /// The tables to which the rows belong, each with its rows.
    static func tables(of rows: [LogRow]) -> [LogRowsPostgreSQL] {
        var calls = LogRowsPostgreSQL(.calls)
        var verifications = LogRowsPostgreSQL(.verifications)
        var decisions = LogRowsPostgreSQL(.decisions)
        var activity = LogRowsPostgreSQL(.activity)
        for row in rows {
            switch row {
            case .apiCall(let row): calls.add(row)
            case .verification(let row): verifications.add(row)
            case .decision(let row): decisions.add(row)
            case .activity: break
            }
        }
        for entry in ActivityDay.days(of: rows) { activity.add(entry) }
        return [calls, verifications, decisions, activity].filter { !$0.isEmpty }
    }

    /// One transaction; nothing happens when the batch's id is there already.
    func statement(batch: [UInt8]) -> SQLStatement {
        insertion.query.statement(
            .postgreSQL, [.bytes(batch)] + literals.map { .text(String(decoding: $0, as: UTF8.self) + "}") })
    }

    // MARK: - Rows

    private mutating func add(_ row: APICallRow) {
        add(row.method.cut(50))
        add(row.chat?.value)
        add(row.user?.value)
        add(row.group?.value)
        add(row.errorType == nil)
        add(row.latencyMilliseconds)
        add(row.errorType?.cut(50))
        add(row.errorClass?.cut(50))
        add(row.atMicroseconds)
    }

    private mutating func add(_ row: VerificationRow) {
        add(row.user.value)
        add(row.group.value)
        add(row.channel.value)
        add(row.status)
        add(row.latencyMilliseconds)
        add(row.isCached)
        add(row.isDecisive)
        add(row.source.rawValue)
        add(Int64(row.hits))
        add(row.errorType?.cut(50))
        add(row.atMicroseconds)
    }

    private mutating func add(_ row: DecisionRow) {
        add(row.update?.value)
        add(row.group.value)
        add(row.user?.value)
        add(Int64(row.ruleVersion))
        add(row.outcome)
        add(row.facts)
        add("[]")
        add(row.atMicroseconds)
    }

    private mutating func add(_ entry: ActivityDay) {
        add(entry.user.value)
        add(entry.day)
        add(entry.commands)
        add(entry.lastMicroseconds)
    }

    // MARK: - Values

    private mutating func add(_ number: Int64?) {
        let place = next()
        if let number {
            literals[place].append(decimal: number)
        } else {
            literals[place].append(contentsOf: "NULL".utf8)
        }
    }

    private mutating func add(_ flag: Bool) { literals[next()].append(UInt8(ascii: flag ? "1" : "0")) }

    private mutating func add(_ text: String?) {
        let place = next()
        guard var text else { return literals[place].append(contentsOf: "NULL".utf8) }
        literals[place].append(UInt8(ascii: "\""))
        text.withUTF8 { bytes in
            var start = 0
            for index in bytes.indices where bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\") {
                literals[place].append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
                literals[place].append(UInt8(ascii: "\\"))
                start = index
            }
            literals[place].append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        }
        literals[place].append(UInt8(ascii: "\""))
    }

    private mutating func next() -> Int {
        let place = column
        column = place + 1 == literals.count ? 0 : place + 1
        literals[place].append(UInt8(ascii: literals[place].isEmpty ? "{" : ","))
        isEmpty = false
        return place
    }

    // MARK: - The tables

    /// The statement of one table: `$1` the batch's id, then its columns.
    private struct Insertion {
        let columns: Int
        let query: Query

        init(_ table: String, _ columns: [(name: String, type: String)], conflict: String = "") {
            self.columns = columns.count
            // Moments travel as microseconds: cheaper to write and to read than a date.
            func isMoment(_ column: (name: String, type: String)) -> Bool { column.type == "timestamptz" }
            let names = columns.map(\.name).joined(separator: ", ")
            let arrays = columns.enumerated().map { index, column in
                "$\(index + 2)::\(isMoment(column) ? "bigint" : column.type)[]"
            }
            let fields = columns.map { column in
                isMoment(column) ? "TIMESTAMPTZ 'epoch' + \(column.name) * INTERVAL '1 microsecond'" : column.name
            }
            query = Query(
                postgreSQL: """
                    WITH first AS (
                        INSERT INTO log_batches (batch_id) VALUES ($1) ON CONFLICT (batch_id) DO NOTHING RETURNING 1
                    )
                    INSERT INTO \(table) (\(names))
                    SELECT \(fields.joined(separator: ", "))
                    FROM first, unnest(\(arrays.joined(separator: ", "))) AS rows (\(names)) \(conflict)
                    """)
        }

        static let calls = Insertion(
            "api_call_log",
            [
                ("method", "text"), ("chat_id", "bigint"), ("user_id", "bigint"), ("group_id", "bigint"),
                ("success", "boolean"), ("latency_ms", "integer"), ("error_type", "text"), ("error_class", "text"),
                ("timestamp", "timestamptz"),
            ])
        static let verifications = Insertion(
            "verification_log",
            [
                ("user_id", "bigint"), ("group_id", "bigint"), ("channel_id", "bigint"), ("status", "text"),
                ("latency_ms", "integer"), ("cached", "boolean"), ("decisive", "boolean"), ("source", "text"),
                ("hits", "integer"), ("error_type", "text"), ("timestamp", "timestamptz"),
            ])
        static let decisions = Insertion(
            "decisions",
            [
                ("update_id", "bigint"), ("group_id", "bigint"), ("user_id", "bigint"), ("rule_version", "integer"),
                ("outcome", "text"), ("facts", "jsonb"), ("effects", "jsonb"), ("at", "timestamptz"),
            ])
        static let activity = Insertion(
            "user_activity",
            [
                ("user_id", "bigint"), ("activity_date", "date"), ("command_count", "integer"),
                ("last_activity_at", "timestamptz"),
            ], conflict: ActivityDay.conflict)
    }
}
