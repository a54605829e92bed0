// `nezuko why` beside a running service: what it prints, and another try at an update that was given up.

import EventLoop
import JSON
import Storage
import TestSupport
import Testing

extension Faults {
    /// Runs `nezuko why` in the world's folder; gives its exit code and what it printed.
    @IO
    private static func why(_ world: FaultWorld, _ words: String...) async throws -> (code: Int32, text: String) {
        let environment = [
            "BOT_TOKEN": FaultWorld.token, "TELEGRAM_API_BASE_URL": world.base, "STATE_DIR": "\(world.folder)/why",
            "DATABASE_URL": world.url, "BOT_RATE_GLOBAL": "0", "BOT_RATE_GROUP": "0", "LOG_LEVEL": "error",
        ]
        let child = try Child(["why"] + words, environment: environment, folder: world.folder)
        let code = try await child.end(within: 30)
        return (code, child.output)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a terminal is told why somebody is held`(engine: Engine) async throws {
        let world = try await FaultWorld(engine, delivers: false)
        let group = try await world.group()
        let person = try await world.person("Boris", in: group)
        _ = try await world.write(person, in: group)
        let update = try #require(try await world.takeUpdates().first)
        let id = try #require(update["update_id"]?.int)
        let replica = try await world.serve()
        #expect(try await world.deliver(update, to: replica).status == 200)
        try await world.effectsDone()

        let told = try await Self.why(world, "\(id)")
        #expect(told.code == 0)
        #expect(told.text.hasPrefix("The update was handled.\n\nDecision 1, rule set 3, group \(group.id), person"))
        for line in ["Message → muted: not subscribed", "• News (@the_news): not subscribed", "→ mute: done in"] {
            #expect(told.text.contains(line), "\(told.text)")
        }
        let about = try await Self.why(world, "--group", "\(group.id)", "--user", "\(person)")
        #expect(about.code == 0 && about.text.hasPrefix("Now: muted by me since"), "\(about.text)")
        let raw = try await Self.why(world, "\(id)", "--json")
        let rows = try JSONValue(parsing: Array(raw.text.utf8)).array ?? []
        #expect(raw.code == 0 && rows.count == 1)
        #expect(rows.first?["outcome"]?.string == "hold" && rows.first?["user_id"]?.int == person)
        #expect(rows.first?["effects"]?.array?.count == 3)
        let nothing = try await Self.why(world, "77")
        #expect(nothing.code == 3 && nothing.text.contains("nothing is recorded"))
        #expect(try await Self.why(world, "--user", "5").code == 2)
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `an update that was given up can be tried again, once it can be handled`(engine: Engine) async throws {
        let world = try await FaultWorld(engine, delivers: false)
        let group = try await world.group()
        let person = try await world.person("Boris", in: group)
        let message = try await world.write(person, in: group)
        let update = try #require(try await world.takeUpdates().first)
        let id = try #require(update["update_id"]?.int)
        // A schema that does not fit is a fault of our own.
        try await world.change("ALTER TABLE decisions RENAME TO decisions_away")
        let replica = try await world.serve(["AUTO_MIGRATE": "false"])
        for expected in [503, 503, 503, 503, 200] {
            #expect(try await world.deliver(update, to: replica).status == expected)
        }
        #expect(try await Self.why(world, "\(id)", "--retry").code == 1)
        #expect(try await world.ask("SELECT state FROM processed_updates") == "failed")
        try await world.change("ALTER TABLE decisions_away RENAME TO decisions")
        let told = try await Self.why(world, "\(id)")
        #expect(told.code == 0 && told.text.contains("given up. Try again: nezuko why UPDATE_ID --retry"))
        let retried = try await Self.why(world, "\(id)", "--retry")
        #expect(
            retried.code == 0 && retried.text.contains("Handled. What it led to: nezuko why \(id)"), "\(retried.text)")
        try await world.effectsDone()
        #expect(try await !world.stands(message, in: group))
        #expect(try await world.member(person, in: group.id).isMuted)
        #expect(try await world.ask("SELECT state FROM processed_updates") == "recorded")
        let again = try await Self.why(world, "\(id)", "--retry")
        #expect(again.code == 3 && again.text.contains("was not given up"))
        await world.end()
    }
}
