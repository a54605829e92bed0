// A whole service in one process for tests: a simulated Telegram, a database of either engine, and the commands between.

import Domain
import EventLoop
import Foundation
import HTTPClient
import HTTPServer
import Handlers
import Observability
import Storage
import TelegramBotAPI
import TestSupport
import Testing

@testable import Simulator

/// The engines over which a test runs.
enum Engine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite
    case postgreSQL

    var testDescription: String { rawValue }
}

@IO
enum Databases {
    private static var template: Task<String, any Error>?

    /// The URL of a new database at head.
    static func migrated(_ engine: Engine) async throws -> String {
        switch engine {
        case .sqlite:
            let url = "sqlite:\(try TestFolder.make())/nezuko.db"
            try await migrate(url)
            return url
        case .postgreSQL:
            let name = try await templateName()
            return try await offload { try PostgreSQLCluster.shared.get().makeDatabase(template: name) }
        }
    }

    private static func migrate(_ url: String) async throws {
        let database = try await Storage.open(url: url, poolMax: 4)
        _ = try await Migrator.up(database)
        await database.close()
    }

    private static func templateName() async throws -> String {
        let task =
            template
            ?? Task { @IO in
                let url = try await offload { try PostgreSQLCluster.shared.get().makeDatabase() }
                try await migrate(url)
                return PostgreSQLCluster.name(in: url)
            }
        template = task
        return try await task.value
    }
}

/// Keeps what would be logged.
@IO
final class LogKeeper: AttemptObserver, LogSink {
    private(set) var rows: [LogRow] = []
    func attempted(_ attempt: Attempt) {}
    func offer(_ row: LogRow) { rows.append(row) }
}

/// An owner with a supergroup and two public channels, in which the bot has all it needs.
@IO
final class TestWorld {
    let simulator: Simulator
    let port: Int
    let url: String
    let database: any Database
    let store: DatabaseStore
    let services: Services
    let telegram: BotCommandTelegram
    let log = LogKeeper()
    private let client = HTTPClient()
    private(set) var tools: CommandTools
    /// Chats that a command wanted counted.
    let counted: Kept<SyncChat>
    /// Effects that a command started.
    let started: Kept<Effect>
    let owner: Int64
    let group: Int64
    let news: Int64
    let market: Int64

    /// A growing list that closures fill.
    @IO final class Kept<Element> {
        var all: [Element] = []
    }

    init(_ engine: Engine = .sqlite) async throws {
        var options = SimulatorOptions()
        options.hasFloodLimits = false
        simulator = Simulator(options: options)
        port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        owner = simulator.addPerson("Anna", username: "anna")
        group = simulator.addGroup("Talk", owner: owner)
        news = simulator.addChannel("News", username: "the_news", owner: owner)
        market = simulator.addChannel("Market", username: "the_market", owner: owner)
        url = try await Databases.migrated(engine)
        database = try await Storage.open(url: url, poolMax: 4)
        store = DatabaseStore(database: database, botID: simulator.world.botID)
        let api = BotAPI(
            baseURL: "http://127.0.0.1:\(port)", token: simulator.options.token, client: client, observer: log)
        services = Services(
            store: store, api: api, caches: Caches(), log: log,
            settings: HandlerSettings(
                botID: UserID(simulator.world.botID), botUsername: simulator.options.botUsername),
            budget: MessageBudget())
        telegram = BotCommandTelegram(api)
        let counted = Kept<SyncChat>()
        let started = Kept<Effect>()
        self.counted = counted
        self.started = started
        tools = CommandTools(
            services: services, caches: services.caches, telegram: telegram,
            verifying: ButtonHandler(services: services), start: { started.all += $0 },
            countSoon: { counted.all += $0 })
    }

    /// Ends the simulator, the database and all connections.
    func end() async {
        simulator.stop()
        await database.close()
        client.close()
    }

    /// Handles what waits for the bot, with a budget of its own unless `commands` is given.
    func handleWaiting(_ commands: Commands? = nil) async throws {
        let commands = commands ?? Commands(tools: tools)
        let waiting = simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        simulator.delivery.queues.confirm(offset: (waiting.last?.id ?? 0) + 1)
        for entry in waiting {
            guard case .message(let message) = try Update(parsing: entry.body).kind,
                let call = CommandCall(message, botUsername: simulator.options.botUsername)
            else { continue }
            await commands.handle(call)
        }
    }

    /// Somebody writes in a chat (`nil`: in private), and the bot handles it. Gives the bot's new messages.
    func say(
        _ text: String, by person: Int64? = nil, in chat: Int64? = nil, inPrivate: Bool = false, thread: Int64? = nil,
        replyTo message: Int64? = nil, _ commands: Commands? = nil
    ) async throws -> [String] {
        let person = person ?? owner
        let place = inPrivate ? person : chat ?? group
        let known = Set(simulator.botMessages(in: place).map(\.id))
        if inPrivate {
            try simulator.personWritesToBot(person, text)
        } else if let message, let replied = simulator.world.chats[place]?.messages[message] {
            _ = try simulator.world.write(
                person, in: place, text,
                extra: [("reply_to_message", simulator.world.messageObject(replied, in: place))], now: WallClock.now)
            simulator.settle()
        } else {
            try simulator.personWrites(person, in: place, text, thread: thread)
        }
        try await handleWaiting(commands)
        return simulator.botMessages(in: place).filter { !known.contains($0.id) }.map(\.text)
    }

    /// All values of a query, columns parted by spaces, rows by commas.
    func ask(_ query: String, _ priority: SQLPriority = .read) async throws -> String {
        let rows = try await database.run([SQLStatement(query)], priority).first ?? []
        return rows.map { row in row.map(\.shown).joined(separator: " ") }.joined(separator: ", ")
    }

    /// The group as stored.
    func stored() async throws -> ProtectedGroup? { try await store.group(ChatID(group)) }

    /// A person is held for `news`, as a message does it.
    func hold(_ person: Int64, for channels: [Int64]) async throws {
        var record = Record(update: nil)
        record.hold = HoldWish(
            group: ChatID(group), user: UserID(person), channels: channels.map { ChatID($0) }, source: .message)
        _ = try await store.record(record)
    }
}
