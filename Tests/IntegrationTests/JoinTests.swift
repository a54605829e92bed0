// Who comes into a protected group is checked once, by whichever update tells of it first.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Joining the group", .serialized) struct JoinTests {
    private static let welcome = """
        Welcome Boris! Please join the channel(s) below to write in this group. Then press the button.

        • News (@the_news)
        """

    /// By which update the bot learns of it.
    enum Source: String, CaseIterable, CustomTestStringConvertible {
        case member, service, both
        var testDescription: String { rawValue }
        var lost: Set<String> {
            switch self {
            case .member: ["message"]
            case .service: ["chat_member"]
            case .both: []
            }
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases, Source.allCases)
    @IO func `who is not subscribed is muted and welcomed by name, once`(engine: Engine, source: Source) async throws {
        let scene = try await MemberScene(engine)
        scene.lost = source.lost
        let person = scene.person("Boris", isInGroup: false)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(scene.isMuted(person))
        #expect(scene.said() == [Self.welcome])
        #expect(scene.buttons() == ["Join News https://t.me/the_news", "I have joined verify:\(person)"])
        let hold = try #require(try await scene.hold(of: person))
        #expect(hold.source == .join && hold.state == .held && hold.isTold)
        #expect(hold.channels == [ChatID(scene.news)])
        #expect(scene.calls("getChatMember", scene.news) == 1)
        #expect(scene.calls("restrictChatMember") == 1 && scene.calls("sendMessage") == 1)
        #expect(try await scene.world.ask("SELECT outcome FROM decisions") == "hold")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `within a minute a second word of the same is ignored, later it counts`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(scene.calls("getChatMember", scene.news) == 1)
        // They leave the channel unseen, leave the group and come back: the first message meets the gate then.
        scene.lost = ["chat_member"]
        try scene.simulator.personLeaves(person, scene.news)
        try scene.simulator.personLeaves(person, scene.group)
        try await scene.pass(seconds: 30)
        scene.lost = []
        scene.services.caches.verdicts.forgetAll()
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(scene.calls("getChatMember", scene.news) == 1)
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(scene.isMuted(person))
        // Another one, who comes back after more than a minute.
        let other = scene.person("Carl", knows: [scene.news], isInGroup: false)
        try scene.simulator.personJoins(other, scene.group)
        try await scene.settle()
        scene.lost = ["chat_member"]
        try scene.simulator.personLeaves(other, scene.news)
        try scene.simulator.personLeaves(other, scene.group)
        try await scene.pass(seconds: 61)
        scene.lost = []
        scene.services.caches.verdicts.forgetAll()
        try scene.simulator.personJoins(other, scene.group)
        try await scene.settle()
        #expect(scene.isMuted(other))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who is subscribed is welcomed silently, whatever joins are set to`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let first = scene.person("Boris", knows: [scene.news], isInGroup: false)
        try scene.simulator.personJoins(first, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(first) && scene.said().isEmpty)
        #expect(try await scene.world.ask("SELECT count(*) FROM user_restrictions") == "0")
        let service = try #require(scene.simulator.world.chats[scene.group]?.messages.keys.max())
        #expect(scene.simulator.stands(service, in: scene.group))
        let sources = scene.world.log.rows.compactMap { row in
            if case .verification(let row) = row { "\(row.source.rawValue) \(row.status)" } else { nil }
        }
        #expect(sources == ["join verified"])

        _ = try await scene.command("/settings delete_joins on")
        let second = scene.person("Carl", knows: [scene.news], isInGroup: false)
        try scene.simulator.personJoins(second, scene.group)
        try await scene.settle()
        let own = scene.simulator.world.chats[scene.group]?.messages.values.filter { $0.senderID == second } ?? []
        #expect(own.count == 1 && own.allSatisfy(\.isGone))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the welcome is for who was added, not for who added them; bots and administrators are skipped`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine)
        let inviter = scene.person("Inviter", knows: [scene.news])
        let (one, two) = (scene.person("Boris"), scene.person("Carl"))
        let admin = scene.person("Admin")
        scene.simulator.place(admin, in: scene.group, status: .administrator, rights: .deleteMessages)
        let added = [(one, "Boris", false), (two, "Carl", false), (admin, "Admin", false), (77, "Robot", true)]
            .map { #"{"id":\#($0),"first_name":"\#($1)","is_bot":\#($2)}"# }
        let now = WallClock.now.seconds
        let answer = try await scene.tell(
            """
            "message":{"message_id":5,"date":\(now),"chat":{"id":\(scene.group),"type":"supergroup","title":"Talk"},\
            "from":{"id":\(inviter),"first_name":"Inviter","is_bot":false},\
            "new_chat_members":[\(added.joined(separator: ","))]}
            """)
        #expect(answer == .ok)
        #expect(scene.isMuted(one) && scene.isMuted(two))
        #expect(scene.calls("restrictChatMember") == 2)
        #expect(scene.calls("getChatMember", scene.news, 77) == 0)
        let texts = scene.said().joined()
        #expect(texts.contains("Boris") && texts.contains("Carl") && !texts.contains("Inviter"))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `nobody is checked in a disabled group`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/unprotect")
        let person = scene.person("Boris", isInGroup: false)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(scene.calls("getChatMember", scene.news) == 0)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `what an administrator forbade before is kept for afterwards`(engine: Engine) async throws {
        for source in [Source.member, .service] {
            let scene = try await MemberScene(engine)
            scene.lost = source.lost
            let person = scene.person("Boris", isInGroup: false)
            let until = WallClock.now.seconds + 86_400
            scene.simulator.adminRestricts(person, in: scene.group, to: .sendMessages, until: until)
            try scene.simulator.personJoins(person, scene.group)
            try await scene.settle()
            #expect(scene.isMuted(person))
            #expect(try await scene.hold(of: person)?.priorPermissions?.contains("\(until)") == true)
            scene.lost = []
            try scene.simulator.personJoins(person, scene.news)
            try await scene.settle()
            #expect(scene.simulator.member(person, in: scene.group).untilDate == until)
            #expect(scene.simulator.permissions(of: person, in: scene.group) == .sendMessages)
            await scene.end()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a check that fails holds nobody`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        scene.simulator.failNext(.refused(400, "Bad Request: something"), of: "getChatMember", count: 1)
        let person = scene.person("Boris", isInGroup: false)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(try await scene.hold(of: person) == nil)
        await scene.end()
    }
}
