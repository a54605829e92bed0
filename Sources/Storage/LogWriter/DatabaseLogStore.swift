// Stores a batch of log rows once: the rows and the batch's id in one transaction.

import Domain
import EventLoop

/// Writes batches to either engine.
@IO
public final class DatabaseLogStore: LogStore {
    private let database: any Database
    /// SQLite's writer is shared with records, so a log transaction is short.
    private static let sqliteRows = 500

    /// A store on `database`.
    public init(_ database: any Database) { self.database = database }

    /// Stores a batch with its id, or nothing if the id is there already.
    public func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
        switch database.dialect {
        case .postgreSQL:
            for (index, table) in LogTable.tables(of: rows).enumerated() {
                let suffix = index == 0 ? [] : [0, UInt8(index)]
                _ = try await database.run([table.statement(batch: batch + suffix)], .log)
            }
        case .sqlite:
            // The same rows give the same chunks at each attempt, so each chunk's id is the same too.
            for (number, start) in stride(from: 0, to: rows.count, by: Self.sqliteRows).enumerated() {
                let part = Array(rows[start..<min(rows.count, start + Self.sqliteRows)])
                let suffix = number == 0 ? [] : [UInt8(truncatingIfNeeded: number), 0]
                let program = LogRowsSQLite(
                    rows: part, batch: batch + suffix, activity: LogTable.activity(of: part))
                let statement = SQLStatement("INSERT INTO log_batches") { connection throws(SQLiteFailure) in
                    try program.run(connection)
                }
                _ = try await database.run([statement], .log)
            }
        }
    }
}
