// Mistakes in groups and channels, made on purpose: each is found, and nothing else.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Doctor: groups", .serialized) struct DoctorGroupTests {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `17: a right that the bot lacks, a basic group, another bot that mutes`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let (world, simulator) = (scene.world, scene.world.simulator)
        simulator.setBotRights(in: world.group, [.deleteMessages])
        try await scene.expect([17: .failure], "In \"Talk\" give the bot \"Ban users\".")
        simulator.setBotRights(in: world.group, nil)
        try await scene.expect([17: .failure], "In \"Talk\" give the bot \"Ban users\" and \"Delete messages\".")
        simulator.setBotRights(in: world.group, .bot)
        let other = simulator.addBot("Warden", username: "warden_bot")
        simulator.ownerPromotes(other, in: world.group, [.deleteMessages])
        try await scene.expect([:])
        simulator.ownerPromotes(other, in: world.group, .bot)
        try await scene.expect([17: .warning], "take the right \"Ban users\" from @warden_bot")
        simulator.ownerPromotes(other, in: world.group, nil)

        let basic = simulator.addGroup("Old\u{1B}[31m", kind: .group, owner: world.owner)
        try await world.store.protect(
            Protection(
                group: ChatID(basic), title: "Old\u{1B}[31m", owner: UserID(world.owner), ownerUsername: nil,
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")]))
        try await scene.expect([17: .failure], "is a basic group", "Convert \"Old [31m\" into a supergroup")
        let supergroup = try simulator.migrate(basic)
        try await scene.expect([17: .warning], "became a supergroup")
        try await world.store.migrate(ChatID(basic), to: ChatID(supergroup))
        try await scene.expect([:])
        simulator.setBotPresence(in: supergroup, .kicked)
        try await scene.expect([17: .failure], "The bot is not in", "as administrator")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `18: a channel without the bot, or whose link leads nowhere`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let (world, simulator) = (scene.world, scene.world.simulator)
        let fix = "Add the bot to News (@the_news) as administrator, then /protect again."
        simulator.setBotRights(in: world.news, nil)
        try await scene.expect([18: .failure], "not administrator of News", fix)
        simulator.setBotPresence(in: world.news, .kicked)
        try await scene.expect([18: .failure], fix)
        simulator.setBotPresence(in: world.news, .member)
        simulator.setBotRights(in: world.news, .bot)
        try await scene.expect([:])
        simulator.world.chats[world.news]?.username = "the_new_news"
        try await scene.expect([18: .failure], "@the_news does not lead to News", fix)
        let forget = "UPDATE enforced_channels SET username = NULL, invite_link = NULL"
        _ = try await world.database.run([SQLStatement(forget)], .command)
        try await scene.expect([18: .failure], "There is no link", "/protect again")
        try await scene.protect()
        simulator.world.chats[world.news]?.username = "the_news"
        _ = try await world.store.setHealth(.broken, of: ChatID(world.news), in: ChatID(world.group))
        try await scene.expect([18: .warning], "still marked broken")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `19: nobody of a group can be told, or an owner of the service`(engine: Engine) async throws {
        let scene = try await DoctorScene(engine)
        let (world, simulator) = (scene.world, scene.world.simulator)
        let fix = "Press Start in the private chat with @nezuko_simulated_bot."
        try await world.store.setCanMessage(false, user: UserID(world.owner), username: nil, language: nil)
        scene.settings.adminIDs = []
        try await scene.expect([19: .warning], "Neither owner nor administrators of \"Talk\"", fix)
        // An administrator will do.
        let helper = simulator.addPerson("Vera")
        simulator.ownerPromotes(helper, in: world.group, .bot)
        try await world.store.setCanMessage(true, user: UserID(helper), username: nil, language: nil)
        try await scene.expect([:])
        scene.settings.adminIDs = [UserID(helper), UserID(world.owner)]
        try await scene.expect([19: .warning], "\(world.owner) of ADMIN_IDS", fix)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `many groups: the time ends first, and that is said`() async throws {
        let scene = try await DoctorScene(.sqlite)
        let (world, simulator) = (scene.world, scene.world.simulator)
        for number in 1...60 {
            let group = simulator.addGroup("Group \(number)", owner: world.owner)
            try await world.store.protect(
                Protection(
                    group: ChatID(group), title: "Group \(number)", owner: UserID(world.owner), ownerUsername: nil,
                    replacesOwner: false,
                    channels: [RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")]))
        }
        try await scene.expect([:])
        simulator.failNext(.tooManyRequests(retryAfter: 30), of: "getChatAdministrators")
        let found = try await scene.findings()
        #expect(found.mapValues(\.outcome) == [17: .unknown, 19: .unknown], "\(found)")
        #expect(found[17]?.why.contains("of 61 groups were looked at") == true)
        simulator.failNext(.slow(milliseconds: 60_000), of: "getChatAdministrators", count: 100)
        let began = ContinuousClock.now
        #expect(try await scene.findings()[17]?.outcome == .unknown)
        // It takes about three; the calls would take a minute each.
        #expect(ContinuousClock.now - began < .seconds(15))
        simulator.clearFaults()
        await scene.end()
    }
}
