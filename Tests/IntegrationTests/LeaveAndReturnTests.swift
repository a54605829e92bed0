// Leaving and re-joining a required channel: who leaves is held again, who returns is free without a press.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Leaving and returning", .serialized) struct LeaveAndReturnTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who leaves is muted and told why, in the groups where they are`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        let disabled = scene.simulator.addGroup("Off", owner: scene.world.owner)
        let absent = scene.simulator.addGroup("Absent", owner: scene.world.owner)
        for group in [other, disabled, absent] { try await scene.protect(group, by: [scene.news]) }
        _ = try await scene.store.disable(as: .unprotected(ChatID(disabled)), audit: nil)
        let person = scene.person("Boris", knows: [scene.news])
        scene.simulator.place(person, in: other)
        scene.simulator.place(person, in: disabled)
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.settle()
        #expect(scene.isMuted(person) && scene.isMuted(person, in: other))
        #expect(!scene.isMuted(person, in: disabled) && !scene.isMuted(person, in: absent))
        let told = """
            Boris, you can no longer write in this group because you left News. Please join the channel(s) below, then \
            press the button.

            • News (@the_news)
            """
        #expect(scene.said() == [told] && scene.said(in: other) == [told])
        #expect(scene.said(in: absent).isEmpty && scene.said(in: disabled).isEmpty)
        #expect(try await scene.hold(of: person)?.source == .leave)
        #expect(scene.calls("getChatMember", disabled) == 0)
        // The event itself is the answer: the channel is not asked again.
        #expect(scene.calls("getChatMember", scene.news) == 0)
        #expect(
            try await scene.world.ask("SELECT outcome FROM decisions ORDER BY outcome").split(separator: ", ")
                == ["hold", "hold"])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `administrators and exempt people may leave`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let admin = scene.person("Admin", knows: [scene.news])
        scene.simulator.place(admin, in: scene.group, status: .administrator, rights: .deleteMessages)
        let exempt = scene.person("Boris", knows: [scene.news])
        _ = try await scene.command("/exempt \(exempt)")
        for person in [admin, exempt] { try scene.simulator.personLeaves(person, scene.news) }
        try await scene.settle()
        #expect(scene.calls("restrictChatMember") == 0)
        #expect(try await scene.world.ask("SELECT count(*) FROM user_restrictions") == "0")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `an administrator of the channel who throws somebody out makes them leave`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", knows: [scene.news])
        scene.simulator.adminBans(person, in: scene.news)
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `leaving a second channel brings row and prompt up to date, nobody is told twice`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let person = scene.person("Boris", knows: [scene.news, scene.market])
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.settle()
        #expect(scene.buttons().count == 2)
        let sent = scene.calls("sendMessage")
        try scene.simulator.personLeaves(person, scene.market)
        try await scene.settle()
        #expect(try await scene.hold(of: person)?.channels == [ChatID(scene.news), ChatID(scene.market)])
        #expect(scene.calls("sendMessage") == sent && scene.calls("editMessageText") == 1)
        #expect(
            scene.buttons() == [
                "Join News https://t.me/the_news", "Join Market https://t.me/the_market",
                "I have joined verify:\(person)",
            ])
        // Coming back to one of them is not enough.
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        #expect(scene.isMuted(person))
        #expect(try await scene.hold(of: person)?.channels == [ChatID(scene.market)])
        #expect(scene.buttons().count == 2)
        try scene.simulator.personJoins(person, scene.market)
        try await scene.settle()
        #expect(!scene.isMuted(person) && scene.said().isEmpty)
        #expect(try await scene.releases(of: person) == "event")
        #expect(scene.simulator.callbackAnswers.isEmpty)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who returns is free in every group that held them for it`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        let third = scene.simulator.addGroup("Third", owner: scene.world.owner)
        try await scene.protect(other, by: [scene.news])
        try await scene.protect(third, by: [scene.market])
        let person = scene.person("Boris")
        for group in [scene.group, other, third] {
            scene.simulator.place(person, in: group)
            try scene.simulator.personWrites(person, in: group, "hello")
        }
        try await scene.settle()
        #expect([scene.group, other, third].allSatisfy { scene.isMuted(person, in: $0) })
        let asked = scene.calls("getChatMember", third, person)
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        #expect(!scene.isMuted(person) && !scene.isMuted(person, in: other))
        #expect(scene.isMuted(person, in: third))
        #expect(scene.calls("getChatMember", third, person) == asked)
        #expect(try await scene.releases(of: person) == "event, event")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a required chat that is a protected group itself has both`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let inner = scene.simulator.addGroup("Inner", owner: scene.world.owner)
        try await scene.protect(inner, by: [scene.group])
        let person = scene.person("Boris", knows: [inner])
        // Held in the outer group for News, then out of it: the hold there ends, the inner group holds them.
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(scene.isMuted(person) && !scene.isMuted(person, in: inner))
        try scene.simulator.personLeaves(person, scene.group)
        try await scene.settle()
        #expect(scene.isMuted(person, in: inner))
        #expect(try await scene.releases(of: person) == "left")
        #expect(try await scene.hold(of: person, in: inner)?.source == .leave)
        // Joining it again frees them inside, and the outer group checks them.
        try await scene.pass(seconds: 61)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(person, in: inner))
        #expect(scene.isMuted(person))
        #expect(try await scene.hold(of: person)?.source == .join)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who was seen outside a group is not looked for there again`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.settle()
        #expect(scene.calls("getChatMember", scene.group, person) == 1)
        try scene.simulator.personJoins(person, scene.news)
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.settle()
        #expect(scene.calls("getChatMember", scene.group, person) == 1)
        // A message shows that they are there, even if nobody told of the join.
        scene.lost = ["chat_member"]
        try scene.simulator.personJoins(person, scene.news)
        scene.simulator.place(person, in: scene.group)
        scene.services.caches.verdicts.forgetAll()
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        scene.lost = []
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.settle()
        #expect(scene.isMuted(person))
        // Ten minutes later Telegram is asked again.
        let other = scene.person("Carl", knows: [scene.news], isInGroup: false)
        for expected in 1...2 {
            try scene.simulator.personLeaves(other, scene.news)
            try await scene.settle()
            #expect(scene.calls("getChatMember", scene.group, other) == expected)
            try scene.simulator.personJoins(other, scene.news)
            try await scene.pass(seconds: 601)
        }
        await scene.end()
    }

    /// In which way Telegram does not answer.
    private static let faults: [(Fault, String)] = [
        (.tooManyRequests(retryAfter: 20), "429"), (.serverError(502), "502"), (.cut, "cut"),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `when Telegram does not answer, who left or returned is looked at later`(engine: Engine) async throws {
        for (fault, name) in Self.faults {
            let scene = try await MemberScene(engine)
            let person = scene.person("Boris", knows: [scene.news])
            scene.simulator.failNext(fault, of: "getChatMember", count: 1)
            try scene.simulator.personLeaves(person, scene.news)
            try await scene.settle()
            try await scene.pass(seconds: 25)
            #expect(scene.isMuted(person), "\(name)")
            scene.simulator.failNext(fault, of: "getChatMember", count: 1)
            try scene.simulator.personJoins(person, scene.news)
            try await scene.settle()
            try await scene.pass(seconds: 25)
            #expect(!scene.isMuted(person), "\(name)")
            await scene.end()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who returns while the mute is on its way ends free`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", knows: [scene.news])
        scene.simulator.failNext(.slow(milliseconds: 700), of: "restrictChatMember", count: 1)
        try scene.simulator.personLeaves(person, scene.news)
        try await scene.deliver()
        try await scene.until { scene.calls("restrictChatMember") == 1 || scene.isMuted(person) }
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        try await scene.pass(seconds: 13)
        #expect(!scene.isMuted(person) && scene.said().isEmpty)
        #expect(try await scene.releases(of: person) == "event")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `when many leave at once, twenty a second are looked at`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let people = (1...40).map { scene.person("Person \($0)", knows: [scene.news]) }
        for person in people { try scene.simulator.personLeaves(person, scene.news) }
        let began = Loop.shared.current()
        try await scene.deliver()
        while scene.calls("getChatMember", scene.group) < 40 { await Loop.shared.sleep(milliseconds: 10) }
        let took = Loop.shared.current().milliseconds(since: began)
        #expect(took >= 39 * 50 - 60)
        try await scene.settle()
        #expect(people.allSatisfy { scene.isMuted($0) })
        #expect(scene.calls("sendMessage") < 40)
        await scene.end()
    }
}
