// Log rows on SQLite: dozens of rows in one statement, each value bound where it is.

import Domain
import EventLoop

/// Stores a batch of rows with its id, or nothing if the id is there already.
struct LogRowsSQLite: Sendable {
    let rows: [LogRow]
    let batch: [UInt8]

    /// A row for each that the database refuses, with its code: the others are stored.
    func run(_ connection: SQLiteConnection) throws(SQLiteFailure) -> [SQLRow] {
        let first = try connection.statement(Self.first)
        first.bind(1, batch)
        guard try first.execute() > 0 else { return [] }
        var refused: [SQLRow] = []
        for table in [Self.calls, Self.verifications, Self.decisions] {
            refused += try table.store(rows, connection)
        }
        for entry in ActivityDay.days(of: rows) { try store(entry, connection) }
        return refused
    }

    private static let first = SQLiteText(
        "INSERT INTO log_batches (batch_id) VALUES (?1) ON CONFLICT (batch_id) DO NOTHING")

    private static let activity = SQLiteText(
        """
        INSERT INTO user_activity (user_id, activity_date, command_count, last_activity_at) VALUES (?1, ?2, ?3, ?4)
        \(ActivityDay.conflict)
        """)

    private func store(_ entry: ActivityDay, _ connection: SQLiteConnection) throws(SQLiteFailure) {
        let statement = try connection.statement(Self.activity)
        statement.bind(1, entry.user.value)
        statement.bind(2, entry.day)
        statement.bind(3, entry.commands)
        statement.bind(4, Timestamp(microseconds: entry.lastMicroseconds))
        try statement.execute()
    }

    // MARK: - The tables

    /// How the rows of one table are told from others and bound.
    private struct Table: Sendable {
        let name: String
        let columns: Int32
        /// One row, and many: a statement's beginning and end cost as much as some rows.
        private let one: SQLiteText
        private let many: SQLiteText
        private let contains: @Sendable (LogRow) -> Bool
        private let bind: @Sendable (LogRow, SQLitePrepared, Int32) -> Void
        private static let together = 50

        init(
            _ name: String, _ columns: [String], contains: @escaping @Sendable (LogRow) -> Bool,
            bind: @escaping @Sendable (LogRow, SQLitePrepared, Int32) -> Void
        ) {
            self.name = name
            self.columns = Int32(columns.count)
            self.contains = contains
            self.bind = bind
            // `FAIL` keeps what was stored before a row that is refused, and no journal for the statement.
            let head = "INSERT OR FAIL INTO \(name) (\(columns.joined(separator: ", "))) VALUES "
            let row = "(" + columns.map { _ in "?" }.joined(separator: ", ") + ")"
            one = SQLiteText(head + row)
            many = SQLiteText(head + Array(repeating: row, count: Self.together).joined(separator: ", "))
        }

        func store(_ rows: [LogRow], _ connection: SQLiteConnection) throws(SQLiteFailure) -> [SQLRow] {
            let own = rows.filter(contains)
            var refused: [SQLRow] = []
            var index = 0
            while index < own.count {
                let count = own.count - index >= Self.together ? Self.together : 1
                let statement = try connection.statement(count == 1 ? one : many)
                for place in 0..<count { bind(own[index + place], statement, Int32(place) * columns) }
                do throws(SQLiteFailure) {
                    try statement.execute()
                    index += count
                } catch {
                    guard case .refused(let code) = error.storeError, connection.isInTransaction else { throw error }
                    // Those before it are stored, those behind it not yet.
                    index += (count == 1 ? 0 : Int(connection.changes)) + 1
                    refused.append([.text(name), .text(code)])
                }
            }
            return refused
        }
    }

    private static let calls = Table(
        "api_call_log",
        [
            "method", "chat_id", "user_id", "group_id", "success", "latency_ms", "error_type", "error_class",
            "timestamp",
        ],
        contains: { row in if case .apiCall = row { true } else { false } },
        bind: { row, statement, offset in
            guard case .apiCall(let row) = row else { return }
            statement.bind(offset + 1, row.method.cut(50))
            statement.bind(offset + 2, row.chat?.value)
            statement.bind(offset + 3, row.user?.value)
            statement.bind(offset + 4, row.group?.value)
            statement.bind(offset + 5, row.errorType == nil)
            statement.bind(offset + 6, row.latencyMilliseconds)
            statement.bind(offset + 7, row.errorType?.cut(50))
            statement.bind(offset + 8, row.errorClass?.cut(50))
            statement.bind(offset + 9, Timestamp(microseconds: row.atMicroseconds))
        })

    private static let verifications = Table(
        "verification_log",
        [
            "user_id", "group_id", "channel_id", "status", "latency_ms", "cached", "decisive", "source", "hits",
            "error_type", "timestamp",
        ],
        contains: { row in if case .verification = row { true } else { false } },
        bind: { row, statement, offset in
            guard case .verification(let row) = row else { return }
            statement.bind(offset + 1, row.user.value)
            statement.bind(offset + 2, row.group.value)
            statement.bind(offset + 3, row.channel.value)
            statement.bind(offset + 4, row.status)
            statement.bind(offset + 5, row.latencyMilliseconds)
            statement.bind(offset + 6, row.isCached)
            statement.bind(offset + 7, row.isDecisive)
            statement.bind(offset + 8, row.source.rawValue)
            statement.bind(offset + 9, Int64(row.hits))
            statement.bind(offset + 10, row.errorType?.cut(50))
            statement.bind(offset + 11, Timestamp(microseconds: row.atMicroseconds))
        })

    private static let decisions = Table(
        "decisions",
        ["update_id", "group_id", "user_id", "rule_version", "outcome", "facts", "effects", "at"],
        contains: { row in if case .decision = row { true } else { false } },
        bind: { row, statement, offset in
            guard case .decision(let row) = row else { return }
            statement.bind(offset + 1, row.update?.value)
            statement.bind(offset + 2, row.group.value)
            statement.bind(offset + 3, row.user?.value)
            statement.bind(offset + 4, Int64(row.ruleVersion))
            statement.bind(offset + 5, row.outcome)
            statement.bind(offset + 6, row.facts)
            statement.bind(offset + 7, "[]")
            statement.bind(offset + 8, Timestamp(microseconds: row.atMicroseconds))
        })
}
