// The seam between the store's functions and the two engines: statements in, rows out, one transaction.

import EventLoop
import Synchronization

/// A value of a column or parameter.
public enum SQLValue: Sendable, Equatable {
    /// NULL.
    case null
    /// Integers of any width, and booleans as 0 and 1 on both engines.
    case int(Int64)
    /// Floating point.
    case double(Double)
    /// Text; JSON and dates too.
    case text(String)
    /// Bytes.
    case bytes([UInt8])
    /// A moment; the engines store it in their own form.
    case time(Timestamp)
    /// An array parameter: a PostgreSQL array for `ANY($n)` or `unnest`; SQLite gets it as JSON for `json_each`.
    case ints([Int64])
}

/// A row of a result: values in the order of the columns.
public typealias SQLRow = [SQLValue]

/// Which engine answers; the texts of statements differ where the engines do.
public enum SQLDialect: Sendable {
    /// PostgreSQL 13 and later.
    case postgreSQL
    /// SQLite 3.35 and later.
    case sqlite
}

/// One statement with `$1`, `$2` … on both engines.
public struct SQLStatement: Sendable {
    /// The text, a literal of ours.
    public var text: String
    /// Its parameters.
    public var parameters: [SQLValue]
    /// SQLite only: the statements after it do not run when it gives no row. On PostgreSQL such a chain is one
    /// data-modifying statement.
    public var stopsWhenEmpty: Bool
    /// Stands for the text, so that its prepared form is found without hashing a page of SQL; 0: for none.
    let textID: Int
    /// SQLite only: runs in place of the text, which then only says what it is about.
    let program: SQLiteProgram?

    /// A statement with its parameters.
    public init(_ text: String, _ parameters: [SQLValue] = [], stopsWhenEmpty: Bool = false) {
        self.init(text, id: 0, parameters, stopsWhenEmpty: stopsWhenEmpty)
    }

    init(_ text: String, id: Int, _ parameters: [SQLValue], stopsWhenEmpty: Bool = false) {
        self.text = text
        textID = id
        self.parameters = parameters
        self.stopsWhenEmpty = stopsWhenEmpty
        program = nil
    }

    init(_ text: String, program: @escaping SQLiteProgram) {
        self.text = text
        textID = 0
        parameters = []
        stopsWhenEmpty = false
        self.program = program
    }
}

/// How urgent a transaction is; on PostgreSQL also which connection carries it.
public enum SQLPriority: Int, Sendable {
    /// Records and finishes of effects.
    case record
    /// Leases.
    case lease
    /// Commands, jobs, configuration.
    case command
    /// Log batches.
    case log
    /// Reads that need no transaction of their own.
    case read
    /// Deletions of old rows: after everybody else.
    case retention
}

/// A database of either engine.
@IO
public protocol Database: AnyObject, Sendable {
    /// Which texts it understands.
    var dialect: SQLDialect { get }
    /// Random id of this process in leases: 16 bytes in base32.
    var owner: String { get }
    /// Runs the statements in one transaction and one round trip; returns the rows of each.
    ///
    /// A deadlock or serialisation failure is tried again, at most 3 times. Answers, or throws, within 5 s.
    func run(_ statements: [SQLStatement], _ priority: SQLPriority) async throws(StoreError) -> [[SQLRow]]
    /// Whether the last contact succeeded.
    var isReachable: Bool { get }
    /// Calls `handler` with each cache message of another replica, and with `nil` when some may have been missed.
    func onCacheMessage(_ handler: @escaping @IO (String?) -> Void)
    /// Calls `handler` when another replica has recorded effects for whoever has room, or may have.
    func onEffects(_ handler: @escaping @IO () -> Void)
    /// Ends all connections after what is under way.
    func close() async
}

extension Database {
    /// One process has a file: nobody else records.
    public func onEffects(_ handler: @escaping @IO () -> Void) {}
}

/// Numbers for texts that are run again and again.
enum SQLTextID {
    private static let last = Atomic<Int>(0)

    /// One that no other text has.
    static func next() -> Int { last.add(1, ordering: .relaxed).newValue }
}
