// Mistakes of this machine and its database, made on purpose: each is found, and nothing else.

import Configuration
import Domain
import EventLoop
import Foundation
import Handlers
import Simulator
import Storage
import TestSupport
import Testing

@testable import WebhookServer

@Suite("Doctor: the machine", .serialized) struct DoctorDatabaseTests {
    @Test(.timeLimit(.minutes(1))) @IO
    func `1: a misspelt name, and a secret's file that cannot be read`() async throws {
        let scene = try await DoctorScene(.sqlite)
        func inspect(_ environment: [String: String]) -> ConfigurationInspection {
            let needed = ["BOT_TOKEN": "1:abc", "MEMBER_SYNC_INTERVAL": "900"]
            return Configuration.inspect(environment: needed.merging(environment) { $1 }, for: .serve) { _ in nil }
        }
        let misspelt = inspect(["BOT_TOKN": "1:x"])
        scene.settings.problems = misspelt.problems
        #expect(misspelt.isUsable)
        try await scene.expect([1: .failure], "BOT_TOKN: unknown name, did you mean BOT_TOKEN?")

        let unreadable = inspect(["JOBS_TOKEN_FILE": "/nowhere"])
        scene.settings.problems = unreadable.problems
        scene.settings.isUsable = unreadable.isUsable
        let found = try await scene.findings()
        #expect(found[1]?.fix?.contains("JOBS_TOKEN_FILE: \"/nowhere\" cannot be read") == true)
        // By settings that were refused nothing is judged.
        #expect(found.filter { $0.key != 1 }.allSatisfy { $0.value.outcome == .unknown })
        #expect(found.count == 19)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `2: a database that does not answer, with the cause`() async throws {
        let scene = try await DoctorScene(.postgreSQL)
        let others: [Int: DoctorOutcome] = [
            2: .failure, 3: .unknown, 4: .unknown, 17: .unknown, 18: .unknown, 19: .unknown, 20: .unknown,
        ]
        let sound = scene.settings.databaseURL
        scene.settings.databaseURL = sound.replacing("/test", with: "/no_such_")
        try await scene.expect(others, "does not exist", "Check host, password and sslmode of DATABASE_URL")
        scene.settings.databaseURL = "postgresql://nezuko:hunter2-hunter2@127.0.0.1:1/x"
        scene.settings.secrets.append("hunter2-hunter2")
        try await scene.expect(others, "Connection refused")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `2: a file that is no database`() async throws {
        let scene = try await DoctorScene(.sqlite)
        let path = "\(try TestFolder.make())/nezuko.db"
        try String(repeating: "no database at all ", count: 400).write(toFile: path, atomically: true, encoding: .utf8)
        scene.settings.databaseURL = "sqlite:\(path)"
        let others: [Int: DoctorOutcome] = [
            2: .failure, 4: .unknown, 17: .unknown, 18: .unknown, 19: .unknown, 20: .unknown,
        ]
        try await scene.expect(others, "the file is no database", "DATABASE_URL")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `3: a transaction pooler, and none for one in session mode`() async throws {
        let scene = try await DoctorScene(.postgreSQL)
        let direct = scene.settings.databaseURL
        let transactions = try await offload { try PgBouncer(before: direct, mode: "transaction") }
        #expect(await DatabaseProbe.sessions(url: transactions.url(of: direct)) == .shared)
        scene.settings.databaseURL = transactions.url(of: direct)
        let found = try await scene.findings()
        #expect(found[3]?.outcome == .failure)
        #expect(found[3]?.fix == "Use the direct or session-mode port (5432, not 6543).")
        transactions.stop()

        let sessions = try await offload { try PgBouncer(before: direct, mode: "session") }
        scene.settings.databaseURL = sessions.url(of: direct)
        try await scene.expect([:])
        sessions.stop()
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `4: a schema of another version`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let database = scene.world.database
        _ = try await Migrator.down(database)
        try await scene.expect([4: .failure], "Run: nezuko migrate up")
        scene.settings.migratesAutomatically = true
        try await scene.expect([4: .warning], "Run: nezuko migrate up")
        _ = try await Migrator.up(database)
        try await scene.expect([:])
        _ = try await database.run(
            [
                SQLStatement(
                    """
                    INSERT INTO schema_migrations (version, name, checksum, min_code_version, applied_at)
                    SELECT 900, 'later', 'x', 900, max(applied_at) FROM schema_migrations
                    """)
            ], .command)
        try await scene.expect([4: .failure], "A later build made version 900")
        let change = "UPDATE schema_migrations SET checksum = 'changed' WHERE version = 2"
        _ = try await database.run([SQLStatement(change)], .command)
        try await scene.expect([4: .failure], "Migration 2 was applied with another text")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `5: a state directory that is none, or whose disk is full`() async throws {
        let scene = try await DoctorScene(.sqlite)
        let directory = scene.settings.stateDirectory
        scene.settings.stateDirectory = "\(directory)/file"
        _ = FileManager.default.createFile(atPath: "\(directory)/file", contents: nil)
        try await scene.expect([5: .failure], "cannot be written to by this user")
        scene.settings.stateDirectory = "\(directory)/none"
        try await scene.expect([5: .warning], "is not there yet")
        scene.settings.stateDirectory = directory
        scene.settings.freePercent = { $0 == directory ? 9.7 : 50 }
        try await scene.expect([5: .failure], "Free space in \(directory), or move DATABASE_URL.", "Only 9 %")
        // The database may lie elsewhere.
        scene.settings.freePercent = { $0 == directory ? 50 : 3 }
        try await scene.expect([5: .failure], "Only 3 %")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `6: a clock that is wrong`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let fix = "timedatectl set-ntp true"
        scene.world.simulator.setDateAhead(seconds: 30 - DoctorScene.movedSeconds)
        try await scene.expect([6: .failure], "behind Telegram", fix)
        scene.world.simulator.setDateAhead(seconds: -30 - DoctorScene.movedSeconds)
        try await scene.expect([6: .failure], "ahead of Telegram", fix)
        scene.world.simulator.setDateAhead(seconds: -DoctorScene.movedSeconds)
        scene.settings.clock = { DoctorScene.now.adding(seconds: 20) }
        let others = engine == .sqlite ? "ahead of Telegram" : "20 s ahead of the database"
        try await scene.expect([6: .failure], others)
        // A little is no mistake.
        scene.settings.clock = { DoctorScene.now.adding(seconds: 3) }
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `20: a job that fails, is late, or that nothing starts`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let store = scene.world.store
        scene.settings.jobs[0].canBeStarted = false
        try await scene.expect([20: .warning], "neither JOBS_TOKEN nor MEMBER_SYNC_INTERVAL is set")
        scene.settings.jobs[0].canBeStarted = true
        _ = try await store.takeJobLease("job:member-sync")
        try await store.finishJob("job:member-sync", result: #"{"status":"failure"}"#)
        try await scene.expect([20: .failure], "failed", "Call /jobs/member-sync every 15 min with JOBS_TOKEN")
        _ = try await store.takeJobLease("job:member-sync")
        try await store.finishJob("job:member-sync", result: #"{"status":"success"}"#)
        // Who calls from outside by the command line needs neither.
        scene.settings.jobs[0].canBeStarted = false
        try await scene.expect([:])
        scene.settings.jobs[0].canBeStarted = true
        try await Self.age(scene.world.database, "job_leases", "last_finished_at")
        try await scene.expect([20: .failure], "last succeeded 50 min ago")
        _ = try await scene.world.database.run([SQLStatement("DELETE FROM job_leases")], .command)
        try await scene.expect([:])
        try await Self.age(scene.world.database, "schema_migrations", "applied_at")
        try await scene.expect([20: .failure], "never ended a run")
        scene.settings.jobs[0].canBeStarted = false
        try await scene.expect([20: .failure], "neither JOBS_TOKEN nor MEMBER_SYNC_INTERVAL is set")
        await scene.end()
    }

    /// Moves all times of a column 50 minutes back.
    @IO
    private static func age(_ database: any Database, _ table: String, _ column: String) async throws {
        let earlier =
            database.dialect == .postgreSQL
            ? "\(column) - interval '3010 seconds'" : "strftime('%Y-%m-%dT%H:%M:%fZ', \(column), '-3010 seconds')"
        _ = try await database.run([SQLStatement("UPDATE \(table) SET \(column) = \(earlier)")], .command)
    }
}
