// Jobs against the simulator and both engines: counts, leases, signs of life (verification.md 13, charts-api.md 3, 8).

import Domain
import EventLoop
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

    func perform(_ run: JobRun) async -> JobResult {
        started.finish(.success(true))
        _ = await end.wait()
        return JobResult(isSuccess: true, figures: [("done", 1)])
    }
}

@Suite("Jobs") struct JobTests {
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
}
