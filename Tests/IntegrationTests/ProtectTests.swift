// /protect from the words in the group to the rows: each step that refuses, and what success leaves.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

/// One way in which a group, channel or caller is not ready.
private enum Flaw: String, CaseIterable, CustomTestStringConvertible {
    case isPrivate, isBasicGroup, isNoAdmin, mayNotRestrict, isUnknown, isNoName, botIsNoAdminThere, isOwnGroup
    case lacksRestrict, lacksDelete, lacksBoth, botIsMemberHere, isForeignPrivate, isAnonymous, lacksInvite, isPerson
    case tooMany, nothing

    var testDescription: String { rawValue }

    @IO func answer(_ world: TestWorld) async throws -> [String] {
        let simulator = world.simulator
        let other = simulator.addPerson("Other")
        switch self {
        case .isPrivate: return try await world.say("/protect @the_news", inPrivate: true)
        case .isBasicGroup:
            let basic = simulator.addGroup("Basic", kind: .group, owner: world.owner)
            return try await world.say("/protect @the_news", in: basic)
        case .isNoAdmin:
            simulator.place(other, in: world.group)
            return try await world.say("/protect @the_news", by: other)
        case .mayNotRestrict:
            simulator.place(other, in: world.group, status: .administrator, rights: .deleteMessages)
            return try await world.say("/protect @the_news", by: other)
        case .isUnknown: return try await world.say("/protect @no_such_channel")
        case .isNoName: return try await world.say("/protect <b>news")
        case .botIsNoAdminThere:
            simulator.addChannel("Far & away", username: "far_away", owner: world.owner, bot: nil)
            return try await world.say("/protect @far_away")
        case .isOwnGroup: return try await world.say("/protect \(world.group)")
        case .lacksRestrict: simulator.setBotRights(in: world.group, [.manageChat, .deleteMessages])
        case .lacksDelete: simulator.setBotRights(in: world.group, [.manageChat, .restrictMembers])
        case .lacksBoth: simulator.setBotRights(in: world.group, .manageChat)
        case .botIsMemberHere: simulator.setBotRights(in: world.group, nil)
        case .isForeignPrivate:
            let hidden = simulator.addChannel("Hidden", owner: other)
            return try await world.say("/protect \(hidden)")
        case .isAnonymous:
            let hidden = simulator.addChannel("Hidden", owner: world.owner)
            simulator.place(other, in: world.group, status: .administrator, rights: [.anonymous, .restrictMembers])
            return try await world.say("/protect \(hidden)", by: other)
        case .lacksInvite:
            let hidden = simulator.addChannel("Hidden", owner: world.owner, bot: .postMessages)
            return try await world.say("/protect \(hidden)")
        case .isPerson: return try await world.say("/protect @anna")
        case .tooMany:
            return try await world.say("/protect @one1 @two2 @three @four @five @six6")
        case .nothing: return try await world.say("/protect")
        }
        return try await world.say("/protect @the_news")
    }

    var expected: String {
        switch self {
        case .isPrivate: "This command only works in groups."
        case .isBasicGroup:
            """
            People can only be muted in a supergroup. Turn this group into one: group settings, chat history for new \
            members, visible. Then send the command again.
            """
        case .isNoAdmin: "Only administrators of this group can use this command."
        case .mayNotRestrict: "Only the owner and administrators who can restrict members can use this command."
        case .isUnknown: Self.notFound("@no_such_channel")
        case .isNoName: Self.notFound("<b>news")
        case .isPerson: Self.notFound("@anna")
        case .botIsNoAdminThere:
            """
            I am not administrator of Far & away. Open the channel, Administrators, Add administrator, and choose \
            me. Then send the command again.
            """
        case .isOwnGroup: "A group cannot be its own required channel."
        case .lacksRestrict: "Please give me these administrator rights first: restrict members."
        case .lacksDelete: "Please give me these administrator rights first: delete messages."
        case .lacksBoth, .botIsMemberHere:
            "Please give me these administrator rights first: restrict members, delete messages."
        case .isForeignPrivate: "Hidden is private. Only an administrator of that channel can require it."
        case .isAnonymous: "Hidden is private, and you are anonymous here. Please send the command as yourself."
        case .lacksInvite:
            "Hidden has no invite link that I may use. Please give me the right to invite users there."
        case .tooMany: "At most 5 channels at once, please."
        case .nothing:
            """
            Which channels are to be required? 1 to 5 of them:
            /protect @channel
            /protect https://t.me/channel
            /protect -1001234567890
            Or reply with /protect to a post forwarded from the channel. With observe at the end I only watch.
            """
        }
    }

    private static func notFound(_ name: String) -> String {
        """
        Channel not found: \(name)
        Usually the name is misspelt, or the channel is private and I am not its administrator yet.
        """
    }
}

@Suite("Protect") struct ProtectTests {
    @Test(.timeLimit(.minutes(1)), arguments: Flaw.allCases)
    @IO fileprivate func `a step that fails is named and leaves nothing`(flaw: Flaw) async throws {
        let world = try await TestWorld()
        #expect(try await flaw.answer(world) == [flaw.expected])
        #expect(try await world.stored() == nil)
        #expect(try await world.ask("SELECT count(*) FROM owners") == "0")
        #expect(try await world.ask("SELECT count(*) FROM enforced_channels") == "0")
        #expect(world.counted.all.isEmpty)
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `channels are linked one by one, refreshed, and the group is enabled again`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let first = try await world.say("/protect https://t.me/the_news")
        #expect(
            first == [
                """
                Talk is protected.

                Required channels:
                • News (@the_news)

                Active: messages, joins, leaves.
                """
            ])
        func protected(_ channels: [RequiredChannel], isEnabled: Bool = true) -> ProtectedGroup {
            ProtectedGroup(
                id: ChatID(world.group), owner: UserID(world.owner), title: "Talk", isEnabled: isEnabled,
                channels: channels)
        }
        let news = RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")
        #expect(try await world.stored() == protected([news]))
        #expect(try await world.ask("SELECT user_id, username FROM owners") == "\(world.owner) anna")
        #expect(world.counted.all.map(\.id) == [ChatID(world.group), ChatID(world.news)])
        #expect(world.counted.all.map(\.isChannel) == [false, true])

        _ = try await world.say("/unprotect")
        #expect(try await world.stored() == protected([news], isEnabled: false))

        // A private channel gets a link of ours, its public neighbour is refreshed with it.
        let hidden = world.simulator.addChannel("Hidden", owner: world.owner)
        world.simulator.world.chats[world.news]?.title = "Newer"
        let second = try await world.say("/protect \(hidden), @THE_news")
        #expect(
            second == [
                """
                Talk is protected.

                Required channels:
                • Newer (@the_news)
                • Hidden

                Active: messages, joins, leaves.
                """
            ])
        let link = try #require(world.simulator.world.chats[hidden]?.links.last)
        #expect(link.name == "Nezuko")
        let both = protected([
            RequiredChannel(id: ChatID(world.news), title: "Newer", username: "the_news"),
            RequiredChannel(id: ChatID(hidden), title: "Hidden", inviteLink: link.url),
        ])
        #expect(try await world.stored() == both)

        // Once more makes no second link.
        _ = try await world.say("/protect \(hidden)")
        #expect(world.simulator.world.chats[hidden]?.links.count == 1)
        #expect(try await world.stored() == both)
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `the owner changes only when the former one is no administrator any more`() async throws {
        let world = try await TestWorld()
        let other = world.simulator.addPerson("Boris", username: "boris")
        world.simulator.place(other, in: world.group, status: .administrator, rights: .all)
        _ = try await world.say("/protect @the_news")
        _ = try await world.say("/protect @the_market", by: other)
        #expect(try await world.stored()?.owner == UserID(world.owner))
        world.simulator.place(world.owner, in: world.group, status: .member)
        world.services.caches.admins.forgetAll()
        _ = try await world.say("/protect @the_market", by: other)
        #expect(try await world.stored()?.owner == UserID(other))
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `when Telegram does not answer nothing is changed`() async throws {
        let world = try await TestWorld()
        world.simulator.failNext(.refused(400, "Bad Request: something"), of: "getChatAdministrators", count: 1)
        #expect(try await world.say("/protect @the_news") == ["Error checking permissions. Please try again."])
        world.simulator.failNext(.tooManyRequests(retryAfter: 30), of: "getChat", count: 1)
        #expect(
            try await world.say("/protect @the_news") == ["Telegram did not answer, try again in a minute."])
        #expect(try await world.stored() == nil)
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases)
    @IO func `another bot that restricts is named, once`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let robot = world.simulator.world.addBot("Shield <3")
        world.simulator.place(robot, in: world.group, status: .administrator, rights: [.manageChat, .restrictMembers])
        let first = try await world.say("/protect @the_news")
        #expect(
            first.first?.hasSuffix(
                """
                Active: messages, joins, leaves.

                Another bot here, Shield <3, may restrict members too. Two such bots un-mute each other's people.
                """) == true)
        #expect(
            try await world.say("/protect @the_market").first?.hasSuffix("Active: messages, joins, leaves.") == true)
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `who protects anonymously does it for the creator, else for the first administrator`() async throws {
        let world = try await TestWorld()
        let other = world.simulator.addPerson("Other")
        world.simulator.place(
            other, in: world.group, status: .administrator, rights: [.anonymous, .manageChat, .restrictMembers])
        _ = try await world.say("/protect @the_news", by: other)
        #expect(try await world.stored()?.owner == UserID(world.owner))
        // The creator has gone.
        world.simulator.place(world.owner, in: world.group, status: .left)
        world.services.caches.admins.forgetAll()
        _ = try await world.say("/protect @the_news", by: other)
        #expect(try await world.stored()?.owner == UserID(other))
        await world.end()
    }
}

extension World {
    /// A bot that is not ours.
    mutating func addBot(_ name: String) -> Int64 {
        let id = addPerson(name)
        persons[id]?.isBot = true
        return id
    }
}
