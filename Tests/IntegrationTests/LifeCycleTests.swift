// The bot's own life in chats: rights lost, thrown out, groups that move; and what administrators are told of it.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("The bot's life in chats", .serialized) struct LifeCycleTests {
    private static let noMute = "I can no longer protect the group Talk. Please give me the right to: restrict members."
    private static let noNews = """
        The channel News (@the_news) of the group Talk cannot be checked any more, so it is not required now. Make me \
        administrator of the channel again; I look every hour.
        """

    @IO private func reachOwner(_ scene: MemberScene) async throws {
        try scene.simulator.personStarts(scene.world.owner)
        try await scene.settle()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a right that is lost is told to the owner, and shows in the state`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        try await reachOwner(scene)
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try await scene.settle()
        #expect(scene.said(in: scene.world.owner).last == Self.noMute)
        #expect(scene.said().isEmpty)
        let status = try await scene.command("/status")
        #expect(status.first?.hasPrefix("Protection: Degraded (missing right: restrict members)") == true)
        // With both rights lost, both are named; six hours later only.
        scene.simulator.setBotRights(in: scene.group, .manageChat)
        try await scene.settle()
        #expect(scene.said(in: scene.world.owner).last == Self.noMute)
        try await scene.pass(seconds: 6 * 3600)
        scene.simulator.setBotRights(in: scene.group, nil)
        try await scene.settle()
        #expect(
            scene.said(in: scene.world.owner).last
                == "I can no longer protect the group Talk. Please give me the right to: restrict members, delete messages."
        )
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a refused mute closes the row, deletes all the same, and is told`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        try await reachOwner(scene)
        scene.lost = ["my_chat_member"]
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        let person = scene.person("Boris")
        for text in ["one", "two"] {
            let message = try scene.simulator.personWrites(person, in: scene.group, text)
            try await scene.settle()
            #expect(!scene.simulator.stands(message, in: scene.group))
        }
        #expect(try await scene.hold(of: person) == nil)
        #expect(try await scene.releases(of: person) == "refused, refused")
        let notices = scene.said(in: scene.world.owner).filter { $0 == Self.noMute }
        #expect(notices.count == 1)
        let told = scene.said().filter { $0.hasPrefix("Boris, your message was removed") }
        #expect(told.count == 1)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `an owner who cannot be reached gets one line a day in the group`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try await scene.settle()
        #expect(scene.said() == ["Anna: \(Self.noMute)"])
        // All kinds together.
        scene.simulator.setBotPresence(in: scene.news, .kicked)
        try await scene.pass(seconds: 7 * 3600)
        scene.simulator.setBotRights(in: scene.group, .manageChat)
        try await scene.settle()
        #expect(scene.calls("sendMessage", scene.group) == 1)
        try await scene.protect(scene.group, by: [scene.market])
        try await scene.pass(seconds: 18 * 3600)
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .restrictMembers])
        try await scene.settle()
        #expect(scene.calls("sendMessage", scene.group) == 2)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `an owner who has blocked the bot is told in the group`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        try await reachOwner(scene)
        #expect(try await scene.store.canMessage(UserID(scene.world.owner)))
        scene.lost = ["my_chat_member"]
        scene.simulator.personBlocks(scene.world.owner)
        try await scene.settle()
        scene.lost = []
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try await scene.settle()
        #expect(scene.said() == ["Anna: \(Self.noMute)"])
        #expect(try await !scene.store.canMessage(UserID(scene.world.owner)))
        // Writing to the bot again makes it possible again; blocking is noted on sight.
        try await reachOwner(scene)
        #expect(try await scene.store.canMessage(UserID(scene.world.owner)))
        scene.simulator.personBlocks(scene.world.owner)
        try await scene.settle()
        #expect(try await !scene.store.canMessage(UserID(scene.world.owner)))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `thrown out of a group it disables it and keeps the open rows`(engine: Engine) async throws {
        for status in [MemberStatus.left, .kicked] {
            let scene = try await MemberScene(engine)
            let person = try await scene.held("Boris")
            scene.simulator.setBotPresence(in: scene.group, status)
            try await scene.settle()
            #expect(try await scene.world.stored()?.isEnabled == false)
            #expect(try await scene.hold(of: person)?.state == .orphaned)
            #expect(try await scene.world.ask("SELECT count(*) FROM effects") == "0")
            let chats = try await scene.store.chatsToSync(limit: 10)
            #expect(chats.isEmpty)
            await scene.end()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `back in the group it lifts what it could not lift, once it has the right`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.simulator.setBotPresence(in: scene.group, .kicked)
        try await scene.settle()
        scene.simulator.setBotPresence(in: scene.group, .member)
        try await scene.settle()
        #expect(scene.isMuted(person) && scene.said().contains { $0.hasPrefix("Thanks for adding me.") })
        scene.simulator.setBotRights(in: scene.group, .all)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(try await scene.releases(of: person) == "unprotected")
        try await scene.pass(seconds: 61)
        #expect(scene.said().isEmpty, "the greeting stands for a minute")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `protected again it takes its people on, and tells who was not told`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        try await scene.run("UPDATE user_restrictions SET state = 'orphaned', told_at = NULL")
        try await scene.run("UPDATE protected_groups SET enabled = \(engine == .sqlite ? "0" : "FALSE")")
        scene.services.caches.groups.forget(ChatID(scene.group))
        _ = try await scene.command("/protect @the_news")
        #expect(try await scene.hold(of: person)?.state == .held)
        #expect(try await scene.hold(of: person)?.isTold == true)
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `with its right back it frees at once whom it could not free`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try scene.simulator.personJoins(person, scene.news)
        try await scene.settle()
        #expect(try await scene.hold(of: person)?.state == .lifting)
        #expect(scene.isMuted(person))
        scene.simulator.setBotRights(in: scene.group, .all)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(try await scene.releases(of: person) == "event")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `protected again it goes on with a release, and looks who has joined meanwhile`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine)
        let (freed, subscribed, other) = (
            try await scene.held("Boris"), try await scene.held("Carl"), try await scene.held("Dora")
        )
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try scene.simulator.personJoins(freed, scene.news)
        try await scene.settle()
        scene.simulator.setBotPresence(in: scene.group, .kicked)
        try await scene.settle()
        // Nobody tells the bot.
        scene.simulator.place(subscribed, in: scene.news)
        try await scene.pass(seconds: 61)
        try await scene.run("UPDATE protected_groups SET enabled = \(engine == .sqlite ? "1" : "TRUE")")
        scene.services.caches.groups.forget(ChatID(scene.group))
        scene.simulator.setBotPresence(in: scene.group, .member)
        scene.simulator.setBotRights(in: scene.group, .all)
        try await scene.pass(seconds: 2)
        #expect(!scene.isMuted(freed) && !scene.isMuted(subscribed) && scene.isMuted(other))
        #expect(try await scene.releases(of: freed) == "event")
        #expect(try await scene.hold(of: other)?.state == .held)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `it greets where it is added, once, and not in a group that it protects`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let fresh = scene.simulator.addGroup("Fresh", owner: scene.world.owner)
        scene.simulator.setBotPresence(in: fresh, .left)
        scene.simulator.setBotPresence(in: fresh, .member)
        try await scene.settle()
        #expect(scene.said(in: fresh).count == 1)
        scene.simulator.setBotRights(in: fresh, .all)
        scene.simulator.setBotRights(in: scene.group, .all)
        try await scene.settle()
        #expect(scene.said(in: fresh).count == 1 && scene.said().isEmpty)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a notice that does not reach the owner goes to each administrator whom it reaches`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine)
        let (one, two, three) = (scene.person("Boris"), scene.person("Carl"), scene.person("Dora"))
        for admin in [one, two, three] {
            scene.simulator.place(admin, in: scene.group, status: .administrator, rights: .all)
        }
        for admin in [one, two] { _ = try await scene.command("/start notify", by: admin, inPrivate: true) }
        #expect(
            try await scene.command("/status").first?.contains("Notices: reach 2 administrators in private") == true)
        scene.simulator.setBotRights(in: scene.group, [.manageChat, .deleteMessages])
        try await scene.settle()
        for admin in [one, two] { #expect(scene.said(in: admin).count { $0 == Self.noMute } == 1) }
        #expect(scene.said(in: three).isEmpty)
        #expect(!scene.said().contains { $0.contains(Self.noMute) })
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a call that finds it thrown out comes to the same`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.lost = ["my_chat_member"]
        scene.simulator.setBotPresence(in: scene.group, .kicked)
        try await scene.settle()
        try await scene.pass(seconds: 301)
        #expect(try await scene.world.stored()?.isEnabled == false)
        #expect(try await scene.hold(of: person)?.state == .orphaned)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `thrown out of a channel it breaks its links, and heals them when it is back`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine, requires: true)
        try await reachOwner(scene)
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        try await scene.protect(other, by: [scene.news])
        scene.simulator.setBotPresence(in: scene.news, .kicked)
        try await scene.settle()
        #expect(
            try await scene.world.ask(
                "SELECT group_id, channel_id FROM group_channel_links WHERE health = 'broken' ORDER BY group_id")
                == "\(other) \(scene.news), \(scene.group) \(scene.news)")
        #expect(scene.said(in: scene.world.owner).contains(Self.noNews))
        // What cannot be checked is not required.
        let person = scene.person("Boris", knows: [scene.market])
        let message = try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(scene.simulator.stands(message, in: scene.group) && !scene.isMuted(person))
        scene.simulator.setBotRights(in: scene.news, .bot)
        try await scene.settle()
        #expect(
            try await scene.world.ask("SELECT count(*) FROM group_channel_links WHERE health = 'broken'") == "0")
        try scene.simulator.personWrites(person, in: scene.group, "again")
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a required group that throws it out breaks its links too`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let inner = scene.simulator.addGroup("Inner", owner: scene.world.owner)
        try await scene.protect(inner, by: [scene.group])
        scene.simulator.setBotPresence(in: scene.group, .kicked)
        try await scene.settle()
        #expect(
            try await scene.world.ask("SELECT group_id FROM group_channel_links WHERE health = 'broken'") == "\(inner)")
        #expect(try await scene.world.stored()?.isEnabled == false)
        await scene.end()
    }

    /// How the bot learns that a group has moved.
    enum Word: String, CaseIterable, CustomTestStringConvertible {
        case message, error
        var testDescription: String { rawValue }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases, Word.allCases)
    @IO func `a group that becomes a supergroup keeps everything`(engine: Engine, word: Word) async throws {
        let scene = try await MemberScene(engine)
        let basic = scene.simulator.addGroup("Basic", kind: .group, owner: scene.world.owner)
        try await scene.protect(basic, by: [scene.news])
        var params = GroupParams()
        params.language = "ru"
        _ = try await scene.store.changeParams(
            from: GroupParams(), to: params, of: ChatID(basic), releasing: nil, audit: nil)
        _ = try await scene.store.exempt(UserID(5), in: ChatID(basic), untilSeconds: nil, reason: "admin", audit: nil)
        let person = scene.person("Boris", isInGroup: false)
        scene.simulator.place(person, in: basic)
        if word == .error { scene.lost = ["message"] }
        let new = try scene.simulator.migrate(basic)
        try await scene.settle()
        if word == .error {
            // Rows of the earlier product name the old id; the first call that is refused tells the new one.
            try await scene.run("DELETE FROM user_restrictions")
            var record = Record(update: nil)
            record.hold = HoldWish(
                group: ChatID(basic), user: UserID(person), channels: [ChatID(scene.news)], source: .leave)
            record.effects = [.restrict(UserID(person), in: ChatID(basic)), .prompt(in: ChatID(basic))]
            _ = try await scene.store.record(record)
            try await scene.settle()
            #expect(scene.isMuted(person, in: new))
            #expect(scene.said(in: new).count == 1)
            #expect(try await scene.hold(of: person, in: new)?.state == .held)
        }
        let group = try #require(try await scene.store.group(ChatID(new)))
        #expect(group.isProtected && group.params == params && group.channels.map(\.id.value) == [scene.news])
        #expect(group.exemptions.keys.map(\.value) == [5])
        #expect(try await scene.store.group(ChatID(basic)) == nil)
        for table in ["group_channel_links", "exemptions", "user_restrictions", "decisions"] {
            #expect(
                try await scene.world.ask("SELECT count(*) FROM \(table) WHERE group_id = \(basic)") == "0")
        }
        #expect(try await scene.world.ask("SELECT count(*) FROM effects WHERE chat_id = \(basic)") == "0")
        scene.lost = []
        let second = scene.person("Carl", isInGroup: false)
        scene.simulator.place(second, in: new)
        try scene.simulator.personWrites(second, in: new, "hello")
        try await scene.settle()
        #expect(scene.isMuted(second, in: new))
        await scene.end()
    }
}
