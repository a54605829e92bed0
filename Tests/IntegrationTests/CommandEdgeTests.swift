// Commands at their edges: people and channels named in other ways, the database away, languages, who may what.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Commands at their edges", .serialized) struct CommandEdgeTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a person without a public name is exempt by a mention that carries them`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris")
        let text = "/exempt Boris Long"
        try await scene.tell(
            """
            "message":{"message_id":900,"date":\(WallClock.now.seconds),"text":"\(text)",\
            "chat":{"id":\(scene.group),"type":"supergroup","title":"Talk"},\
            "from":{"id":\(scene.world.owner),"first_name":"Anna","is_bot":false},\
            "entities":[{"type":"bot_command","offset":0,"length":7},{"type":"text_mention","offset":8,"length":10,\
            "user":{"id":\(person),"first_name":"Boris","is_bot":false}}]}
            """)
        #expect(scene.said() == ["Boris may write here in any case."])
        #expect(try await scene.world.stored()?.exemptions == [UserID(person): nil])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a channel is named by a post forwarded from it`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        try await scene.tell(
            """
            "message":{"message_id":900,"date":\(WallClock.now.seconds),"text":"/protect",\
            "chat":{"id":\(scene.group),"type":"supergroup","title":"Talk"},\
            "from":{"id":\(scene.world.owner),"first_name":"Anna","is_bot":false},\
            "entities":[{"type":"bot_command","offset":0,"length":8}],\
            "reply_to_message":{"message_id":899,"date":5,"chat":{"id":\(scene.group),"type":"supergroup"},\
            "text":"A post","forward_origin":{"type":"channel","date":5,"message_id":7,\
            "chat":{"id":\(scene.market),"type":"channel","title":"Market"}}}}
            """)
        #expect(try await scene.world.stored()?.channels.map(\.id.value) == [scene.news, scene.market])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `with the database away a reference is given, nothing else`() async throws {
        let world = try await TestWorld()
        await world.database.close()
        for command in ["/protect @the_news", "/status", "/stats", "/settings", "/exempt 5", "/unprotect"] {
            let answer = try await world.say(command)
            #expect(answer.count == 1, "\(command)")
            #expect(answer.first?.hasPrefix("Something went wrong, please try again. Reference: ") == true)
        }
        #expect(
            try await world.say("/start", inPrivate: true).first?.hasPrefix("Something went wrong") == true)
        #expect(try await world.say("/id").count == 1)
        world.simulator.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `in a group everybody reads the group's language`() async throws {
        let scene = try await MemberScene(.sqlite)
        _ = try await scene.command("/settings language ru")
        try await scene.pass(seconds: 10)
        let english = try await scene.command("/status", by: scene.person("Boris", knows: [scene.news]))
        #expect(english.first?.contains("Protection") == false)
        // In private the same person reads their own.
        let answer = try await scene.command("/verify", inPrivate: true)
        #expect(answer == ["You are not muted by me in any group."])
        await scene.end()
    }

    /// Who sends, what they may, and which commands they are refused.
    enum Sender: String, CaseIterable, CustomTestStringConvertible {
        case member, reader, restrictor, anonymous
        var testDescription: String { rawValue }
        var rights: AdminRights? {
            switch self {
            case .member: nil
            case .reader: [.manageChat, .deleteMessages]
            case .restrictor: [.manageChat, .restrictMembers]
            case .anonymous: [.manageChat, .anonymous]
            }
        }
        func isRefused(_ command: String) -> Bool {
            switch self {
            case .member: ["/stats", "/settings", "/exempt 5", "/unprotect @x"].contains(command)
            case .reader: ["/settings", "/exempt 5", "/unprotect @x"].contains(command)
            case .restrictor, .anonymous: false
            }
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Sender.allCases)
    @IO func `reading needs an administrator, changing one who may restrict`(sender: Sender) async throws {
        let scene = try await MemberScene(.sqlite)
        let person = scene.person("Boris", knows: [scene.news])
        if let rights = sender.rights {
            scene.simulator.place(person, in: scene.group, status: .administrator, rights: rights)
        }
        for command in ["/status", "/id", "/verify", "/stats", "/settings", "/exempt 5", "/unprotect @x"] {
            let answer = try await scene.command(command, by: person)
            let isRefusal = answer.first?.hasPrefix("Only ") == true
            #expect(isRefusal == sender.isRefused(command), "\(command): \(answer)")
            try await scene.pass(seconds: 10)
        }
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `others are answered only when their message stands, and a command is counted`() async throws {
        let scene = try await MemberScene(.sqlite)
        let person = scene.person("Boris")
        let answer = try await scene.command("/status", by: person)
        #expect(scene.isMuted(person) && !answer.contains { $0.hasPrefix("Protection") })
        #expect(scene.pressesCounted(of: person) == 0)
        let known = scene.person("Carl", knows: [scene.news])
        #expect(try await scene.command("/status", by: known).first?.hasPrefix("Protection: Active") == true)
        #expect(scene.pressesCounted(of: known) == 1)
        await scene.end()
    }
}
