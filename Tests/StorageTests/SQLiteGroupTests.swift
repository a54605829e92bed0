// One writer for all: callers share a commit, and what one of them does is not the others' business.

import Domain
import EventLoop
import Testing

@testable import Storage

/// How often several writers were answered.
@IO
private final class TurnCount {
    var count = 0
    var isOver = false
}

@Suite("SQLite groups", .timeLimit(.minutes(1)))
struct SQLiteGroupTests {
    /// Keeps the writer busy while others queue up behind it.
    private static let slow = SQLStatement(
        """
        WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) SELECT count(*) FROM c
        """)

    @IO
    private static func insertion(_ key: Int, _ value: String = "{}") -> SQLStatement {
        SQLStatement("INSERT INTO settings (key, value) VALUES ($1, $2)", [.text("k\(key)"), .text(value)])
    }

    @IO
    private static func integer(_ text: String, _ database: any Database) async throws -> Int64 {
        try await database.run([SQLStatement(text)], .read)[0][0].int(0)
    }

    @Test @IO
    func `who is refused in a group is undone as a whole, and alone`() async throws {
        let database = try await TestDatabases.migrated(.sqlite)
        let before = try await Self.integer("SELECT count(*) FROM settings", database)
        let busy = Task { @IO in _ = try await database.run([Self.slow], .record) }
        let callers = (0..<40).map { index in
            Task { @IO in
                // The second row of every eighth is no JSON.
                let second = Self.insertion(1000 + index, index % 8 == 3 ? "no JSON" : "{}")
                do {
                    _ = try await database.run([Self.insertion(index), second], .record)
                    return true
                } catch StoreError.refused { return false }
            }
        }
        try await busy.value
        for (index, caller) in callers.enumerated() { #expect(try await caller.value == (index % 8 != 3)) }
        let stored = try await Self.integer("SELECT count(*) FROM settings", database)
        #expect(stored - before == 70)
        for index in 0..<40 where index % 8 == 3 {
            #expect(try await Self.integer("SELECT count(*) FROM settings WHERE key = 'k\(index)'", database) == 0)
        }
        await database.close()
    }

    @Test @IO
    func `a group of hundreds of records is stored once each`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        let busy = Task { @IO in _ = try await fixture.database.run([Self.slow], .record) }
        let records = (1...300).map { index in
            let record = fixture.holdRecord(update: Int64(index), user: Int64(index % 250), message: Int64(index))
            return Task { @IO in try await fixture.recorded(record) }
        }
        try await busy.value
        var opened = 0
        for record in records where try await record.value.ledger != nil { opened += 1 }
        // The last fifty are of people who are held already.
        #expect(opened == 250)
        #expect(try await fixture.text("SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL") == "250")
        #expect(try await fixture.text("SELECT count(*) FROM decisions WHERE outcome = 'delete'") == "50")
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'restrict'") == "250")
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'delete'") == "300")
    }

    @Test @IO
    func `log rows make room for a record and are stored once`() async throws {
        let database = try await TestDatabases.migrated(.sqlite)
        let store = DatabaseLogStore(database)
        let rows = (0..<2100).map { index in
            LogRow.apiCall(
                APICallRow(
                    method: "m\(index)", chat: nil, user: UserID(1), group: nil, latencyMilliseconds: 1,
                    errorType: nil, errorClass: nil, atMicroseconds: 1_700_000_000_000_000 + Int64(index)))
        }
        var order: [String] = []
        let busy = Task { @IO in _ = try await database.run([Self.slow], .record) }
        let logs = Task { @IO in
            try await store.write(rows, batch: [1])
            order.append("logs")
        }
        let record = Task { @IO in
            _ = try await database.run([Self.insertion(1)], .record)
            order.append("record")
        }
        try await busy.value
        try await record.value
        try await logs.value
        #expect(order == ["record", "logs"])
        try await store.write(rows, batch: [1])
        #expect(try await Self.integer("SELECT count(*) FROM api_call_log", database) == 2100)
        #expect(try await Self.integer("SELECT count(DISTINCT method) FROM api_call_log", database) == 2100)
        await database.close()
    }

    @Test @IO
    func `a deletion lets others go first, and has its turn though there are always some`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        let database = fixture.database
        let busy = Task { @IO in _ = try await database.run([Self.slow], .record) }
        var order: [String] = []
        let deletion = Task { @IO in
            _ = try await fixture.store.deleteAged(.decisions, olderThanDays: 1)
            order.append("deletion")
        }
        let record = Task { @IO in
            _ = try await database.run([Self.insertion(1)], .record)
            order.append("record")
        }
        try await busy.value
        try await record.value
        try await deletion.value
        #expect(order == ["record", "deletion"])
        // Four writers who ask again as soon as they are answered: one waits at any time.
        let turns = TurnCount()
        let writers = (0..<4).map { _ in
            Task { @IO in
                while !turns.isOver, turns.count < 2000 {
                    _ = try await database.run([SQLStatement("DELETE FROM settings WHERE key = 'none'")], .record)
                    turns.count += 1
                }
            }
        }
        for _ in 1...3 { _ = try await fixture.store.deleteAged(.decisions, olderThanDays: 1) }
        let passed = turns.count
        turns.isOver = true
        for writer in writers { try await writer.value }
        #expect(passed < 2000)
    }

    @Test @IO
    func `rows that are refused are dropped alone among those of their statement`() async throws {
        let database = try await TestDatabases.migrated(.sqlite)
        let writer = LogWriter(store: DatabaseLogStore(database))
        let bad: Set<Int64> = [1, 13, 14, 50, 51, 77, 120]
        for user in 1...120 as ClosedRange<Int64> {
            writer.offer(
                .decision(
                    DecisionRow(
                        update: nil, group: ChatID(-100), user: UserID(user), ruleVersion: 1, outcome: "none",
                        facts: bad.contains(user) ? "no JSON" : "{}")))
        }
        await writer.flush()
        #expect(writer.pendingRows == 0)
        let users = try await database.run([SQLStatement("SELECT user_id FROM decisions ORDER BY id")], .read)[0]
        #expect(users.map { $0.int(0) } == (1...120).filter { !bad.contains($0) })
        await database.close()
    }

    @Test @IO
    func `values come back as they were, long and empty ones too`() async throws {
        let database = try await TestDatabases.migrated(.sqlite)
        let texts = ["", "a", String(repeating: "ё", count: 50_000), String(repeating: "x", count: 500_000), "\u{0}b"]
        for text in texts {
            let row = try await database.run([SQLStatement("SELECT $1, $2, $1", [.text(text), .text("z")])], .record)
            #expect(row == [[[.text(text), .text("z"), .text(text)]]])
        }
        for micros in [0, 1_700_000_000_123_999, 1_700_000_000_000_000, -1, 253_402_300_799_999_000] as [Int64] {
            let moment = Timestamp(microseconds: micros)
            let row = try await database.run([SQLStatement("SELECT $1, $1", [.time(moment)])], .record)
            #expect(row == [[[.text(SQLTime.text(moment)), .text(SQLTime.text(moment))]]])
        }
        await database.close()
    }

    @Test @IO
    func `what is committed is in the files for everybody, whatever its size`() async throws {
        let url = try await TestDatabases.emptyURL(.sqlite)
        let database = try await Storage.open(url: url)
        _ = try await Migrator.up(database)
        for size in [10, 4000, 130_000, 3_000_000] {
            let value = "\"" + String(repeating: "v", count: size) + "\""
            _ = try await database.run([Self.insertion(size, value)], .record)
            let second = try await Storage.open(url: url)
            let stored = try await Self.integer("SELECT length(value) FROM settings WHERE key = 'k\(size)'", second)
            #expect(stored == Int64(size) + 2)
            // Another connection writes behind the first one's rows, and the first behind its.
            _ = try await second.run([Self.insertion(size + 1)], .record)
            await #expect(throws: StoreError.self) {
                try await database.run([Self.insertion(size + 2, value), Self.insertion(size)], .record)
            }
            _ = try await second.run([Self.insertion(size + 3)], .record)
            await second.close()
        }
        let check = try await database.run([SQLStatement("PRAGMA integrity_check")], .read)
        #expect(check == [[[.text("ok")]]])
        #expect(try await Self.integer("SELECT count(*) FROM settings WHERE key LIKE 'k%'", database) == 12)
        await database.close()
    }
}
