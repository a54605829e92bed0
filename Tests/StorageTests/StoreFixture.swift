// A store over a database at head, a second replica beside it, and what tests ask of the rows.

import Domain
import EventLoop
import Testing

@testable import Storage

/// The same database under another owner: a second replica.
@IO
final class SecondReplica: Database {
    private let base: any Database
    let owner = "second"

    init(_ base: any Database) { self.base = base }

    var dialect: SQLDialect { base.dialect }
    var isReachable: Bool { base.isReachable }
    func run(_ statements: [SQLStatement], _ priority: SQLPriority) async throws(StoreError) -> [[SQLRow]] {
        try await base.run(statements, priority)
    }
    func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) {}
    func close() async {}
}

/// Closes a fixture's database when the test that has it ends: a server has only so many connections.
@IO
private final class Closing {
    private let database: any Database
    init(_ database: any Database) { self.database = database }
    isolated deinit {
        let database = database
        Task { @IO in await database.close() }
    }
}

@IO
struct StoreFixture {
    private let closing: Closing
    let database: any Database
    let store: DatabaseStore
    let other: DatabaseStore
    let group = ChatID(-1001)
    let channel = ChatID(-1002)

    init(_ engine: Engine) async throws {
        database = try await TestDatabases.migrated(engine)
        closing = Closing(database)
        store = DatabaseStore(database: database, botID: 7)
        other = DatabaseStore(database: SecondReplica(database), botID: 7)
    }

    /// Why the people of the group are released together.
    var unprotected: DecisionRow { unprotected(group) }

    /// A protected group that requires the channels.
    static func protected(_ engine: Engine, channels: [Int64] = [-1002]) async throws -> StoreFixture {
        let fixture = try await StoreFixture(engine)
        let required = channels.map { RequiredChannel(id: ChatID($0), title: "Channel", username: "name") }
        try await fixture.store.protect(
            Protection(
                group: fixture.group, title: "Group", owner: UserID(1), ownerUsername: "o", replacesOwner: false,
                channels: required))
        return fixture
    }

    func unprotected(_ group: ChatID) -> DecisionRow {
        DecisionRow(
            update: nil, group: group, user: nil, ruleVersion: 7, outcome: "release",
            facts: #"{"v":1,"reason":"unprotected"}"#)
    }

    /// A hold as a message makes it.
    func holdRecord(update: Int64, user: Int64, message: Int64, startsAtOnce: Bool = true) -> Record {
        var record = Record(update: UpdateID(update))
        record.decision = DecisionRow(
            update: UpdateID(update), group: group, user: UserID(user), ruleVersion: 1, outcome: "hold",
            facts: #"{"v":1,"reason":"missing"}"#)
        record.hold = HoldWish(group: group, user: UserID(user), channels: [channel], source: .message)
        record.effects = [
            .delete(MessageID(message), in: group), .restrict(UserID(user), in: group), .prompt(in: group),
        ]
        for index in record.effects.indices { record.effects[index].startsAtOnce = startsAtOnce }
        return record
    }

    func recorded(_ record: Record) async throws -> Recorded {
        guard case .recorded(let recorded) = try await store.record(record) else {
            Issue.record("recorded before")
            return Recorded()
        }
        return recorded
    }

    func release(_ user: Int64, reason: ReleaseReason = .verified) async throws -> Recorded {
        var record = Record(update: nil)
        record.releases = [ReleaseWish(group: group, user: UserID(user), reason: reason)]
        return try await recorded(record)
    }

    func text(_ query: String) async throws -> String {
        let row = try await database.run([SQLStatement(query)], .read).first?.first
        return row?.map { $0.string ?? $0.integer.map(String.init) ?? "-" }.joined(separator: " ") ?? ""
    }

    /// Lets all leases end.
    func expireLeases() async throws {
        let query = Query(
            "UPDATE effects SET lease_until = {after:-1}, due_at = {after:-1} WHERE lease_owner IS NOT NULL")
        _ = try await database.run([query.statement(database.dialect, [])], .command)
    }
}
