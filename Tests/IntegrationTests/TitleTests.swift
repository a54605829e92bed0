// Titles, public names and broken links follow what Telegram shows: on sight, and by the member sync.

import Domain
import EventLoop
import HTTPServer
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Titles and broken links", .serialized) struct TitleTests {
    @IO private func sync(_ world: TestWorld) async {
        let job = MemberSync(
            store: world.store, telegram: world.telegram, caches: world.services.caches,
            botID: world.services.settings.botID)
        let intake = JobIntake(jobs: [job], store: world.store, token: nil)
        #expect(await intake.run("member-sync").status == 200)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a new title of a group is stored on sight, once an hour`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news")
        let door = Door(world)
        _ = try await door.write(world.owner)
        world.simulator.world.chats[world.group]?.title = "Talk 2"
        _ = try await door.write(world.owner)
        try await door.until { try await world.stored()?.title == "Talk 2" }
        _ = try await door.write(world.owner)
        world.simulator.world.chats[world.group]?.title = "Talk 3"
        _ = try await door.write(world.owner)
        await Loop.shared.sleep(milliseconds: 100)
        #expect(try await world.stored()?.title == "Talk 2")
        Loop.shared.advance(milliseconds: 3_600_001)
        try await door.until {
            _ = try await door.write(world.owner)
            return try await world.stored()?.title == "Talk 3"
        }
        await door.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a channel's new title and name are stored on sight and shown at once`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news")
        let door = Door(world)
        _ = try await door.write(world.owner)
        world.simulator.world.chats[world.news]?.title = "Old News"
        world.simulator.world.chats[world.news]?.username = "the_old_news"
        try world.simulator.personJoins(world.simulator.addPerson("Third"), world.news)
        await door.deliver()
        try await door.until { try await world.stored()?.channels.first?.title == "Old News" }
        #expect(try await world.stored()?.channels.first?.username == "the_old_news")
        await door.until {
            switch world.services.caches.groups.lookup(ChatID(world.group)) {
            case .fresh(let group), .stale(let group): group?.channels.first?.title == "Old News"
            case .missing: true
            }
        }
        await door.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the sync looks at titles once a day`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news @the_market")
        world.simulator.world.chats[world.group]?.title = "Talk 2"
        world.simulator.world.chats[world.market]?.title = "Bazaar"
        world.simulator.clearCalls()
        await sync(world)
        #expect(world.simulator.callCount(of: "getChat") == 3)
        #expect(try await world.stored()?.title == "Talk 2")
        #expect(try await world.stored()?.channels.map(\.title) == ["News", "Bazaar"])
        world.simulator.world.chats[world.group]?.title = "Talk 3"
        for table in ["protected_groups", "enforced_channels"] {
            _ = try await world.ask("UPDATE \(table) SET last_sync_at = NULL RETURNING 1", .command)
        }
        await sync(world)
        #expect(world.simulator.callCount(of: "getChatMemberCount") == 6)
        #expect(world.simulator.callCount(of: "getChat") == 3)
        #expect(try await world.stored()?.title == "Talk 2")
        await world.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a broken link is tried again hourly, and enforced when it is well`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news")
        let door = Door(world)
        let person = world.simulator.addPerson("Third")
        world.simulator.place(person, in: world.group)
        let all = world.simulator.member(world.simulator.world.botID, in: world.news).rights
        world.simulator.setBotRights(in: world.news, nil)
        await door.deliver()
        func health() async throws -> LinkHealth? { try await world.stored()?.channels.first?.health }
        try await door.until { try await health() == .broken }
        let free = try await door.write(person)
        #expect(world.simulator.stands(free, in: world.group))

        // PostgreSQL's clock is not moved: long ago is long ago for both.
        let hourAgo = Timestamp(seconds: 1_000_000_000)
        func untriedForAnHour() async throws {
            _ = try await world.database.run(
                [SQLStatement("UPDATE group_channel_links SET health_since = $1", [.time(hourAgo)])], .command)
        }
        try await untriedForAnHour()
        try await door.until { try await world.ask("SELECT count(*) FROM effects WHERE kind = 'notify'") == "0" }
        world.simulator.clearCalls()
        await sync(world)
        #expect(try await health() == .broken)
        #expect(world.simulator.callCount(of: "getChatMember") == 1)
        await sync(world)
        #expect(world.simulator.callCount(of: "getChatMember") == 1)

        // Telegram's word of it is lost: that alone would end it.
        world.simulator.setBotRights(in: world.news, all)
        world.simulator.delivery.queues.confirm(offset: .max)
        try await untriedForAnHour()
        world.simulator.failNext(.serverError(500), of: "getChatMember", count: 3)
        await sync(world)
        #expect(try await health() == .broken)
        await sync(world)
        #expect(try await health() == .ok)
        let held = try await door.write(person)
        await door.until { !world.simulator.stands(held, in: world.group) }
        await door.end()
    }
}
