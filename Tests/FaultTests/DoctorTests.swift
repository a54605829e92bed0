// `nezuko doctor` as a process: what it prints, its exit codes, how long it takes, and that secrets stay inside.

import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

extension Faults {
    /// The doctor's findings by number, with its exit code.
    @IO
    private func examine(
        _ world: FaultWorld, _ settings: [String: String] = [:]
    ) async throws -> (code: Int32, findings: [Int64: JSONValue], output: String) {
        let environment = [
            "BOT_TOKEN": FaultWorld.token, "WEBHOOK_SECRET": FaultWorld.secret, "TELEGRAM_API_BASE_URL": world.base,
            "DATABASE_URL": world.url, "STATE_DIR": world.folder, "MEMBER_SYNC_INTERVAL": "900",
        ].merging(settings) { $1 }
        let child = try Child(["doctor", "--json"], environment: environment, folder: world.folder)
        let code = try await child.end(within: 20)
        let list = try JSONValue(parsing: Array(child.output.utf8)).array ?? []
        #expect(list.compactMap { $0["number"]?.int } == Array(1...20))
        #expect(!child.output.contains(FaultWorld.secret) && !child.output.contains("SIMULATOR-TOKEN"))
        return (code, Dictionary(uniqueKeysWithValues: list.map { ($0["number"]?.int ?? 0, $0) }), child.output)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the doctor beside a service finds nothing, then what is broken`(engine: Engine) async throws {
        let world = try await FaultWorld(engine, delivers: false)
        try await world.serve(["PUBLIC_URL": "", "MEMBER_SYNC_INTERVAL": "900"])
        let group = try await world.group()
        try await world.control("start", ["user": .int(group.owner)])
        try await until("the owner may be written to") {
            try await examine(world).findings[19]?["outcome"]?.string == "ok"
        }
        let sound = try await examine(world)
        #expect(sound.code == 0, "\(sound.output)")
        let outcomes = Set(sound.findings.values.compactMap { $0["outcome"]?.string })
        #expect(outcomes == ["ok", "n/a"], "\(sound.output)")

        try await world.control("mayJoinGroups", ["allowed": .bool(false)])
        try await world.control("dateAhead", ["seconds": .int(90)])
        try await world.control("botRights", ["chat": .int(group.id), "rights": .array([])])
        let broken = try await examine(world)
        #expect(broken.code == 1)
        for number in [6, 10, 17] as [Int64] {
            #expect(broken.findings[number]?["outcome"]?.string == "failure", "\(number): \(broken.output)")
        }
        #expect(broken.findings[17]?["fix"]?.string?.contains("Ban users") == true)
        #expect(broken.findings.values.count { $0["outcome"]?.string == "failure" } == 3, "\(broken.output)")
        await world.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `the doctor does not wait for a database that is stalled`() async throws {
        let world = try await FaultWorld(.postgreSQL, delivers: false)
        try await offload { try FaultWorld.cluster.get().freeze(true) }
        let stalled = try await examine(world)
        try await offload { try FaultWorld.cluster.get().freeze(false) }
        #expect(stalled.code == 1)
        #expect(stalled.findings[2]?["outcome"]?.string == "failure", "\(stalled.output)")
        #expect(stalled.findings[9]?["outcome"]?.string == "ok", "\(stalled.output)")
        #expect(stalled.findings[17]?["outcome"]?.string == "unknown", "\(stalled.output)")
        await world.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `the doctor's words, help and wrong usage`() async throws {
        let folder = try TestFolder.make()
        func run(_ words: [String], _ environment: [String: String] = [:]) async throws -> (Int32, String) {
            let child = try Child(["doctor"] + words, environment: environment, folder: folder)
            return (try await child.end(within: 10), child.output)
        }
        let (helped, help) = try await run(["--help"])
        #expect(helped == 0 && help.hasPrefix("Usage: nezuko doctor"))
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(try await run(["--yaml"]).0 == 2)
        // A warning is no failure: nothing was started here.
        let (fresh, table) = try await run([])
        #expect(fresh == 0 && table.contains("Without BOT_TOKEN the simulator runs."), "\(table)")
        #expect(table.split(separator: "\n").allSatisfy { $0.count <= 100 })
        #expect(!table.contains("\u{1B}"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { $0.hasSuffix(".log") })
        let (wrong, words) = try await run([], ["BOT_TOKN": "1:x", "WEBHOOK_SECRET": "short"])
        #expect(wrong == 1 && words.contains("did you mean BOT_TOKEN?"), "\(words)")
    }
}
