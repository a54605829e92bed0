// Log rows: the batches' state machine, and exactly once on both engines.

import Domain
import EventLoop
import TestSupport
import Testing

@testable import Storage

@Suite("Log batches")
struct LogBatchTests {
    private static func machine(batch: Int = 2, waiting: Int = 3) -> LogBatch<Int> {
        LogBatch(limits: .init(batch: batch, waiting: waiting)) { [7] }
    }

    @Test func `the first row starts the timer, a full batch is written at once`() {
        var machine = Self.machine()
        #expect(machine.offered(1) == .startTimer)
        #expect(machine.offered(2) == .write(Batch(id: [7], rows: [1, 2])))
        #expect(machine.timerFired() == .none)
        #expect(machine.written() == .none)
    }

    @Test func `a failed batch keeps its id and rows and waits longer each time`() {
        var machine = Self.machine()
        _ = machine.offered(1)
        let batch = Batch(id: [7], rows: [1])
        #expect(machine.timerFired() == .write(batch))
        for milliseconds: Int64 in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            #expect(machine.failed() == .pause(milliseconds: milliseconds))
            #expect(machine.pauseEnded() == .write(batch))
        }
    }

    @Test func `the oldest waiting row makes room`() {
        var machine = Self.machine()
        _ = machine.offered(1)
        _ = machine.timerFired()
        for row in 2...4 { #expect(machine.offered(row) == .none) }
        #expect(machine.offered(5) == .countDropped)
        #expect(machine.written() == .write(Batch(id: [7], rows: [3, 4])))
    }

    @Test func `a refused row is found by halving and dropped alone`() {
        var machine = Self.machine(batch: 4, waiting: 10)
        for row in 1...3 { _ = machine.offered(row) }
        #expect(machine.offered(4) == .write(Batch(id: [7], rows: [1, 2, 3, 4])))
        #expect(machine.refused() == (.write(Batch(id: [7], rows: [1, 2])), false))
        #expect(machine.written() == .write(Batch(id: [7], rows: [3, 4])))
        #expect(machine.refused() == (.write(Batch(id: [7], rows: [3])), false))
        #expect(machine.refused() == (.write(Batch(id: [7], rows: [4])), true))
        #expect(machine.written() == .none)
        #expect(machine.count == 0)
    }
}

@Suite("Log writer", .serialized)
struct LogWriterTests {
    /// Says of each batch's first attempt that its outcome is unknown, though it is stored.
    @IO
    final class Forgetful: LogStore {
        let store: DatabaseLogStore
        var isFirst = true
        init(_ store: DatabaseLogStore) { self.store = store }
        func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
            try await store.write(rows, batch: batch)
            isFirst.toggle()
            if !isFirst { throw .unavailable }
        }
    }

    private static func call(_ method: String, at: Int64 = 1_700_000_000_000_000) -> LogRow {
        .apiCall(
            APICallRow(
                method: method, chat: ChatID(-100), user: nil, group: nil, latencyMilliseconds: 3, errorType: nil,
                errorClass: nil, atMicroseconds: at))
    }

    private static func decision(_ facts: String, user: Int64) -> LogRow {
        .decision(
            DecisionRow(
                update: nil, group: ChatID(-100), user: UserID(user), ruleVersion: 1, outcome: "none", facts: facts))
    }

    @IO
    private static func count(_ table: String, _ database: any Database) async throws -> SQLValue {
        try await database.run([SQLStatement("SELECT count(*) FROM \(table)")], .read)[0][0][0]
    }

    @Test(arguments: Engine.allCases) @IO
    func `rows are stored once though the first answer was lost`(_ engine: Engine) async throws {
        let database = try await TestDatabases.migrated(engine)
        let writer = LogWriter(store: Forgetful(DatabaseLogStore(database)))
        for index in 0..<250 { writer.offer(Self.call("sendMessage\(index)")) }
        writer.offer(.activity(UserID(5), atMicroseconds: 1_700_000_000_000_000))
        writer.offer(.activity(UserID(5), atMicroseconds: 1_700_000_001_000_000))
        await writer.shutdown(milliseconds: 5000)
        #expect(writer.pendingRows == 0)
        #expect(try await Self.count("api_call_log", database) == .int(250))
        let activity = try await database.run([SQLStatement("SELECT command_count FROM user_activity")], .read)
        #expect(activity == [[[.int(2)]]])
        await database.close()
    }

    @Test(arguments: Engine.allCases) @IO
    func `a decision's row has the moment at which it was made`(_ engine: Engine) async throws {
        let database = try await TestDatabases.migrated(engine)
        let writer = LogWriter(store: DatabaseLogStore(database))
        var row = DecisionRow(
            update: nil, group: ChatID(-100), user: UserID(5), ruleVersion: 1, outcome: "none", facts: "{}")
        row.atMicroseconds = 1_700_000_000_000_000
        writer.offer(.decision(row))
        await writer.shutdown(milliseconds: 5000)
        let stored = try await database.run([SQLStatement("SELECT at FROM decisions")], .read)[0][0][0]
        #expect(stored.timestamp == Timestamp(seconds: 1_700_000_000))
        await database.close()
    }

    @Test(arguments: Engine.allCases) @IO
    func `a row that the database refuses is dropped alone`(_ engine: Engine) async throws {
        let database = try await TestDatabases.migrated(engine)
        let writer = LogWriter(store: DatabaseLogStore(database))
        for user in 1...20 { writer.offer(Self.decision(user == 13 ? "not JSON" : "{}", user: Int64(user))) }
        await writer.flush()
        #expect(try await Self.count("decisions", database) == .int(19))
        await database.close()
    }

    @Test(arguments: Engine.allCases) @IO
    func `cached verdicts of a minute are one row with hits`(_ engine: Engine) async throws {
        let database = try await TestDatabases.migrated(engine)
        let writer = LogWriter(store: DatabaseLogStore(database))
        for index in 0..<5 {
            writer.offer(
                .verification(
                    VerificationRow(
                        user: UserID(1), group: ChatID(-1), channel: ChatID(-2), status: "verified",
                        latencyMilliseconds: 0, isCached: true, isDecisive: true, source: .message, errorType: nil,
                        atMicroseconds: 1_700_000_000_000_000 + Int64(index))))
        }
        await writer.flush()
        let rows = try await database.run([SQLStatement("SELECT hits FROM verification_log")], .read)
        #expect(rows == [[[.int(5)]]])
        await database.close()
    }

    /// Answers when it is told to; away while `isAway`.
    @IO
    final class Gated: LogStore {
        var isAway = false
        private(set) var writes: [(rows: Int, gate: Completion<Bool, Never>)] = []
        func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
            guard !isAway else { throw .unavailable }
            let gate = Completion<Bool, Never>()
            writes.append((rows.count, gate))
            _ = await gate.wait()
        }
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `a flush waits for the rows before it, not for those after it`() async throws {
        let store = Gated()
        let writer = LogWriter(store: store, batch: 10, flushMilliseconds: 3_600_000)
        for index in 0..<15 { writer.offer(Self.call("before\(index)")) }
        let flush = Task { @IO in await writer.flush() }
        while store.writes.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        for index in 0..<10 { writer.offer(Self.call("after\(index)")) }
        // Ten and five before it; the second batch takes five that came after with it.
        for number in 0..<2 {
            while store.writes.count <= number { await Loop.shared.sleep(milliseconds: 1) }
            store.writes[number].gate.finish(.success(true))
        }
        #expect(await flush.value)
        #expect(store.writes.prefix(2).map(\.rows) == [10, 10])
        #expect(writer.pendingRows == 5)
        for write in store.writes { write.gate.finish(.success(true)) }
        await writer.shutdown(milliseconds: 1)
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `a flush says when the database is away, and the next one tries at once`() async throws {
        let store = Gated()
        store.isAway = true
        let writer = LogWriter(store: store)
        #expect(await writer.flush())
        writer.offer(Self.call("getMe"))
        #expect(await !writer.flush())
        #expect(await !writer.flush())
        #expect(writer.pendingRows == 1)
        store.isAway = false
        let flush = Task { @IO in await writer.flush() }
        while store.writes.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        store.writes[0].gate.finish(.success(true))
        #expect(await flush.value)
        #expect(writer.pendingRows == 0)
    }

    @Test @IO
    func `after PostgreSQL was stopped and started all offered rows are there`() async throws {
        let cluster = try await offload { try PostgreSQLCluster() }
        let url = try await offload { try cluster.makeDatabase() }
        let database = try await Storage.open(url: url, poolMax: 4)
        _ = try await Migrator.up(database)
        let writer = LogWriter(store: DatabaseLogStore(database), batch: 50, flushMilliseconds: 10)
        for index in 0..<200 { writer.offer(Self.call("before\(index)")) }
        try await offload { try cluster.stop(immediately: false) }
        for index in 0..<200 { writer.offer(Self.call("during\(index)")) }
        await #expect(throws: StoreError.unavailable) { try await database.run([SQLStatement("SELECT 1")], .record) }
        try await offload { try cluster.start() }
        await writer.shutdown(milliseconds: 20_000)
        // The connection for reads comes back on its own; the writer's was first.
        let deadline = Loop.shared.current().adding(milliseconds: 20_000)
        var stored: SQLValue?
        while stored == nil, Loop.shared.current() < deadline {
            do { stored = try await Self.count("api_call_log", database) } catch StoreError.unavailable {
                await Loop.shared.sleep(milliseconds: 20)
            }
        }
        #expect(stored == .int(400))
        await database.close()
        try await offload { try cluster.stop() }
    }
}
