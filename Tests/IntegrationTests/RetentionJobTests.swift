// The daily deletion as a job: its figures, its end after nine minutes, failures, and groups that threw the bot out.

import Domain
import EventLoop
import Foundation
import HTTPServer
import Handlers
import JSON
import Storage
import Testing

@testable import Simulator

/// A store that has old rows without end in one table, each batch of which takes minutes.
@IO
private final class Endless: RetentionStore {
    private(set) var asked: [AgingTable] = []
    private(set) var purged: [ChatID] = []
    private let table: AgingTable

    init(in table: AgingTable) { self.table = table }

    func deleteAged(_ table: AgingTable, olderThanDays days: Int) async throws(StoreError) -> Int {
        asked.append(table)
        guard table == self.table else { return 7 }
        Loop.shared.advance(milliseconds: 4 * 60_000)
        return RetentionBatch.rows
    }

    func groupsLeft(olderThanDays days: Int) async throws(StoreError) -> [ChatID] { [ChatID(-1)] }
    func botReturned(to group: ChatID) async throws(StoreError) {}
    func markForPurge(_ group: ChatID) async throws(StoreError) {}
    func groupsToPurge() async throws(StoreError) -> [ChatID] { [] }
    func purgeBatch(_ group: ChatID) async throws(StoreError) -> Int {
        defer { purged.append(group) }
        return purged.isEmpty ? 30 : 0
    }
    func forget(_ user: UserID) async throws(StoreError) -> ForgottenRows { ForgottenRows() }
}

@Suite("Retention as a job", .serialized) struct RetentionJobTests {
    @IO private func intake(_ world: TestWorld) -> JobIntake {
        let parts = JobParts(
            store: world.store, telegram: world.telegram, caches: world.services.caches,
            botID: world.services.settings.botID, retentionDays: 20)
        return JobIntake(jobs: parts.jobs, store: world.store, token: "secret")
    }

    private func figures(_ response: HTTPResponse) throws -> [String: Int64] {
        guard case .object(let members) = try JSONValue(parsing: response.body)["data"] else { return [:] }
        let pairs = members.filter { $0.key != "duration_ms" && $0.value.int != 0 }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0.key, $0.value.int ?? -1) })
    }

    /// By the clock of the database: PostgreSQL's is not moved with ours.
    @IO private func makeOld(_ world: TestWorld, _ table: String, _ column: String, days: Int64) async throws {
        let now =
            world.database.dialect == .sqlite ? WallClock.now : Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        let moment = now.adding(seconds: -days * 86_400 - 60)
        _ = try await world.database.run(
            [SQLStatement("UPDATE \(table) SET \(column) = $1", [.time(moment)])], .command)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `each table loses what is older than it keeps, and the figures say how much`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let world = scene.world
        let person = try await scene.held("Boris")
        let log = LogWriter(store: world.store)
        for row in world.log.rows { log.offer(row) }
        for number in Int64(1)...3 {
            log.offer(
                .apiCall(
                    APICallRow(
                        method: "getMe", chat: nil, user: nil, group: nil, latencyMilliseconds: 1, errorType: nil,
                        errorClass: nil, atMicroseconds: WallClock.now.microseconds - number)))
        }
        #expect(await log.flush())
        let jobs = intake(world)
        try await makeOld(world, "log_batches", "written_at", days: 0)  // the engine's own clock gave it
        let untouched = await jobs.run("retention")
        #expect(untouched.status == 200)
        #expect(try figures(untouched).isEmpty)
        let verdicts = Int64(try await world.ask("SELECT count(*) FROM verification_log")) ?? 0
        let decisions = Int64(try await world.ask("SELECT count(*) FROM decisions")) ?? 0
        #expect(verdicts > 0 && decisions > 0)

        try await makeOld(world, "verification_log", "timestamp", days: 19)
        try await makeOld(world, "api_call_log", "timestamp", days: 20)
        try await makeOld(world, "decisions", "at", days: 30)
        try await makeOld(world, "log_batches", "written_at", days: 1)
        try await makeOld(world, "processed_updates", "created_at", days: 2)
        try await makeOld(world, "user_restrictions", "held_at", days: 500)
        let batches = Int64(try await world.ask("SELECT count(*) FROM log_batches")) ?? 0
        #expect(
            try figures(await jobs.run("retention"))
                == ["api_call_log": 3, "decisions": decisions, "log_batches": batches])
        try await makeOld(world, "verification_log", "timestamp", days: 20)
        try await makeOld(world, "processed_updates", "created_at", days: 3)
        let updates = Int64(try await world.ask("SELECT count(*) FROM processed_updates")) ?? 0
        #expect(
            try figures(await jobs.run("retention")) == ["verification_log": verdicts, "processed_updates": updates])
        // However long somebody is held.
        #expect(scene.isMuted(person))
        #expect(try await scene.hold(of: person)?.state == .held)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a group that threw the bot out is gone after thirty days, unless it took the bot back`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine)
        let (world, jobs) = (scene.world, intake(scene.world))
        let back = scene.simulator.addGroup("Back", owner: world.owner)
        let off = scene.simulator.addGroup("Off", owner: world.owner)
        for group in [back, off] { try await scene.protect(group, by: [scene.news, scene.market]) }
        _ = try await scene.held("Boris")
        for group in [scene.group, back] { scene.simulator.setBotPresence(in: group, .kicked) }
        try await scene.settle()
        scene.simulator.setBotPresence(in: back, .member)
        try await scene.settle()
        _ = try await scene.store.disable(as: .unprotected(ChatID(off)), audit: nil)
        try await makeOld(world, "settings", "updated_at", days: 29)
        #expect(try figures(await jobs.run("retention")).isEmpty)
        try await makeOld(world, "settings", "updated_at", days: 30)
        let gone = try figures(await jobs.run("retention"))
        #expect(gone["groups"] == 1 && gone["group_rows"] ?? 0 >= 3)
        #expect(
            try await world.ask("SELECT group_id FROM protected_groups ORDER BY group_id DESC")
                == "\(back) \(off)"
                .replacing(" ", with: ", "))
        for (table, column) in [
            ("user_restrictions", "group_id"), ("decisions", "group_id"), ("verification_log", "group_id"),
            ("effects", "chat_id"),
        ] {
            #expect(
                try await world.ask("SELECT count(*) FROM \(table) WHERE \(column) = \(scene.group)") == "0", "\(table)"
            )
        }
        #expect(try await world.ask("SELECT count(*) FROM enforced_channels") == "2")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `a run ends after nine minutes and says what is left; the next one goes on`() async throws {
        let world = try await TestWorld()
        let store = Endless(in: .decisions)
        let jobs = JobIntake(jobs: [Retention(store: store, rawLogDays: 90)], store: world.store, token: nil)
        let all = AgingTable.allCases
        let before = try #require(all.firstIndex(of: .decisions))
        let left = Int64(all.count - before)
        let response = await jobs.run("retention")
        #expect(response.status == 200)
        let found = try figures(response)
        #expect(found["decisions"] == 15_000 && found["remaining"] == left && found["log_batches"] == 7)
        #expect(found["groups"] == 1 && found["group_rows"] == 30)
        #expect(store.asked == all.prefix(before) + [.decisions, .decisions, .decisions])
        #expect(try figures(await jobs.run("retention"))["decisions"] == 15_000)
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a table that cannot be read leaves the others their turn, and the run is no success`(
        engine: Engine
    ) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.database.run(
            ["DROP TABLE incidents", "INSERT INTO uptime_ticks (minute) VALUES ('2020-01-01T00:00:00.000Z')"]
                .map { SQLStatement($0) }, .command)
        let response = await intake(world).run("retention")
        #expect(response.status == 500)
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(text.hasPrefix(#"{"status":"failure""#) && text.contains("trace_id"))
        #expect(try figures(response) == ["uptime_ticks": 1, "remaining": 1])
        await world.end()
    }
}
