// Requests to join: let in, or left waiting with the buttons in private; a guard bot answers each.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Requests to join", .serialized) struct JoinRequestTests {
    @IO private func isIn(_ person: Int64, _ scene: MemberScene) -> Bool {
        scene.simulator.member(person, in: scene.group).isPresent
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a subscriber is let in`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        #expect(isIn(person, scene))
        #expect(scene.said(in: person).isEmpty)
        #expect(try await scene.world.ask("SELECT outcome FROM decisions") == "approve")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `others wait, get the buttons in private, and are let in by a later check`(engine: Engine) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let person = scene.person("Boris", knows: [scene.market], languageCode: "ru", isInGroup: false)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        #expect(!isIn(person, scene))
        #expect(scene.said(in: person).count == 1)
        #expect(scene.said(in: person).first?.contains("Talk") == true)
        let data = "verify:\(person):\(scene.group)"
        let buttons = scene.buttons(in: person)
        #expect(buttons.count == 2 && buttons.first?.hasSuffix("https://t.me/the_news") == true)
        #expect(buttons.last?.hasSuffix(data) == true)
        #expect(try await scene.press(person, data, in: person).hasPrefix("! "))
        #expect(!isIn(person, scene))
        try scene.simulator.personJoins(person, scene.news)
        try await scene.pass(seconds: 4)
        _ = try await scene.press(person, data, in: person)
        #expect(isIn(person, scene))
        // Nobody asks any more: approving what is not there is harmless.
        let other = scene.person("Carl", knows: [scene.news, scene.market], isInGroup: false)
        #expect(
            try await scene.command("/verify", by: other, inPrivate: true) == ["You are not muted by me in any group."])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `approving a request that is gone is harmless`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", isInGroup: false)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        scene.simulator.world.chats[scene.group]?.joinRequests = [:]
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        let toast = try await scene.press(person, "verify:\(person):\(scene.group)", in: person)
        #expect(toast == "! You can write here.")
        #expect(scene.calls("approveChatJoinRequest") == 1)
        #expect(try await scene.world.ask("SELECT count(*) FROM effects") == "0")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who is muted and outside is let in too, and told of the mute`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", isInGroup: false)
        scene.simulator.adminRestricts(person, in: scene.group)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        let toast = try await scene.press(person, "verify:\(person):\(scene.group)", in: person)
        #expect(toast == "! An administrator has restricted you here. Only they can lift it.")
        #expect(isIn(person, scene) && scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a check that fails leaves the request to administrators`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        scene.simulator.failNext(.refused(400, "Bad Request: something"), of: "getChatMember", count: 1)
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        #expect(!isIn(person, scene) && scene.said(in: person).isEmpty)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `requests to a group without protection are left alone`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/unprotect")
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        #expect(!isIn(person, scene) && scene.calls("approveChatJoinRequest") == 0)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `as the chat's guard each request is answered by its query`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        scene.simulator.world.chats[scene.group]?.botIsGuard = true
        let method = "answerChatJoinRequestQuery"
        let known = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(known, scene.group)
        try await scene.settle()
        #expect(isIn(known, scene))
        #expect(scene.calls(method) == 1 && scene.calls("approveChatJoinRequest") == 0)
        #expect(try await scene.world.ask("SELECT outcome FROM decisions") == "approve")

        let unknown = scene.person("Carl", isInGroup: false)
        try scene.simulator.personAsksToJoin(unknown, scene.group)
        try await scene.settle()
        #expect(!isIn(unknown, scene) && scene.calls(method) == 2)
        #expect(scene.simulator.world.chats[scene.group]?.joinRequests.keys.contains(unknown) == true)
        #expect(scene.said(in: unknown).count == 1)

        // The answer is refused: the request is approved by its own method.
        scene.simulator.failNext(.refused(400, "Bad Request: query is too old"), of: method, count: 1)
        let third = scene.person("Dora", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(third, scene.group)
        try await scene.settle()
        #expect(isIn(third, scene) && scene.calls("approveChatJoinRequest") == 1)

        _ = try await scene.command("/unprotect")
        let fourth = scene.person("Emil", knows: [scene.news], isInGroup: false)
        try scene.simulator.personAsksToJoin(fourth, scene.group)
        try await scene.settle()
        #expect(!isIn(fourth, scene) && scene.calls(method) == 4)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `a guard does not wait for Telegram until the query is too old`() async throws {
        let scene = try await MemberScene(.sqlite)
        scene.simulator.world.chats[scene.group]?.botIsGuard = true
        scene.simulator.failNext(.tooManyRequests(retryAfter: 60), of: "getChatMember", count: 1)
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        let began = Loop.shared.current()
        try scene.simulator.personAsksToJoin(person, scene.group)
        try await scene.settle()
        #expect(Loop.shared.current().milliseconds(since: began) < 10_000)
        #expect(scene.calls("answerChatJoinRequestQuery") == 1)
        #expect(!isIn(person, scene))
        await scene.end()
    }
}
