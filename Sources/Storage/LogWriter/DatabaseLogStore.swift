// Stores a batch of log rows once: the rows and the batch's id in one transaction.

import Domain
import EventLoop

/// Writes batches to either engine.
@IO
public final class DatabaseLogStore: LogStore {
    private let database: any Database
    /// SQLite's writer is shared with records, so a log transaction is short.
    private static let sqliteRows = 250

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
