// Transactions written in Swift: what runs on the writer's thread between the statements of one caller.

import CSQLite
import EventLoop
import Synchronization

/// What SQLite's thread runs in place of a text: small statements with what they found in between.
///
/// A file is asked without a round trip, so several plain statements cost less than one that says everything:
/// no rows that come back through a table of their own, no JSON that is read again for each value.
/// It may run twice, when somebody else's refusal ended the transaction in which it ran first.
typealias SQLiteProgram = @Sendable (SQLiteConnection) throws(SQLiteFailure) -> [SQLRow]

/// A text of a program, with `?1`, `?2` …, prepared once on each connection.
struct SQLiteText: Sendable {
    let text: String
    let id = SQLTextID.next()

    init(_ text: String) { self.text = text }
}

/// Where a program leaves what is no row.
final class SQLiteAnswer<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}

/// A prepared statement while a program runs it, one at a time: texts are bound without a copy of their own, into
/// memory that the next statement uses again. All parameters are bound each time.
struct SQLitePrepared {
    let handle: OpaquePointer
    let connection: SQLiteConnection

    // MARK: - Parameters

    func bind(_ index: Int32, _ number: Int64) { connection.note(sqlite3_bind_int64(handle, index, number)) }
    func bind(_ index: Int32, _ flag: Bool) { bind(index, Int64(flag ? 1 : 0)) }
    func bindNull(_ index: Int32) { connection.note(sqlite3_bind_null(handle, index)) }
    func bind(_ index: Int32, _ text: String) { connection.note(connection.bind(text, to: index, of: handle)) }
    func bind(_ index: Int32, _ moment: Timestamp) { connection.note(connection.bind(moment, to: index, of: handle)) }

    func bind(_ index: Int32, _ bytes: [UInt8]) {
        connection.note(sqlite3_bind_blob(handle, index, bytes, Int32(bytes.count), SQLiteBindings.transient))
    }

    func bind(_ index: Int32, _ number: Int64?) {
        if let number { bind(index, number) } else { bindNull(index) }
    }

    func bind(_ index: Int32, _ text: String?) {
        if let text { bind(index, text) } else { bindNull(index) }
    }

    // MARK: - Running

    /// Runs to the end; how many rows were written.
    @discardableResult
    func execute() throws(SQLiteFailure) -> Int32 {
        while try step() {}
        return connection.changes
    }

    /// The one integer that a selection may find.
    func firstInteger() throws(SQLiteFailure) -> Int64? {
        guard try step() else { return nil }
        let number = sqlite3_column_int64(handle, 0)
        end()
        return number
    }

    /// Goes to the next row; false: that was the last, and the statement is ready for its next run.
    func step() throws(SQLiteFailure) -> Bool {
        do throws(SQLiteFailure) { try connection.throwNoted() } catch {
            end()
            throw error
        }
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            end()
            return false
        default:
            let failure = connection.lastFailure
            end()
            throw failure
        }
    }

    /// Leaves the rows that are left.
    func end() { sqlite3_reset(handle) }

    // MARK: - Columns

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func byteCount(_ column: Int32) -> Int { Int(sqlite3_column_bytes(handle, column)) }

    func text(_ column: Int32) -> String {
        guard let pointer = sqlite3_column_text(handle, column) else { return "" }
        return String(decoding: UnsafeBufferPointer(start: pointer, count: byteCount(column)), as: UTF8.self)
    }
}
