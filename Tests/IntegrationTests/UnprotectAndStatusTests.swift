// /unprotect and /status: what is said and what stands in the rows.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Unprotect and status") struct UnprotectAndStatusTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `protection goes off, keeps its configuration and releases who is held`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        #expect(try await world.say("/unprotect") == ["This group is not protected."])
        _ = try await world.say("/protect @the_news @the_market")
        let held = world.simulator.addPerson("Held")
        try await world.hold(held, for: [world.news])
        #expect(
            try await world.say("/unprotect") == [
                """
                Protection is off. The configuration is kept; /protect switches it on again.
                1 muted member is being released.
                """
            ])
        let group = try #require(try await world.stored())
        #expect(!group.isEnabled)
        #expect(group.channels.map(\.id.value) == [world.news, world.market])
        #expect(
            try await world.ask("SELECT user_id, release_reason FROM user_restrictions") == "\(held) unprotected")
        #expect(
            try await world.ask("SELECT kind, chat_id, user_id FROM effects WHERE kind = 'lift'")
                == "lift \(world.group) \(held)")
        #expect(
            try await world.say("/unprotect") == ["Protection is off already. /protect switches it on again."])
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `channels are dropped one by one; the last one switches off`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news @the_market")
        let (first, second) = (world.simulator.addPerson("First"), world.simulator.addPerson("Second"))
        try await world.hold(first, for: [world.news])
        try await world.hold(second, for: [world.news, world.market])
        #expect(try await world.say("/unprotect @elsewhere") == ["@elsewhere is not required here."])
        #expect(try await world.say("/unprotect nonsense") == ["nonsense is not required here."])
        #expect(
            try await world.say("/unprotect @THE_NEWS") == [
                "News (@the_news) is no longer required. 1 channel is left."
            ])
        #expect(try await world.stored()?.channels.map(\.id.value) == [world.market])
        #expect(try await world.stored()?.isEnabled == true)
        #expect(
            try await world.ask("SELECT kind, user_id FROM effects WHERE kind IN ('lift', 'recheck') ORDER BY user_id")
                == "lift \(first), recheck \(second)")
        #expect(
            try await world.say("/unprotect \(world.market)") == [
                """
                Market (@the_market) is no longer required. It was the last channel, so protection is off and muted \
                members are being released.
                """
            ])
        #expect(try await world.stored()?.channels == [])
        #expect(try await world.stored()?.isEnabled == false)
        #expect(
            try await world.ask(
                "SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL AND release_reason IS NULL") == "0")
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the state of a group is shown from its first day to its last`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        let anybody = world.simulator.addPerson("Anybody")
        world.simulator.place(anybody, in: world.group)
        #expect(
            try await world.say("/status", by: anybody) == [
                """
                Protection: Not protected
                1. Make me administrator here: delete messages, restrict members.
                2. Make me administrator of your channel.
                3. Send /protect @yourchannel.
                """
            ])
        #expect(try await world.say("/status", inPrivate: true) == ["This command only works in groups."])
        _ = try await world.say("/protect @the_news")
        func shown(_ state: String, count: String, channel: String, held: Int, rights: String, notices: String)
            -> [String]
        {
            [
                """
                Protection: \(state)
                Group: Talk, \(count)
                • News (@the_news), \(channel)
                Muted by me now: \(held)
                Last 24 h: 0 verified, 0 restricted
                My rights: \(rights)
                Notices: \(notices)
                """
            ]
        }
        let onlyHere = "only as a line in this group"
        #expect(
            try await world.say("/status", by: anybody)
                == shown(
                    "Active", count: "members: n/a", channel: "subscribers: n/a", held: 0, rights: "complete",
                    notices: onlyHere))
        let sync = MemberSync(
            store: world.store, telegram: world.telegram, caches: world.services.caches,
            botID: world.services.settings.botID)
        await sync.count(world.counted.all)
        _ = try await world.say("/start", inPrivate: true)
        try await world.hold(anybody, for: [world.news])
        world.simulator.setBotRights(in: world.group, [.manageChat, .deleteMessages])
        #expect(
            try await world.say("/status", by: anybody)
                == shown(
                    "Degraded (missing right: restrict members)", count: "3 members (0 min ago)",
                    channel: "2 subscribers (0 min ago)", held: 1, rights: "missing restrict members",
                    notices: "reach the owner in private"))
        world.simulator.setBotRights(in: world.group, .bot)
        _ = try await world.store.setHealth(.broken, of: ChatID(world.news), in: ChatID(world.group))
        #expect(
            try await world.say("/status", by: anybody)
                == shown(
                    "Degraded (no channel can be checked)", count: "3 members (0 min ago)",
                    channel: "2 subscribers (0 min ago) – broken: I cannot check it", held: 1, rights: "complete",
                    notices: "reach the owner in private"))
        _ = try await world.say("/unprotect")
        #expect(try await world.say("/status", by: anybody).first?.hasPrefix("Protection: Disabled\n") == true)
        await world.end()
    }
}
