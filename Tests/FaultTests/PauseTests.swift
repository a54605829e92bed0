// `nezuko pause` beside running replicas: each hears of it within a second.

import EventLoop
import Testing

extension Faults {
    @IO
    private static func pause(_ world: FaultWorld, _ words: [String]) async throws -> (code: Int32, text: String) {
        let child = try Child(
            ["pause"] + words,
            environment: ["STATE_DIR": "\(world.folder)/pause", "DATABASE_URL": world.url], folder: world.folder)
        let code = try await child.end(within: 30)
        return (code, child.output)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases, [true, false]) @IO
    func `a pause from a terminal stops all replicas, and ends`(engine: Engine, isForAll: Bool) async throws {
        let world = try await FaultWorld(engine, delivers: false)
        let group = try await world.group()
        var replicas: [FaultWorld.Replica] = []
        for _ in 0..<(engine == .sqlite ? 1 : 2) { replicas.append(try await world.serve()) }
        let scope = isForAll ? [] : ["--group", "\(group.id)"]
        // Each replica has the group's configuration in memory.
        for replica in replicas { #expect(try await Self.isHeld(group, replica, world)) }
        let paused = try await Self.pause(world, scope + ["--for", "2h"])
        #expect(paused.code == 0)
        let heard = replicas.count == 1 ? "1 running replica." : "2 running replicas."
        #expect(
            paused.text.hasPrefix("Paused (") && paused.text.hasSuffix(" UTC, told to \(heard)\n"), "\(paused.text)")
        for replica in replicas {
            try await until("the pause is heard of") { try await !Self.isHeld(group, replica, world) }
            guard isForAll else { continue }
            let health = try await world.get("http://127.0.0.1:\(replica.metricsPort)/health")
            #expect(health.text.contains(#""enforcement_paused":true"#))
        }
        let ended = try await Self.pause(world, scope + ["--off"])
        #expect(ended.code == 0 && ended.text.hasPrefix("The pause is over ("))
        for replica in replicas {
            try await until("its end is heard of") { try await Self.isHeld(group, replica, world) }
        }
        await world.end()
    }

    /// Whether somebody new who writes is held by that replica.
    @IO
    private static func isHeld(
        _ group: TestGroup, _ replica: FaultWorld.Replica, _ world: FaultWorld
    ) async throws -> Bool {
        let person = try await world.person("Somebody", in: group)
        _ = try await world.write(person, in: group)
        for update in try await world.takeUpdates() {
            #expect(try await world.deliver(update, to: replica).status == 200)
        }
        try await world.effectsDone()
        return try await world.member(person, in: group.id).isMuted
    }

    private static let refusals: [(words: [String], code: Int32)] = [
        (["--for", "8d"], 2), (["--for"], 2), (["all"], 2), (["--group", "5"], 2), (["--group", "-1001"], 3),
    ]

    @Test(.timeLimit(.minutes(1))) @IO
    func `a pause that cannot be is refused`() async throws {
        let world = try await FaultWorld(.sqlite, delivers: false)
        for (words, code) in Self.refusals {
            let refused = try await Self.pause(world, words)
            #expect(refused.code == code, "\(words) \(refused.text)")
        }
        #expect(try await world.ask("SELECT count(*) FROM settings") == "0")
        await world.end()
    }
}
