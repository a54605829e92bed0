// Whether the webhook is ours, as Telegram sees it.

import Domain
import EventLoop
import Storage
import TelegramBotAPI
import Testing

@testable import Handlers
@testable import Simulator

@Suite("The webhook's watch", .serialized) struct WebhookWatchTests {
    private static let url = "http://127.0.0.1:1/webhook"

    /// Telegram takes one a second.
    @IO
    private func set(_ url: String, _ world: TestWorld) async throws {
        Loop.shared.advance(milliseconds: 1100)
        try await world.services.api.setWebhook(WebhookSettings(url: url, secret: "s", maximumConnections: 40))
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases)
    @IO func `an address or kinds that are not ours are found, and that they are ours again`(
        engine: Engine
    ) async throws {
        let world = try await TestWorld(engine)
        let api = world.services.api
        let watch = WebhookWatch(api: api, store: world.store, url: Self.url)
        #expect(await watch.look() == .address, "none is set")
        try await set(Self.url, world)
        #expect(await watch.look() == .ours)
        try await set("http://127.0.0.1:2/other", world)
        #expect(await watch.look() == .address)
        try await set(Self.url, world)
        world.simulator.delivery.queues.allow(["message"])
        #expect(await watch.look() == .kinds)
        try await set("http://127.0.0.1:2/other", world)
        try await set(Self.url, world)
        #expect(await watch.look() == .ours)
        // One replica looks; another one while that is alive does not.
        let database = try await Storage.open(url: world.url, poolMax: 4)
        let other = DatabaseStore(database: database, botID: world.simulator.world.botID)
        #expect(await WebhookWatch(api: api, store: other, url: Self.url).look() == nil)
        await database.close()
        await world.end()
    }
}
