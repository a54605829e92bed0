// The whole way against the simulator and SQLite: somebody writes, is held and told, joins, presses, writes again.

import Domain
import EventLoop
import HTTPClient
import HTTPServer
import Handlers
import Observability
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@IO
private final class Unobserved: AttemptObserver, LogSink {
    func attempted(_ attempt: Attempt) {}
    func offer(_ row: LogRow) {}
}

@Suite("Hold and release", .serialized)
struct HoldAndReleaseTests {
    @Test(.timeLimit(.minutes(1))) @IO
    func `who is not subscribed is held, told, and released by the button`() async throws {
        let simulator = Simulator(options: SimulatorOptions())
        let port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let token = simulator.options.token
        let botID = Int64(token.prefix { $0 != ":" }) ?? 0
        let group = simulator.world.addChat("Group", kind: .supergroup)
        let channel = simulator.world.addChat("Channel", kind: .channel, username: "channel")
        let owner = simulator.world.addPerson("Owner")
        let person = simulator.world.addPerson("Person")
        for chat in [group, channel] {
            simulator.world.place(owner, in: chat, as: Member(status: .creator))
            var bot = Member(status: .administrator)
            bot.rights = .all
            simulator.world.place(botID, in: chat, as: bot)
        }
        simulator.world.place(person, in: group, as: Member(status: .member))

        let database = try await SQLiteDatabase.open(path: nil)
        _ = try await Migrator.up(database)
        let store = DatabaseStore(database: database, botID: botID)
        try await store.protect(
            Protection(
                group: ChatID(group), title: "Group", owner: UserID(owner), ownerUsername: nil, replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(channel), title: "Channel", username: "channel")]))
        let nobody = Unobserved()
        let api = BotAPI(baseURL: "http://127.0.0.1:\(port)", token: token, client: HTTPClient(), observer: nobody)
        let services = Services(
            store: store, api: api, caches: Caches(), log: nobody,
            settings: HandlerSettings(botID: UserID(botID), botUsername: simulator.options.botUsername),
            budget: MessageBudget())
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: services.caches, telegram: BotCommandTelegram(api), verifying: buttons,
            start: { services.workers.perform($0) }, countSoon: { _ in })
        let intake = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
        services.workers.start()
        let polling = GetUpdatesPolling(api: api, intake: intake)
        polling.start()

        let first = try simulator.world.write(person, in: group, "hello", now: WallClock.now)
        simulator.settle()
        func prompt() -> MessageID? {
            simulator.world.chats[group]?.messages.values.first { $0.senderID == botID && !$0.isGone }.map {
                MessageID($0.id)
            }
        }
        func isMuted() -> Bool {
            !simulator.world.permissions(of: person, in: group, now: WallClock.now).contains(.sendMessages)
        }
        // The three effects are performed side by side: none waits for another.
        let deadline = Loop.shared.current().adding(milliseconds: 20_000)
        while prompt() == nil || !isMuted() || simulator.world.stands(first, in: group),
            Loop.shared.current() < deadline
        { await Loop.shared.sleep(milliseconds: 20) }
        #expect(!simulator.world.stands(first, in: group))
        #expect(isMuted())
        #expect(try await store.openHold(of: UserID(person), in: ChatID(group)) != nil)

        try simulator.world.join(person, channel, now: WallClock.now)
        let message = try #require(prompt())
        _ = try simulator.world.press(
            person, message: message.value, in: group, data: "verify:\(person)", now: WallClock.now)
        simulator.settle()
        while !simulator.world.permissions(of: person, in: group, now: WallClock.now).contains(.sendMessages) {
            await Loop.shared.sleep(milliseconds: 20)
        }
        let second = try simulator.world.write(person, in: group, "thanks", now: WallClock.now)
        simulator.settle()
        while prompt() != nil { await Loop.shared.sleep(milliseconds: 20) }
        #expect(simulator.world.stands(second, in: group))
        #expect(try await store.openHold(of: UserID(person), in: ChatID(group)) == nil)
        simulator.stop()
        await services.workers.drain(graceMilliseconds: 1000)
    }
}
