// A wish as a row of `effects` on SQLite: mostly its key is new, and then nothing has to be read back.

import Domain
import EventLoop

/// The values of a new row.
struct EffectRowSQLite {
    let wish: EffectWish
    let key: String
    private let ledger: Int64?
    private let decision: Int64?
    private let moment: Timestamp
    private var due: Timestamp
    private var leaseOwner: String?
    private var leaseEnd: Timestamp?
    private var sends: Int64 = 0

    /// - Parameter open: the ledger row that the same record opens, or has found open.
    init(_ wish: EffectWish, open: Int64?, decision: Int64?, moment: Timestamp) {
        self.wish = wish
        self.decision = decision
        self.moment = moment
        switch wish.ledger {
        case .none: ledger = nil
        case .opened: ledger = open
        case .row(let id): ledger = id.value
        }
        key = wish.key ?? wish.kind.rawValue + ":" + (ledger.map { String($0) } ?? "")
        due = Timestamp(microseconds: moment.microseconds + wish.delayMilliseconds * 1000)
    }

    /// It is to be started by whoever stores it.
    mutating func lease(_ owner: String, until end: Timestamp) {
        leaseOwner = owner
        leaseEnd = end
        due = end
        sends = wish.kind == .prompt || wish.kind == .send || wish.kind == .notify ? 1 : 0
    }

    // MARK: - Storing

    private static let insertion = """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id, ledger_id, decision_id, payload, due_at,
            lease_owner, lease_until, sends, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """
    private static let new = SQLiteText(insertion + " ON CONFLICT (dedup_key) DO NOTHING")
    private static let again = Query(
        """
        \(insertion)
        \(EffectRows.conflictSQLite)
        RETURNING \(EffectRows.columns), (lease_owner IS $10 AND lease_until IS $11)
        """)

    /// Stores the row or, when its key is there, the newer wish for it; gives the effect when it is leased to us.
    @discardableResult
    func store(_ connection: SQLiteConnection) throws(SQLiteFailure) -> Effect? {
        let statement = try connection.statement(Self.new)
        // Without a key the row is refused.
        statement.bind(1, wish.key == nil && ledger == nil ? nil : key)
        statement.bind(2, wish.kind.rawValue)
        statement.bind(3, Int64(wish.kind.lane))
        statement.bind(4, wish.chat.value)
        statement.bind(5, wish.user?.value)
        statement.bind(6, ledger)
        statement.bind(7, decision)
        statement.bind(8, wish.payload)
        statement.bind(9, due)
        statement.bind(10, leaseOwner)
        if let leaseEnd { statement.bind(11, leaseEnd) } else { statement.bindNull(11) }
        statement.bind(12, sends)
        statement.bind(13, moment)
        guard try statement.execute() == 0 else { return leaseOwner == nil ? nil : effect(connection.lastID) }
        let values: [SQLValue] = [
            .text(key), .text(wish.kind.rawValue), .int(Int64(wish.kind.lane)), .int(wish.chat.value),
            .optional(wish.user?.value), .optional(ledger), .optional(decision), .text(wish.payload), .time(due),
            .optional(leaseOwner), leaseEnd.map { .time($0) } ?? .null, .int(sends), .time(moment),
        ]
        let rows = try connection.run(Self.again.statement(.sqlite, values))
        return leaseOwner == nil ? nil : rows.first { $0.flag(12) }.flatMap { EffectRows.effect($0) }
    }

    private func effect(_ id: Int64) -> Effect {
        Effect(
            id: id, key: key, kind: wish.kind, chat: wish.chat, user: wish.user, ledger: ledger.map { LedgerID($0) },
            decision: decision, payload: wish.payload, attempts: 0, revision: 0, sends: Int(sends),
            ageMilliseconds: 0, isTakenOver: false)
    }
}
