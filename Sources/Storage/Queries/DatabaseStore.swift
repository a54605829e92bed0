// The store over either engine. Its functions are in extensions by subject; what they share is here.

import Domain
import EventLoop

/// Answers all that the service asks of a database (see `Store`), in statements of the seam `Database`.
@IO
public final class DatabaseStore {
    let database: any Database
    let botID: Int64
    /// Ends of attempts on their way to PostgreSQL.
    let finishes: FinishQueue
    /// Who may be held, from memory.
    public let held = HeldPeople()
    /// Who is to know of effects that wait for a worker.
    var effectHandlers: [@IO () -> Void] = []
    /// When the last message told other replicas of new effects.
    var lastNotice: Instant?
    /// Effects in records on their way that will be leased to us.
    public internal(set) var startingEffects = 0
    /// Records whose outcome is unknown.
    public internal(set) var uncertainRecords = 0
    /// The newest lease given on SQLite: each is later than the one before, so that a row tells which record leased it.
    var lastLease = Timestamp(microseconds: 0)
    /// Wall clock minus monotonic clock, in microseconds, as last agreed with the rows: SQLite only.
    var clockOffset: Int64?

    /// A store for the bot with that id (the digits of its token).
    public init(database: any Database, botID: Int64) {
        self.database = database
        self.botID = botID
        finishes = FinishQueue(database: database)
    }

    /// 12 s.
    static let leaseMilliseconds: Int64 = 12_000

    /// The end of a lease that starts now, by the wall clock: SQLite only.
    func nextLeaseEnd() -> SQLValue {
        let usual = WallClock.now.microseconds + Self.leaseMilliseconds * 1000
        lastLease = Timestamp(microseconds: max(usual, lastLease.microseconds + 1000))
        return .time(lastLease)
    }

    func statement(_ query: Query, _ parameters: [SQLValue] = [], stopsWhenEmpty: Bool = false) -> SQLStatement {
        query.statement(database.dialect, parameters, stopsWhenEmpty: stopsWhenEmpty)
    }

    /// Runs one statement.
    @discardableResult
    func rows(
        _ query: Query, _ parameters: [SQLValue] = [], _ priority: SQLPriority = .command
    ) async throws(StoreError) -> [SQLRow] {
        try await database.run([statement(query, parameters)], priority).first ?? []
    }

    /// Runs a statement whose rows do not matter.
    func execute(
        _ query: Query, _ parameters: [SQLValue] = [], _ priority: SQLPriority = .command
    ) async throws(StoreError) {
        _ = try await rows(query, parameters, priority)
    }
}

// MARK: - Values

extension SQLValue {
    static func optional(_ number: Int64?) -> SQLValue { number.map { .int($0) } ?? .null }
    static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
    static func flag(_ flag: Bool) -> SQLValue { .int(flag ? 1 : 0) }

    var integer: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value.rounded())
        case .text(let text): Int64(text)
        default: nil
        }
    }
    var string: String? { if case .text(let text) = self { text } else { nil } }
    var isTrue: Bool { (integer ?? 0) != 0 }
}

extension SQLRow {
    func int(_ column: Int) -> Int64 { column < count ? self[column].integer ?? 0 : 0 }
    func optionalInt(_ column: Int) -> Int64? { column < count ? self[column].integer : nil }
    func text(_ column: Int) -> String { column < count ? self[column].string ?? "" : "" }
    func optionalText(_ column: Int) -> String? { column < count ? self[column].string : nil }
    func flag(_ column: Int) -> Bool { column < count && self[column].isTrue }
}

extension String {
    /// At most that many characters: a long title never fails a row.
    func cut(_ length: Int) -> String {
        // Never more characters than bytes.
        utf8.count <= length || unicodeScalars.count <= length
            ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(length)))
    }
}
