// Choosing a channel in private instead of writing its name in the group.

import Domain
import EventLoop
import Handlers
import JSON
import Storage
import Testing

@testable import Simulator

@Suite("Channel picker", .serialized) struct ChannelPickerTests {
    /// Somebody chooses a channel. Gives what the bot says to it.
    @IO
    private func choose(_ person: Int64, _ channel: Int64, _ scene: MemberScene) async throws -> [String] {
        let known = Set(scene.simulator.botMessages(in: person).map(\.id))
        try scene.simulator.personShares(person, chat: channel)
        try await scene.settle()
        return scene.simulator.botMessages(in: person).filter { !known.contains($0.id) }.map(\.text)
    }

    /// A choice that no button led to, as Telegram would tell it.
    @IO
    private func claim(_ person: Int64, _ channel: Int64, request: Int64, _ scene: MemberScene) async throws
        -> [String]
    {
        let known = Set(scene.simulator.botMessages(in: person).map(\.id))
        try await scene.tell(
            #"""
            "message":{"message_id":777,"date":\#(WallClock.now.seconds),
            "from":{"id":\#(person),"is_bot":false,"first_name":"A","language_code":"en"},
            "chat":{"id":\#(person),"type":"private","first_name":"A"},
            "chat_shared":{"request_id":\#(request),"chat_id":\#(channel)}}
            """#)
        return scene.simulator.botMessages(in: person).filter { !known.contains($0.id) }.map(\.text)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a channel that is chosen in private is required in the group`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/protect")
        let link = "https://t.me/\(scene.simulator.options.botUsername)?start=p_\(scene.group)"
        #expect(scene.buttons() == ["Choose a channel \(link)"])
        let asked = try await scene.command("/start p_\(scene.group)", inPrivate: true)
        #expect(asked.first?.hasPrefix("Which channel is to be required in Talk?") == true)
        // The bot is not there yet: the button gives it its rights.
        scene.simulator.setBotPresence(in: scene.market, .left)
        try await scene.settle()
        let answer = try await choose(scene.world.owner, scene.market, scene)
        #expect(scene.simulator.member(scene.simulator.world.botID, in: scene.market).status == .administrator)
        #expect(answer.first?.hasPrefix("Talk is protected.") == true && answer.first?.contains("@the_market") == true)
        #expect(try await scene.world.stored()?.channels.map(\.id.value) == [scene.news, scene.market])
        await scene.end()
    }

    /// The owner forwards a post of a channel in private.
    @IO
    private func forward(_ channel: Int64, _ scene: MemberScene) async throws {
        try await scene.tell(
            #"""
            "message":{"message_id":777,"date":\#(WallClock.now.seconds),"text":"news",
            "from":{"id":\#(scene.world.owner),"is_bot":false,"first_name":"A","language_code":"ru"},
            "chat":{"id":\#(scene.world.owner),"type":"private","first_name":"A"},
            "forward_origin":{"type":"channel","date":1,"message_id":1,
            "chat":{"id":\#(channel),"type":"channel","title":"Market"}}}
            """#)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a forwarded post does the same, once and within an hour`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/settings mode observe")
        _ = try await scene.command("/start p_\(scene.group)", inPrivate: true)
        try await scene.pass(seconds: 3601)
        try await forward(scene.market, scene)
        #expect(try await scene.world.stored()?.channels.count == 1, "an hour later it is just a post")
        _ = try await scene.command("/start p_\(scene.group)", inPrivate: true)
        try await forward(scene.market, scene)
        #expect(try await scene.world.stored()?.channels.count == 2)
        #expect(try await scene.world.ask("SELECT count(*) FROM settings WHERE key LIKE 'picker:%'") == "0")
        // In the language of who asked, also on the buttons.
        let answer = try #require(scene.simulator.botMessages(in: scene.world.owner).last)
        #expect(answer.text.hasPrefix("Группа Talk защищена"))
        #expect(scene.buttons(in: scene.world.owner) == ["Включить защиту mode:enforce:\(scene.group)"])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who may not change the group is refused, at the link and at the choice`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let member = scene.person("Boris", knows: [scene.news])
        #expect(
            try await scene.command("/start p_\(scene.group)", by: member, inPrivate: true)
                == ["Only administrators of this group can use this command."])
        #expect(try await claim(member, scene.market, request: 5, scene).isEmpty)
        // The right is lost between the question and the choice.
        let admin = scene.person("Carl")
        scene.simulator.place(admin, in: scene.group, status: .administrator, rights: [.manageChat, .restrictMembers])
        scene.services.caches.admins.forget(ChatID(scene.group))
        _ = try await scene.command("/start p_\(scene.group)", by: admin, inPrivate: true)
        scene.simulator.ownerPromotes(admin, in: scene.group, nil)
        try await scene.settle()
        scene.simulator.place(admin, in: scene.market, status: .administrator, rights: .all)
        #expect(
            try await choose(admin, scene.market, scene)
                == ["Only administrators of this group can use this command."])
        #expect(try await scene.world.stored()?.channels.count == 1)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `a choice that nobody asked for changes nothing`() async throws {
        let scene = try await MemberScene(.sqlite)
        #expect(throws: Refusal.unknown) {
            try scene.simulator.personShares(scene.world.owner, chat: scene.market)
        }
        #expect(try await claim(scene.world.owner, scene.market, request: 5, scene).isEmpty)
        _ = try await scene.command("/start p_\(scene.group)", inPrivate: true)
        let stored = try await scene.world.ask(
            "SELECT value FROM settings WHERE key = 'picker:\(scene.world.owner)'")
        let number = try #require(try JSONValue(parsing: Array(stored.utf8))["request"]?.int)
        #expect(try await claim(scene.world.owner, scene.market, request: number &+ 1, scene).isEmpty)
        // Telegram does not offer a group here.
        #expect(throws: Refusal.unknown) {
            try scene.simulator.personShares(scene.world.owner, chat: scene.group)
        }
        for payload in ["p_", "p_5", "p_x", "p_-99999999999999999999"] {
            let answer = try await scene.command("/start \(payload)", inPrivate: true)
            #expect(answer.last?.hasPrefix("Nezuko lets only subscribers") == true, "\(payload) \(answer)")
        }
        #expect(try await scene.world.stored()?.channels.count == 1)
        await scene.end()
    }
}
