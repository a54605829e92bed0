// The doctor in sound set-ups: nothing is found, nothing is changed, nothing is waited for.

import Domain
import EventLoop
import Glibc
import Handlers
import Storage
import TestSupport
import Testing

@testable import Simulator

@Suite("Doctor", .serialized) struct DoctorTests {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `polling: all is well, and what does not apply is left out`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let results = await Doctor(settings: scene.settings).examine()
        let left = results.filter { $0.finding.outcome == .notApplicable }.map(\.number)
        #expect(left == (engine == .sqlite ? [3, 7] : [7]) + Array(11...16))
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `webhook over TLS: all is well`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine, certificate: .whole)
        let results = await Doctor(settings: scene.settings).examine()
        let left = results.filter { $0.finding.outcome == .notApplicable }.map(\.number)
        #expect(left == (engine == .sqlite ? [3, 7] : [7]))
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `webhook with the self-signed certificate: all is well`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .selfSigned)
        let own = try TestCertificates.pem(.selfSigned)
        scene.changeKnownWebhook(certificate: own)
        scene.changeWebhook {
            $0.ownCertificate = own
            $0.trustedRoots = nil
        }
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `before the first start there is nothing to find but that it was not started`() async throws {
        let scene = try await DoctorScene(.sqlite)
        let path = "\(try TestFolder.make())/nezuko.db"
        scene.settings.databaseURL = "sqlite:\(path)"
        try await scene.expect([2: .warning], path)
        #expect(access(path, F_OK) != 0, "it was made")
        scene.settings.token = nil
        scene.settings.delivery = .simulated
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `nothing is changed, here or at Telegram`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine, certificate: .whole)
        let world = scene.world
        let person = world.simulator.addPerson("Boris")
        world.simulator.place(person, in: world.group)
        try await world.hold(person, for: [world.news])
        let rows = try await Self.rows(world)
        #expect(rows.contains("\(person)"))
        let telegram = "\(world.simulator.world)"
        let webhook = world.simulator.delivery.webhook
        world.simulator.clearCalls()

        try await scene.expect([:])

        #expect(try await Self.rows(world) == rows)
        #expect("\(world.simulator.world)" == telegram)
        #expect(world.simulator.delivery.webhook == webhook)
        #expect(world.simulator.deliveryCounts == (0, 0, 0))
        let called = Set(world.simulator.calls.map(\.method))
        #expect(
            called == ["getMe", "getWebhookInfo", "getChatAdministrators", "getChatMember", "getChat"], "\(called)")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `what it opens cannot be written to`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        try await world.store.setSetting("kept", "1")
        let database = try await Storage.inspect(url: world.url)
        for priority in [SQLPriority.command, .record, .read] {
            var refusal: StoreError?
            do throws(StoreError) {
                _ = try await database.run([SQLStatement("DELETE FROM settings")], priority)
            } catch {
                refusal = error
            }
            // SQLITE_READONLY; a server that takes no writes counts as one that is away.
            #expect(refusal == (engine == .sqlite ? .refused(code: "8") : .unavailable))
        }
        #expect(try await world.ask("SELECT count(*) FROM settings WHERE key = 'kept'") == "1")
        #expect(try await database.run([SQLStatement("SELECT key FROM settings")], .command).count == 1)
        await database.close()
        await world.end()
    }

    /// Every row of every table.
    @IO private static func rows(_ world: TestWorld) async throws -> String {
        let isServer = world.database.dialect == .postgreSQL
        let tables = try await world.ask(
            isServer
                ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
                : "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        var all = ""
        for table in tables.split(separator: ", ") {
            let text =
                isServer
                ? "SELECT t::text FROM \(table) t ORDER BY 1" : "SELECT * FROM \(table) ORDER BY 1"
            all += "\(table): \(try await world.ask(text))\n"
        }
        return all
    }
}
