// Jobs against the simulator and both engines: counts, leases, schedules, signs of life.

import Domain
import EventLoop
import Foundation
import HTTPServer
import Handlers
import JSON
import Storage
import Testing

@testable import Simulator

/// A job that goes on until it is let end.
@IO
private final class WaitingJob: Job {
    let name = "waiting"
    let started = Completion<Bool, Never>()
    let end = Completion<Bool, Never>()

    private(set) var run: JobRun?

    func perform(_ run: JobRun) async -> JobResult {
        self.run = run
        started.finish(.success(true))
        _ = await end.wait()
        return JobResult(isSuccess: true, figures: [("done", 1)])
    }
}

/// A job that counts its runs.
@IO
private final class CountedJob: Job {
    let name = "counted"
    private(set) var runs = 0

    func perform(_ run: JobRun) async -> JobResult {
        runs += 1
        return JobResult(isSuccess: true, figures: [])
    }
}

@Suite("Jobs", .serialized) struct JobTests {
    @IO private func sync(_ world: TestWorld) -> MemberSync {
        MemberSync(
            store: world.store, telegram: world.telegram, caches: world.services.caches,
            botID: world.services.settings.botID)
    }

    private func figures(_ body: [UInt8]) throws -> [String: Int64] {
        let json = try JSONValue(parsing: body)
        #expect(json["status"]?.string == "success")
        guard case .object(let members) = json["data"] else { return [:] }
        var figures: [String: Int64] = [:]
        for (key, value) in members where key != "duration_ms" { figures[key] = value.int }
        return figures
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `counts are written; a 429 is waited for, one chat that fails stops nothing`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news @the_market")
        world.simulator.place(world.simulator.addPerson("Third"), in: world.group)
        world.simulator.failNext(.tooManyRequests(retryAfter: 1), of: "getChatMemberCount")
        world.simulator.failNext(.slow(milliseconds: 1), of: "getChatMemberCount")
        world.simulator.failNext(.refused(400, "Bad Request: chat not found"), of: "getChatMemberCount")
        let intake = JobIntake(jobs: [sync(world)], store: world.store, token: "secret")
        let response = await intake.run("member-sync")
        #expect(response.status == 200)
        #expect(
            try figures(response.body) == [
                "groups_synced": 1, "groups_failed": 0, "channels_synced": 1, "channels_failed": 1, "remaining": 0,
            ])
        #expect(try await world.ask("SELECT group_id, member_count FROM protected_groups") == "\(world.group) 3")
        #expect(
            try await world.ask("SELECT channel_id, subscriber_count FROM enforced_channels ORDER BY channel_id DESC")
                == "\(world.news) 0, \(world.market) 2")
        #expect(
            try await world.ask("SELECT chat_id, count FROM member_counts ORDER BY count DESC")
                == "\(world.group) 3, \(world.market) 2")
        #expect(
            try await world.ask(
                "SELECT name, owner, CASE WHEN last_finished_at IS NULL THEN 0 ELSE 1 END FROM job_leases")
                == "job:member-sync - 1")
        // What was counted just now is not asked again; what failed is.
        let again = await intake.run("member-sync")
        #expect(
            try figures(again.body) == [
                "groups_synced": 0, "groups_failed": 0, "channels_synced": 1, "channels_failed": 0, "remaining": 0,
            ])
        #expect(await intake.run("nothing").status == 404)
        intake.close()
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a job runs once over two replicas and twice in none`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let second = try await Storage.open(url: world.url, poolMax: 4)
        let other = DatabaseStore(database: second, botID: world.simulator.world.botID)
        let job = WaitingJob()
        let ours = JobIntake(jobs: [job], store: world.store, token: nil)
        let theirs = JobIntake(jobs: [WaitingJob()], store: other, token: nil)
        let run = Task { await ours.run("waiting") }
        _ = await job.started.wait()
        let busy = Array(#"{"status":"already_running"}"#.utf8)
        for intake in [theirs, ours] {
            let response = await intake.run("waiting")
            #expect(response.status == 202)
            #expect(response.body == busy)
        }
        #expect(try await world.ask("SELECT owner FROM job_leases") == world.database.owner)
        job.end.finish(.success(true))
        let response = await run.value
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"status":"success","data":{"done":1}}"#)
        #expect(try await other.takeJobLease("job:waiting") == .taken)
        #expect(try await world.store.takeJobLease("job:waiting") == .busy)
        await second.close()
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `signs of life are written and taken away`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let ticks = UptimeTicks(store: world.store, version: "1.2.3", schemaVersion: 3)
        ticks.start()
        while ticks.replicas == nil { await Loop.shared.sleep(milliseconds: 5) }
        #expect(ticks.replicas == 1)
        #expect(
            try await world.ask("SELECT id, version, schema_version FROM replicas") == "\(world.database.owner) 1.2.3 3"
        )
        #expect(try await world.ask("SELECT count(*) FROM uptime_ticks") == "1")
        await ticks.stop()
        #expect(try await world.ask("SELECT count(*) FROM replicas") == "0")
        await world.end()
    }

    /// PostgreSQL's clock is not moved with the loop's: long ago is long ago for both.
    private static let longAgo = Timestamp(seconds: 1_000_000_000)

    /// Lets everything that is due happen.
    @IO private func settle() async { await Loop.shared.sleep(milliseconds: 60) }

    /// The same, and waits for what is to come of it.
    @IO
    private func settle(
        _ location: SourceLocation = #_sourceLocation, until isSo: @IO () async throws -> Bool
    ) async throws {
        await settle()
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        while try await !isSo() {
            guard Loop.shared.current() < deadline else {
                Issue.record("waited in vain", sourceLocation: location)
                return
            }
            await Loop.shared.sleep(milliseconds: 5)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a minute after the start a job runs, unless it did in the last quarter`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        func start(runs: Int, _ work: @IO (JobIntake) -> Void) async throws -> (CountedJob, JobIntake) {
            let job = CountedJob()
            let intake = JobIntake(jobs: [job], store: world.store, token: nil)
            work(intake)
            Loop.shared.advance(milliseconds: 59_000)
            await settle()
            #expect(job.runs == 0)
            Loop.shared.advance(milliseconds: 1001)
            try await settle { job.runs >= runs }
            #expect(job.runs == runs)
            return (job, intake)
        }
        let first = try await start(runs: 1) { $0.runSoonIfOlder("counted") }
        let second = try await start(runs: 0) { $0.runSoonIfOlder("counted") }
        func makeOld() async throws {
            _ = try await world.database.run(
                [SQLStatement("UPDATE job_leases SET last_finished_at = $1", [.time(Self.longAgo)])], .command)
        }
        try await makeOld()
        let third = try await start(runs: 1) { $0.runSoonIfOlder("counted") }

        try await makeOld()
        let (job, intake) = try await start(runs: 1) {
            $0.schedule("counted", everySeconds: 100)
            $0.runSoonIfOlder("counted")
        }
        for expected in 2...4 {
            Loop.shared.advance(milliseconds: 100_001)
            try await settle { job.runs >= expected }
            #expect(job.runs == expected)
        }
        intake.close()
        Loop.shared.advance(milliseconds: 200_001)
        await settle()
        #expect(job.runs == 4)
        #expect(await intake.run("counted").status == 202)
        for intake in [first.1, second.1, third.1] { intake.close() }
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a daily job runs when a day has passed since anybody ran it`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let job = CountedJob()
        let intake = JobIntake(jobs: [job], store: world.store, token: nil)
        func finished(hoursAgo: Int64) async throws {
            let now = engine == .sqlite ? WallClock.now : Timestamp(seconds: Int64(Date().timeIntervalSince1970))
            let ended = SQLValue.time(now.adding(seconds: -hoursAgo * 3600))
            _ = try await world.database.run(
                [SQLStatement("UPDATE job_leases SET last_finished_at = $1", [ended])], .command)
        }
        intake.scheduleDaily("counted")
        Loop.shared.advance(milliseconds: 60_001)
        try await settle { job.runs == 1 }
        for (hours, runs) in [(Int64(22), 1), (24, 2), (1, 2), (25, 3)] {
            try await finished(hoursAgo: hours)
            Loop.shared.advance(milliseconds: 3_600_001)
            try await settle { job.runs >= runs }
            #expect(job.runs == runs)
        }
        intake.close()
        try await finished(hoursAgo: 100)
        Loop.shared.advance(milliseconds: 3_600_001)
        await settle()
        #expect(job.runs == 3)
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a lease is renewed each half minute; a lost one ends the run`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let job = WaitingJob()
        let intake = JobIntake(jobs: [job], store: world.store, token: nil)
        let run = Task { await intake.run("waiting") }
        _ = await job.started.wait()
        let past = Self.longAgo
        func makePast() async throws {
            _ = try await world.database.run(
                [SQLStatement("UPDATE job_leases SET lease_until = $1", [.time(past)])], .command)
        }
        try await makePast()
        let ended = try await world.ask("SELECT lease_until FROM job_leases")
        Loop.shared.advance(milliseconds: 30_001)
        try await settle { try await world.ask("SELECT lease_until FROM job_leases") != ended }
        let other = DatabaseStore(
            database: try await Storage.open(url: world.url, poolMax: 4), botID: world.simulator.world.botID)
        #expect(try await other.takeJobLease("job:waiting") == .busy)
        try await makePast()
        #expect(try await other.takeJobLease("job:waiting") == .taken)
        Loop.shared.advance(milliseconds: 30_001)
        try await settle { job.run?.mayContinue == false }
        job.end.finish(.success(true))
        _ = await run.value
        // What another holds is not given free.
        #expect(try await world.ask("SELECT count(*) FROM job_leases WHERE owner IS NULL") == "0")
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `each minute that the service runs is ticked, and who is silent for 30 s is gone`(
        engine: Engine
    ) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.database.run(
            [
                SQLStatement(
                    "INSERT INTO replicas (id, version, schema_version, started_at, heartbeat_at) "
                        + "VALUES ('silent', '1', 3, $1, $1), ('lively', '1', 3, $2, $2)",
                    [.time(Self.longAgo), .time(Timestamp(seconds: 4_000_000_000))])
            ], .command)
        let first = WallClock.now.seconds / 60
        let ticks = UptimeTicks(store: world.store, version: "1", schemaVersion: 3)
        ticks.start()
        try await settle { ticks.replicas == 2 }
        for _ in 0..<18 {
            Loop.shared.advance(milliseconds: 10_000)
            await settle()
        }
        let last = WallClock.now.seconds / 60
        let minutes = Int(try await world.ask("SELECT count(*) FROM uptime_ticks")) ?? 0
        #expect(minutes >= Int(last - first) && minutes <= Int(last - first) + 1)
        #expect(minutes >= 3)
        await ticks.stop()
        #expect(try await world.ask("SELECT id FROM replicas") == "lively")
        Loop.shared.advance(milliseconds: 20_000)
        await settle()
        #expect(try await world.ask("SELECT id FROM replicas") == "lively")
        await world.end()
    }
}
