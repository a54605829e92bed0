// Giving people their rights back: those they had before, only what is ours, in order and at a steady pace.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Lifting", .serialized) struct LiftTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a restriction from before comes back with its end, one that is over does not`(
        engine: Engine
    ) async throws {
        for (rest, isBack) in [(86_400 as Int64, true), (100, false), (0, true)] {
            let scene = try await MemberScene(engine)
            let person = scene.person("Boris")
            let until = rest == 0 ? 0 : WallClock.now.seconds + rest
            let before: Permissions = [.sendMessages, Permissions(rawValue: 1 << 3)]
            scene.simulator.adminRestricts(person, in: scene.group, to: before, until: until)
            try scene.simulator.personWrites(person, in: scene.group, "hello")
            try await scene.settle()
            #expect(scene.isMuted(person))
            try await scene.pass(seconds: 200)
            try scene.simulator.personJoins(person, scene.news)
            try await scene.settle()
            let member = scene.simulator.member(person, in: scene.group)
            #expect(member.status == (isBack ? .restricted : .member), "\(rest)")
            if isBack { #expect(member.permissions == before && member.untilDate == until) }
            await scene.end()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `without one every permission is given, so that no exception stays`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        #expect(scene.simulator.member(person, in: scene.group) == Member(status: .member))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the prompt is edited while others wait, and goes with the last`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let people = [scene.person("Boris"), scene.person("Carl")]
        for person in people {
            try await scene.world.hold(person, for: [scene.news])
            scene.simulator.world.restrict(
                person, in: scene.group, to: [], by: scene.simulator.world.botID, now: WallClock.now)
        }
        try await scene.run("UPDATE user_restrictions SET state = 'held'")
        var record = Record(update: nil)
        record.effects = [.prompt(in: ChatID(scene.group))]
        _ = try await scene.store.record(record)
        try await scene.settle()
        #expect(scene.buttons().last == "I have joined verify_membership")
        try scene.simulator.personJoins(people[0], scene.news)
        try await scene.settle()
        #expect(scene.said().count == 1 && scene.said()[0].hasPrefix("Hello Carl,"))
        #expect(scene.buttons().last == "I have joined verify:\(people[1])")
        try scene.simulator.personJoins(people[1], scene.news)
        try await scene.settle()
        #expect(scene.said().isEmpty)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `switching protection off releases ten a second`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let people = (1...12).map { scene.person("Person \($0)") }
        for person in people {
            try await scene.world.hold(person, for: [scene.news])
            scene.simulator.world.restrict(
                person, in: scene.group, to: [], by: scene.simulator.world.botID, now: WallClock.now)
        }
        try await scene.run("UPDATE user_restrictions SET state = 'held'")
        let began = Loop.shared.current()
        let answer = try await scene.command("/unprotect")
        #expect(answer.first?.hasSuffix("12 muted members are being released.") == true)
        try await scene.until { people.allSatisfy { !scene.isMuted($0) } }
        #expect(Loop.shared.current().milliseconds(since: began) >= 1000)
        try await scene.settle()
        #expect(
            try await scene.world.ask(
                "SELECT release_reason, count(*) FROM user_restrictions WHERE lifted_at IS NOT NULL GROUP BY 1")
                == "unprotected 12")
        // Each has a decision of their own, with what came of it.
        let decided = """
            SELECT count(*), count(DISTINCT user_id) FROM decisions
            WHERE outcome = 'release' AND CAST(effects AS TEXT) LIKE '%lift%'
            """
        #expect(try await scene.world.ask(decided) == "12 12")
        // Writing is free now.
        try scene.simulator.personWrites(people[0], in: scene.group, "hello")
        try await scene.settle()
        #expect(!scene.isMuted(people[0]))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `removing one of several channels frees who was held for it alone`(engine: Engine) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let alone = try await scene.held("Boris", knows: [scene.market])
        let both = try await scene.held("Carl")
        let other = try await scene.held("Dora", knows: [scene.news])
        #expect(try await scene.command("/unprotect @the_news").first?.contains("1 channel is left.") == true)
        #expect(!scene.isMuted(alone) && scene.isMuted(both) && scene.isMuted(other))
        #expect(try await scene.hold(of: both)?.channels == [ChatID(scene.market)])
        #expect(try await scene.hold(of: other)?.channels == [ChatID(scene.market)])
        #expect(try await scene.releases(of: alone) == "unprotected")
        // The last one ends protection.
        _ = try await scene.command("/unprotect @the_market")
        #expect(!scene.isMuted(both) && !scene.isMuted(other))
        #expect(try await scene.world.stored()?.isEnabled == false)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a lift that was done already is done`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.lost = ["chat_member"]
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        // Done by Telegram, and nobody heard of it: done again, to the same end.
        scene.simulator.failNext(.answerLost, of: "restrictChatMember", count: 1)
        _ = try await scene.press(person, "verify:\(person)")
        try await scene.pass(seconds: 5)
        #expect(!scene.isMuted(person) && scene.said().isEmpty)
        #expect(scene.calls("restrictChatMember") == 3)
        #expect(try await scene.releases(of: person) == "verified")
        #expect(try await scene.world.ask("SELECT count(*) FROM effects WHERE kind <> 'expire'") == "0")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `exempting a held person frees them`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        // By name: known are those who wrote to the bot.
        #expect(
            try await scene.command("/exempt @boris") == [
                "I do not know @boris. Reply to a message of theirs with /exempt."
            ])
        try scene.simulator.personStarts(person)
        try await scene.settle()
        try await scene.pass(seconds: 10)
        #expect(try await scene.command("/exempt @BORIS") == ["Boris may write here in any case."])
        #expect(!scene.isMuted(person))
        #expect(try await scene.releases(of: person) == "admin")
        #expect(try await scene.command("/exempt @boris off") == ["Boris is checked like everybody again."])
        // Who has given the name up is not meant by it.
        scene.simulator.world.rename(person, username: "somebody")
        try await scene.pass(seconds: 10)
        #expect(
            try await scene.command("/exempt @boris") == [
                "I do not know @boris. Reply to a message of theirs with /exempt."
            ])
        await scene.end()
    }
}

extension World {
    /// Somebody takes another public name.
    mutating func rename(_ person: Int64, username: String) { persons[person]?.username = username }
}
