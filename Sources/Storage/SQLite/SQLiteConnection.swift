// One connection to SQLite: statements, values and errors. Used by one worker thread alone; knows no queue.

import CSQLite
import CSQLiteLog
import EventLoop
import Glibc

/// SQLite's extended result code.
struct SQLiteFailure: Error, Equatable {
    var code: Int32

    /// What it means to the callers of the store.
    var storeError: StoreError {
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_NOMEM, SQLITE_PROTOCOL:
            .unavailable
        case SQLITE_INTERRUPT: .timedOut
        default: .refused(code: String(code))
        }
    }
}

/// A connection. Not for two threads at once.
final class SQLiteConnection {
    private let handle: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]
    /// The same by `textID`, for those that have one.
    private var known: [OpaquePointer?] = []
    private let bindings = SQLiteBindings()
    /// The first parameter of a program's statement that could not be bound.
    private var notedFailure = SQLITE_OK
    /// Bounds the prepared statements; the store's texts are a closed list well below it.
    private static let cachedStatements = 300

    /// Once for the process, before its first connection.
    private static let isLibraryReady =
        nezuko_sqlite_count_no_memory() == SQLITE_OK && nezuko_sqlite_give_single_pages() == SQLITE_OK
    /// The VFS of connections that write, if it could be made known. It keeps the name.
    private static let gathering: String? = {
        let name = "nezuko"
        return nezuko_sqlite_register_gathering(strdup(name)) == SQLITE_OK ? name : nil
    }()

    /// What a connection is for.
    enum Use {
        /// The service's writes; the file is created if missing.
        case writing
        /// The service's reads.
        case reading
        /// Looking at a file that is somebody else's matter: it has to be there, and keeps its form.
        case inspecting
    }

    /// Opens the file, with its pragmas.
    init(path: String, use: Use) throws(SQLiteFailure) {
        _ = Self.isLibraryReady
        var opened: OpaquePointer?
        let creation = use == .inspecting ? 0 : SQLITE_OPEN_CREATE
        let flags = SQLITE_OPEN_READWRITE | creation | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &opened, flags, use == .writing ? Self.gathering : nil)
        guard result == SQLITE_OK, let opened else {
            sqlite3_close_v2(opened)
            throw SQLiteFailure(code: result)
        }
        handle = opened
        sqlite3_busy_timeout(handle, 1000)
        if use != .inspecting { try execute("PRAGMA journal_mode=WAL") }
        try execute("PRAGMA foreign_keys=ON")
        try execute("PRAGMA synchronous=FULL")
        // A statement that may fail half-way keeps a journal of its own: not in a file each time.
        try execute("PRAGMA temp_store=MEMORY")
        // A page that many transactions touch goes into the file once for them all: 30 % less for log rows.
        try execute("PRAGMA wal_autocheckpoint=4000")
        // 8 MiB at most: the default of 2 is left for the file again and again once there are many rows.
        try execute("PRAGMA cache_size=-8000")
        // What is not committed stays in memory: see `CSQLiteLog`.
        try execute("PRAGMA cache_spill=OFF")
        if use != .writing { try execute("PRAGMA query_only=ON") }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Whether a transaction is open; some failures end it by themselves.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs a text without parameters and without interest in rows.
    func execute(_ text: String) throws(SQLiteFailure) {
        let result = sqlite3_exec(handle, text, nil, nil, nil)
        guard result == SQLITE_OK else { throw SQLiteFailure(code: sqlite3_extended_errcode(handle)) }
    }

    /// Runs one statement of the store; its prepared form is kept.
    func run(_ statement: SQLStatement) throws(SQLiteFailure) -> [SQLRow] {
        if let program = statement.program { return try program(self) }
        let prepared = try prepared(statement.text, id: statement.textID)
        defer {
            sqlite3_reset(prepared)
            sqlite3_clear_bindings(prepared)
        }
        bindings.reuse()
        for (index, value) in statement.parameters.enumerated() {
            try bind(value, to: Int32(index + 1), of: prepared)
        }
        var rows: [SQLRow] = []
        while true {
            let result = sqlite3_step(prepared)
            switch result {
            case SQLITE_ROW:
                let count = sqlite3_column_count(prepared)
                rows.append((0..<count).map { column(Int32($0), of: prepared) })
            case SQLITE_DONE:
                return rows
            default:
                throw SQLiteFailure(code: sqlite3_extended_errcode(handle))
            }
        }
    }

    // MARK: - Programs

    /// A statement of a program, ready to be bound. The one before it has ended.
    func statement(_ text: SQLiteText) throws(SQLiteFailure) -> SQLitePrepared {
        bindings.reuse()
        notedFailure = SQLITE_OK
        return SQLitePrepared(handle: try prepared(text.text, id: text.id), connection: self)
    }

    /// Runs a text without parameters that is run again and again.
    func run(_ text: SQLiteText) throws(SQLiteFailure) { try statement(text).execute() }

    /// Rows that the statement before has written.
    var changes: Int32 { sqlite3_changes(handle) }

    /// The row that the last insertion made.
    var lastID: Int64 { sqlite3_last_insert_rowid(handle) }

    var lastFailure: SQLiteFailure { SQLiteFailure(code: sqlite3_extended_errcode(handle)) }

    func note(_ result: Int32) {
        if result != SQLITE_OK, notedFailure == SQLITE_OK { notedFailure = result }
    }

    func throwNoted() throws(SQLiteFailure) {
        if notedFailure != SQLITE_OK { throw SQLiteFailure(code: notedFailure) }
    }

    func bind(_ text: String, to index: Int32, of statement: OpaquePointer) -> Int32 {
        bindings.bind(text, to: index, of: statement)
    }

    func bind(_ moment: Timestamp, to index: Int32, of statement: OpaquePointer) -> Int32 {
        bindings.bind(moment, to: index, of: statement)
    }

    /// Runs the statements of one caller; a chain ends at a statement that says so and gave no row.
    func run(_ statements: some Collection<SQLStatement>) throws(SQLiteFailure) -> [[SQLRow]] {
        var results: [[SQLRow]] = []
        var hasStopped = false
        for statement in statements {
            let rows = hasStopped ? [] : try run(statement)
            results.append(rows)
            if statement.stopsWhenEmpty, rows.isEmpty { hasStopped = true }
        }
        return results
    }

    // MARK: - Statements

    private func prepared(_ text: String, id: Int) throws(SQLiteFailure) -> OpaquePointer {
        if id != 0, id < known.count, let prepared = known[id] { return prepared }
        if let prepared = statements[text] {
            remember(prepared, id)
            return prepared
        }
        if statements.count >= Self.cachedStatements {
            for statement in statements.values { sqlite3_finalize(statement) }
            statements.removeAll()
            known.removeAll()
        }
        var prepared: OpaquePointer?
        let result = sqlite3_prepare_v3(
            handle, Self.numbered(text), -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard result == SQLITE_OK, let prepared else { throw SQLiteFailure(code: sqlite3_extended_errcode(handle)) }
        statements[text] = prepared
        remember(prepared, id)
        return prepared
    }

    private func remember(_ prepared: OpaquePointer, _ id: Int) {
        guard id != 0 else { return }
        if id >= known.count { known += Array(repeating: nil, count: id + 1 - known.count) }
        known[id] = prepared
    }

    /// `$1` is a name to SQLite and `?1` a number: writes the latter, outside of quotes.
    static func numbered(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var isQuoted = false
        for index in bytes.indices.dropLast() {
            if bytes[index] == UInt8(ascii: "'") { isQuoted.toggle() }
            let digits = UInt8(ascii: "1")...UInt8(ascii: "9")
            if !isQuoted, bytes[index] == UInt8(ascii: "$"), digits.contains(bytes[index + 1]) {
                bytes[index] = UInt8(ascii: "?")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: - Values

    private func bind(_ value: SQLValue, to index: Int32, of statement: OpaquePointer) throws(SQLiteFailure) {
        let result =
            switch value {
            case .null: sqlite3_bind_null(statement, index)
            case .int(let number): sqlite3_bind_int64(statement, index, number)
            case .double(let number): sqlite3_bind_double(statement, index, number)
            case .text(let text): bindings.bind(text, to: index, of: statement)
            case .time(let moment): bindings.bind(moment, to: index, of: statement)
            case .ints(let numbers):
                bindings.bind(
                    "[" + numbers.map { String($0) }.joined(separator: ",") + "]", to: index, of: statement)
            case .bytes(let bytes):
                sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), SQLiteBindings.transient)
            }
        guard result == SQLITE_OK else { throw SQLiteFailure(code: result) }
    }

    private func column(_ index: Int32, of statement: OpaquePointer) -> SQLValue {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .int(sqlite3_column_int64(statement, index))
        case SQLITE_FLOAT: return .double(sqlite3_column_double(statement, index))
        case SQLITE_TEXT:
            guard let pointer = sqlite3_column_text(statement, index) else { return .null }
            let count = Int(sqlite3_column_bytes(statement, index))
            return .text(String(decoding: UnsafeBufferPointer(start: pointer, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let pointer = sqlite3_column_blob(statement, index) else { return .bytes([]) }
            let count = Int(sqlite3_column_bytes(statement, index))
            return .bytes(Array(UnsafeRawBufferPointer(start: pointer, count: count)))
        default: return .null
        }
    }
}

extension SQLiteWorker.Role {
    /// What the thread's connection is for.
    var use: SQLiteConnection.Use {
        switch self {
        case .writer: .writing
        case .reader: .reading
        case .inspector: .inspecting
        }
    }
}
