// /exempt, /stats, /id, /start, /help, and the rules that hold for every command.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Small commands and common rules") struct SmallCommandTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a person is exempt, released, and checked again`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let person = world.simulator.addPerson("Person <b>")
        world.simulator.place(person, in: world.group)
        #expect(try await world.say("/exempt \(person)") == ["This group is not protected."])
        _ = try await world.say("/protect @the_news")
        let said = try world.simulator.personWrites(person, in: world.group, "hello")
        try await world.hold(person, for: [world.news])
        #expect(
            try await world.say("/exempt") == [
                "Reply to the person with /exempt, or /exempt @name, /exempt id; end: add off."
            ])
        #expect(
            try await world.say("/exempt @someone") == [
                "I do not know @someone. Reply to a message of theirs with /exempt."
            ])
        #expect(try await world.say("/exempt", replyTo: said) == ["Person <b> may write here in any case."])
        #expect(try await world.stored()?.exemptions == [UserID(person): nil])
        #expect(try await world.ask("SELECT user_id, release_reason FROM user_restrictions") == "\(person) admin")
        #expect(try await world.say("/exempt \(person) off") == ["Person <b> is checked like everybody again."])
        #expect(try await world.stored()?.exemptions == [:])
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `figures of a group are those of its decisions`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        #expect(try await world.say("/stats") == ["This group is not protected."])
        _ = try await world.say("/protect @the_news")
        #expect(
            try await world.say("/stats") == [
                "Last 7 days\nVerifications: 0\nRestrictions: 0\nSuccess rate: n/a\nFailed checks: 0\nTop hour: n/a"
            ])
        let now = WallClock.now.microseconds
        let rows = [("verified", 6), ("restricted", 2), ("error", 1)].map { status, hits in
            var row = VerificationRow(
                user: UserID(5), group: ChatID(world.group), channel: ChatID(world.news), status: status,
                latencyMilliseconds: 5, isCached: false, isDecisive: true, source: .message,
                errorType: status == "error" ? "timeout" : nil, atMicroseconds: now)
            row.hits = hits
            return LogRow.verification(row)
        }
        try await DatabaseLogStore(world.database).write(rows, batch: [UInt8](repeating: 7, count: 16))
        let hour = now / 3_600_000_000 % 24
        let answer = try await world.say("/stats 30d")
        #expect(
            answer == [
                """
                Last 30 days
                Verifications: 9
                Restrictions: 2
                Success rate: 66.7%
                Failed checks: 1
                Top hour: \(hour < 10 ? "0" : "")\(hour):00 UTC
                """
            ])
        #expect(try await world.say("/stats 5d") == ["Choose a period: /stats 7d or /stats 30d."])
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `ids, hints and the menu`() async throws {
        let world = try await TestWorld()
        #expect(try await world.say("/id") == ["Chat: \(world.group)\nYou: \(world.owner)"])
        #expect(
            try await world.say("/ID@Nezuko_Simulated_Bot", inPrivate: true) == [
                "Chat: \(world.owner)\nYou: \(world.owner)"
            ])
        #expect(try await world.say("/id@other_bot") == [])
        #expect(try await world.say("/nothing") == [])
        #expect(try await world.say("/nothing", inPrivate: true) == ["I do not know this command. See /help."])
        #expect(
            try await world.say("/start") == [
                """
                I let only subscribers of your channels write here.
                An administrator starts with /protect @yourchannel.
                """
            ])
        #expect(try await !world.store.canMessage(UserID(world.owner)))
        #expect(
            try await world.say("/start", inPrivate: true) == [
                """
                Nezuko lets only subscribers of your channels write in your group.

                Whoever is not subscribed is muted, told which channels to join, and freed by one button.
                """
            ])
        #expect(try await world.store.canMessage(UserID(world.owner)))
        let help = try await world.say("/help")
        #expect(help.first?.hasPrefix("Requirements\n") == true)
        #expect(try await world.say("/help", inPrivate: true) == help)
        let last = try #require(world.simulator.botMessages(in: world.owner).last)
        #expect(world.simulator.world.buttons(of: last).map(\.data) == ["menu_back"])
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `in a group reply and command are to go after a minute, in private nothing is`(engine: Engine) async throws
    {
        let world = try await TestWorld(engine)
        _ = try await world.say("/id", inPrivate: true)
        #expect(try await world.ask("SELECT count(*) FROM effects") == "0")
        _ = try await world.say("/id")
        #expect(
            try await world.ask("SELECT kind, chat_id FROM effects")
                == "delete \(world.group), delete \(world.group)")
        // The command and the reply, by their numbers.
        let payloads = try await world.ask("SELECT payload FROM effects").replacing(" ", with: "")
        #expect(payloads.contains(#"{"message":1}"#) && payloads.contains(#"{"message":2}"#))
        let wait = try #require(try await world.store.nextDueMilliseconds())
        #expect((50_000...60_000).contains(wait))
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `too many commands are dropped in groups and said once in private`() async throws {
        let world = try await TestWorld()
        let commands = Commands(tools: world.tools)
        var counts: [Int] = []
        for _ in 1...4 { counts.append(try await world.say("/id", commands).count) }
        #expect(counts == [1, 1, 1, 0])
        var answers: [[String]] = []
        for _ in 1...22 { answers.append(try await world.say("/id", inPrivate: true, commands)) }
        #expect(answers.prefix(20).allSatisfy { $0.first?.hasPrefix("Chat: ") == true })
        #expect(answers.suffix(2) == [["Too many commands. Please wait a minute."], []])
        #expect(world.log.rows.count == 23)
        await world.end()
    }
}
