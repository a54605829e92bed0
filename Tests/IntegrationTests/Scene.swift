// A protected group in the simulated Telegram with the bot's intake and workers: people act, the bot is told, time passes.

import Domain
import EventLoop
import Foundation
import Gate
import Handlers
import JSON
import Storage
import TelegramBotAPI
import TestSupport
import Testing

@testable import Simulator

/// A database that counts what it is asked, and that can be away.
@IO
final class CountingDatabase: Database {
    private let real: any Database
    /// Transactions so far, without the looks of the workers for what is due.
    private(set) var runs = 0
    /// Nothing is answered.
    var isAway = false

    init(_ real: any Database) { self.real = real }

    var dialect: SQLDialect { real.dialect }
    var owner: String { real.owner }
    var isReachable: Bool { !isAway && real.isReachable }

    func run(_ statements: [SQLStatement], _ priority: SQLPriority) async throws(StoreError) -> [[SQLRow]] {
        guard !isAway else { throw .unavailable }
        if priority == .record || !statements.contains(where: { $0.text.contains("effects") }) { runs += 1 }
        return try await real.run(statements, priority)
    }

    func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) { real.onCacheMessage(handler) }
    func close() async { await real.close() }
}

/// What a scene is set up with.
struct SceneSetup {
    /// Whether the second channel is required too.
    var requiresMarket = false
    /// The group's settings.
    var params = GroupParams()
    /// Whether the group has topics.
    var isForum = false
    /// Of positive verdicts, in percent.
    var jitter: Int64 = 0
}

/// A `TestWorld` whose group is protected, with all that handles updates.
@IO
final class Scene {
    /// Scenes that a failed test did not end: their workers go on.
    private static var unended: [ObjectIdentifier: Scene] = [:]
    let world: TestWorld
    let database: CountingDatabase
    let services: Services
    let intake: UpdateIntake
    let group: Int64
    let news: Int64
    let market: Int64
    var simulator: Simulator { world.simulator }

    init(_ engine: Engine, _ setup: SceneSetup = SceneSetup()) async throws {
        world = try await TestWorld(engine)
        let simulator = world.simulator
        group = world.group
        (news, market) = (world.news, world.market)
        if setup.isForum {
            simulator.world.chats[group]?.isForum = true
            simulator.world.chats[group]?.topics[1] = Topic(name: "General")
        }
        simulator.delivery.queues.allow([
            "message", "edited_message", "callback_query", "chat_member", "my_chat_member", "chat_join_request",
        ])
        let real: any Database
        if engine == .postgreSQL {
            try await Self.makeClock(world)
            real = try await Storage.open(url: world.url, poolMax: 4)
        } else {
            real = world.database
        }
        database = CountingDatabase(real)
        let store = DatabaseStore(database: database, botID: simulator.world.botID)
        services = Services(
            store: store, api: world.services.api, caches: Caches(jitterPercent: setup.jitter), log: world.log,
            settings: world.services.settings, budget: MessageBudget())
        let buttons = ButtonHandler(services: services)
        let (services, counted) = (services, world.counted)
        let tools = CommandTools(
            services: services, caches: services.caches, telegram: world.telegram, verifying: buttons,
            start: { services.workers.perform($0) }, countSoon: { counted.all += $0 })
        intake = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
        var channels = [RequiredChannel(id: ChatID(news), title: "News", username: "the_news")]
        if setup.requiresMarket {
            channels.append(RequiredChannel(id: ChatID(market), title: "Market", username: "the_market"))
        }
        try await store.protect(
            Protection(
                group: ChatID(group), title: "Talk", owner: UserID(world.owner), ownerUsername: "anna",
                replacesOwner: false, channels: channels))
        try await set(setup.params)
        Self.unended[ObjectIdentifier(self)] = self
    }

    /// PostgreSQL's clock moves with the loop's: a function of ours stands before the server's.
    static func makeClock(_ world: TestWorld) async throws {
        let name = PostgreSQLCluster.name(in: world.url)
        for text in [
            "CREATE SCHEMA stepped", "CREATE TABLE stepped.ahead (milliseconds bigint)",
            "INSERT INTO stepped.ahead VALUES (0)",
            """
            CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
            'SELECT pg_catalog.clock_timestamp() + (SELECT milliseconds FROM stepped.ahead) * interval ''1 millisecond'''
            """,
            "ALTER DATABASE \"\(name)\" SET search_path = stepped, pg_catalog, public",
        ] {
            _ = try await world.database.run([SQLStatement(text)], .command)
        }
        try await setClock(world)
    }

    static func setClock(_ world: TestWorld) async throws {
        let ahead = WallClock.now.microseconds / 1000 - Int64(Date().timeIntervalSince1970 * 1000)
        _ = try await world.database.run(
            [SQLStatement("UPDATE stepped.ahead SET milliseconds = \(ahead)")], .command)
    }

    /// Ends the scene, waiting for slow answers. Every decision that was stored or offered is made once more from its facts.
    func end() async throws {
        clearFaults()
        await services.workers.drain(graceMilliseconds: 5000)
        let decisions = try await Replay.stored(in: world.database) + Replay.offered(to: world.log)
        #expect(try Replay.differences(of: decisions).isEmpty)
        if database.dialect == .postgreSQL { await database.close() }  // its connections are its own
        await world.end()
        Self.unended[ObjectIdentifier(self)] = nil
    }

    // MARK: - Furnishing

    /// Replaces the group's settings.
    func set(_ params: GroupParams) async throws {
        let old = try await services.store.group(ChatID(group))?.params ?? GroupParams()
        _ = try await services.store.changeParams(
            from: old, to: params, of: ChatID(group), releasing: nil, audit: nil)
        services.caches.groups.forget(ChatID(group))
    }

    /// Somebody in the group who is in none of the channels.
    func stranger(_ name: String = "Stranger") -> Int64 {
        let person = simulator.addPerson(name)
        simulator.place(person, in: group)
        return person
    }

    /// Somebody in the group and in both channels.
    func subscriber(_ name: String = "Subscriber") -> Int64 {
        let person = stranger(name)
        simulator.place(person, in: news)
        simulator.place(person, in: market)
        return person
    }

    /// A verdict as if just seen.
    func note(_ membership: Membership, of person: Int64, in channel: Int64) {
        services.caches.verdicts.note(membership, of: UserID(person), in: ChatID(channel))
    }

    // MARK: - What happens

    /// Hands all waiting updates to the bot, one after another, or all at once.
    @discardableResult
    func deliver(together: Bool = false) async throws -> [Int] {
        let waiting = simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        simulator.delivery.queues.confirm(offset: (waiting.last?.id ?? 0) + 1)
        let intake = intake
        guard together else {
            var answers: [Int] = []
            for entry in waiting { answers.append(await intake.handle(entry.body).status) }
            return answers
        }
        let tasks = waiting.map { entry in Task { @IO in await intake.handle(entry.body).status } }
        var answers: [Int] = []
        for task in tasks { answers.append(await task.value) }
        return answers
    }

    /// Somebody writes, and the bot is told.
    @discardableResult
    func write(_ person: Int64, _ text: String = "hello", thread: Int64? = nil) async throws -> Int64 {
        let message = try simulator.personWrites(person, in: group, text, thread: thread)
        try await deliver()
        return message
    }

    /// Waits until no effect is due or in flight, and tells the bot of what came of them.
    func settle() async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        while Loop.shared.current() < deadline {
            services.workers.wake()
            await Loop.shared.sleep(milliseconds: 2)
            // One look: between two of them a row may be leased, done and followed by another.
            let soon = SQLTime.text(Timestamp(microseconds: WallClock.now.microseconds + 200_000))
            let open = try await ask(
                "SELECT count(*) FROM effects WHERE lease_owner IS NOT NULL OR due_at <= '\(soon)'")
            guard open == "0", services.workers.activeCount == 0 else { continue }
            guard simulator.delivery.queues.count > 0 else { return }
            try await deliver()
        }
        Issue.record("effects never came to an end: \(try await ask("SELECT dedup_key, due_at FROM effects"))")
    }

    /// Waits for what nothing else tells the end of, far longer than it takes.
    func until(
        _ what: String, _ location: SourceLocation = #_sourceLocation, _ isSo: @IO () async throws -> Bool
    ) async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        while try await !isSo() {
            guard Loop.shared.current() < deadline else {
                Issue.record("waited in vain: \(what)", sourceLocation: location)
                return
            }
            await Loop.shared.sleep(milliseconds: 2)
        }
    }

    /// That much time passes, for everybody.
    func pass(seconds: Int64) async throws {
        try await settle()
        Loop.shared.advance(milliseconds: seconds * 1000)
        if database.dialect == .postgreSQL { try await Self.setClock(world) }
        try await settle()
    }

    // MARK: - What is to be seen

    func stands(_ message: Int64) -> Bool { simulator.stands(message, in: group) }
    func isMuted(_ person: Int64) -> Bool {
        !simulator.permissions(of: person, in: group).contains(.sendMessages)
    }
    /// The bot's messages that stand in the group.
    var texts: [String] { simulator.botMessages(in: group).map(\.text) }
    /// Calls of a method so far.
    func calls(_ method: String) -> Int { simulator.callCount(of: method) }
    /// All values of a query.
    func ask(_ query: String) async throws -> String { try await world.ask(query) }
    /// Status, error type, decisive and cached of each row of the verification log, oldest first.
    var log: [String] {
        world.log.rows.compactMap { row in
            guard case .verification(let row) = row else { return nil }
            let marks = (row.isDecisive ? " decisive" : "") + (row.isCached ? " cached" : "")
            let channel = row.channel.value == news ? "news" : "market"
            return "\(channel) \(row.status)\(row.errorType.map { " \($0)" } ?? "")\(marks)"
        }
    }
    func clearFaults() { simulator.clearFaults() }
}

/// Telegram's refusals as faults.
extension Fault {
    static let odd = Fault.refused(400, "Bad Request: something odd")
    static let userUnknown = Fault.refused(400, "Bad Request: user not found")
    static let chatUnknown = Fault.refused(400, "Bad Request: chat not found")
}
