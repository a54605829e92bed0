// Stores a batch of log rows once: the rows and the batch's id in one transaction.

import Domain
import EventLoop

/// Writes batches to either engine.
@IO
public final class DatabaseLogStore: LogStore {
    private let database: any Database
    /// SQLite's writer is shared with records, which wait for no more rows than these.
    private static let sqliteRows = 1000

    /// Rows that share a page of an index are more likely to be found among more rows, and SQLite writes whole pages.
    public var batchFactor: Int { database.dialect == .sqlite ? 4 : 1 }

    /// A store on `database`.
    public init(_ database: any Database) { self.database = database }

    /// Stores a batch with its id, or nothing if the id is there already.
    public func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
        switch database.dialect {
        case .postgreSQL:
            for (index, table) in LogRowsPostgreSQL.tables(of: rows).enumerated() {
                let suffix = index == 0 ? [] : [0, UInt8(index)]
                _ = try await database.run([table.statement(batch: batch + suffix)], .log)
            }
        case .sqlite:
            // The same rows give the same chunks at each attempt, so each chunk's id is the same too. The chunks
            // share a transaction when nobody urgent comes in between.
            let statements = stride(from: 0, to: rows.count, by: Self.sqliteRows).enumerated().map { number, start in
                let part = Array(rows[start..<min(rows.count, start + Self.sqliteRows)])
                let suffix = number == 0 ? [] : [UInt8(truncatingIfNeeded: number), 0]
                let program = LogRowsSQLite(rows: part, batch: batch + suffix)
                return SQLStatement("INSERT INTO log_batches") { connection throws(SQLiteFailure) in
                    try program.run(connection)
                }
            }
            for refused in try await database.run(statements, .log).joined() {
                LogWriter.countRefused(refused.text(0), code: refused.text(1))
            }
        }
    }
}
