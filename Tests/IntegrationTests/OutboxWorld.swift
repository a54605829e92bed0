// A world for tests of the outbox: replicas over one database whose calls can be made to fail, and a held group.

import Domain
import EventLoop
import HTTPClient
import Handlers
import Observability
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

/// A replica's own way to the shared database: with a lease owner of its own, and failures on purpose.
@IO
final class ReplicaDatabase: Database {
    /// How the next transactions of a priority fail.
    enum Failure {
        /// Nothing is done.
        case away
        /// It is done, and nobody learns of it.
        case answerLost
        /// It is done at once, and answered when the completion is finished.
        case answerWaits(Completion<Void, Never>)
    }

    private let base: any Database
    let owner: String
    private var failures: [(priority: SQLPriority, part: String, failure: Failure)] = []
    /// Where words to the other replicas' caches go.
    var toldCaches: @IO (String) -> Void = { _ in }
    /// How many answers were held back.
    private(set) var heldAnswers = 0
    /// How many transactions were asked for.
    private(set) var runs: [SQLPriority: Int] = [:]

    init(_ base: any Database, owner: String) {
        self.base = base
        self.owner = owner
    }

    var dialect: SQLDialect { base.dialect }
    var isReachable: Bool { base.isReachable }

    /// - Parameter part: what the text of a statement has in it.
    func failNext(_ priority: SQLPriority, with part: String = "", _ failure: Failure, count: Int = 1) {
        for _ in 0..<count { failures.append((priority, part, failure)) }
    }

    func heal() { failures = [] }

    func run(_ statements: [SQLStatement], _ priority: SQLPriority) async throws(StoreError) -> [[SQLRow]] {
        runs[priority, default: 0] += 1
        let index = failures.firstIndex { entry in
            entry.priority == priority && (entry.part.isEmpty || statements.contains { $0.text.contains(entry.part) })
        }
        guard let index else {
            let rows = try await base.run(statements, priority)
            for statement in statements where statement.text.contains("nezuko_cache") {
                if case .text(let message)? = statement.parameters.first { toldCaches(message) }
            }
            return rows
        }
        switch failures.remove(at: index).failure {
        case .away: throw .unavailable
        case .answerLost:
            _ = try await base.run(statements, priority)
            throw .unavailable
        case .answerWaits(let completion):
            let rows = try await base.run(statements, priority)
            heldAnswers += 1
            await completion.wait()
            return rows
        }
    }

    func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) {}
    func onEffects(_ handler: @escaping @IO () -> Void) { base.onEffects(handler) }
    func close() async {}
}

/// Writes attempts and rows to the database, as the service does.
@IO
private final class AttemptRows: AttemptObserver {
    private let log: LogWriter
    init(_ log: LogWriter) { self.log = log }

    func attempted(_ attempt: Attempt) {
        log.offer(
            .apiCall(
                APICallRow(
                    method: attempt.method, chat: attempt.chatID, user: attempt.userID, group: attempt.groupID,
                    latencyMilliseconds: attempt.latencyMilliseconds, errorType: attempt.errorType,
                    errorClass: attempt.errorClass, atMicroseconds: attempt.at.microseconds)))
    }
}

/// One process of the service.
@IO
final class Replica {
    let database: ReplicaDatabase
    let store: DatabaseStore
    let log: LogWriter
    let services: Services
    let intake: UpdateIntake
    private let observer: AttemptRows
    private let client = HTTPClient()

    init(_ world: TestWorld, owner: String, timeoutMilliseconds: Int64 = 8000, over base: (any Database)? = nil) {
        database = ReplicaDatabase(base ?? world.database, owner: owner)
        store = DatabaseStore(database: database, botID: world.simulator.world.botID)
        log = LogWriter(store: store)
        observer = AttemptRows(log)
        let api = BotAPI(
            baseURL: "http://127.0.0.1:\(world.port)", token: world.simulator.options.token, client: client,
            observer: observer, timeoutMilliseconds: timeoutMilliseconds)
        services = Services(
            store: store, api: api, caches: Caches(), log: log,
            settings: HandlerSettings(
                botID: UserID(world.simulator.world.botID), botUsername: world.simulator.options.botUsername),
            budget: MessageBudget(global: .unlimited, group: .unlimited, privateChat: .unlimited))
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: services.caches, telegram: BotCommandTelegram(api), verifying: buttons,
            start: { [services] in services.workers.perform($0) }, countSoon: { _ in })
        intake = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
    }

    func stop() async {
        // Slow answers are waited for: nothing may call a simulator that is gone.
        await services.workers.drain(graceMilliseconds: 5000)
        await log.shutdown(milliseconds: 30_000)
        client.close()
    }
}

/// A protected group, one replica, and what tests ask.
@IO
final class OutboxWorld {
    let world: TestWorld
    let first: Replica
    private var replicas: [Replica] = []

    init(_ engine: Engine = .sqlite, timeoutMilliseconds: Int64 = 8000) async throws {
        world = try await TestWorld(engine)
        first = Replica(world, owner: "first", timeoutMilliseconds: timeoutMilliseconds)
        replicas = [first]
        simulator.delivery.queues.allow(["message", "chat_member", "my_chat_member", "callback_query"])
        try await world.store.protect(
            Protection(
                group: group, title: "Talk", owner: UserID(world.owner), ownerUsername: "anna", replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")]))
    }

    var simulator: Simulator { world.simulator }
    var group: ChatID { ChatID(world.group) }
    var store: DatabaseStore { first.store }

    /// Another process beside the first.
    func replica(_ owner: String) -> Replica {
        let replica = Replica(world, owner: owner)
        replicas.append(replica)
        return replica
    }

    func end() async {
        for replica in replicas { await replica.stop() }
        await world.end()
    }

    /// Somebody who is in the group and not in the channel.
    func person(_ name: String = "Ben") -> Int64 {
        let person = simulator.addPerson(name)
        simulator.place(person, in: world.group)
        return person
    }

    /// Updates that wait for the bot.
    func waitingUpdates() -> [[UInt8]] {
        let waiting = simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        simulator.delivery.queues.confirm(offset: (waiting.last?.id ?? 0) + 1)
        return waiting.map(\.body)
    }

    /// Hands what waits to a replica, one after the other.
    @discardableResult
    func deliver(to replica: Replica? = nil) async -> [IntakeAnswer] {
        var answers: [IntakeAnswer] = []
        for body in waitingUpdates() { answers.append(await (replica ?? first).intake.handle(body)) }
        return answers
    }

    /// The person writes, and the replica handles it. Gives the message.
    @discardableResult
    func write(_ person: Int64, to replica: Replica? = nil) async throws -> Int64 {
        let message = try simulator.personWrites(person, in: world.group, "hello")
        await deliver(to: replica)
        return message
    }

    func isMuted(_ person: Int64) -> Bool {
        !simulator.permissions(of: person, in: world.group).contains(.sendMessages)
    }

    /// How often a method was called.
    func calls(_ method: String) -> Int { simulator.callCount(of: method) }

    /// Everything that waits in the outbox, whatever its time: the effects' kinds.
    func waiting() async throws -> String { try await world.ask("SELECT kind FROM effects ORDER BY id") }

    /// Everything that is not in flight is due at once; leases with `leases` too, as when their replica was killed.
    func makeDue(kinds: String = "1=1", leases: Bool = false) async throws {
        let free = leases ? "lease_owner IS NOT NULL" : "lease_owner IS NULL"
        let now = now
        let ends = leases ? ", lease_until = \(now)" : ""
        _ = try await world.database.run(
            [SQLStatement("UPDATE effects SET due_at = \(now)\(ends) WHERE \(free) AND \(kinds)")], .command)
    }

    /// Everything that waits is performed, in rounds, as time would do it.
    func settle(_ replica: Replica? = nil, kinds: String = "kind <> 'expire'", rounds: Int = 5) async throws {
        for _ in 0..<rounds {
            try await makeDue(kinds: kinds)
            (replica ?? first).services.workers.wake()
            try await until("effects end") {
                try await self.world.ask("SELECT count(*) FROM effects WHERE due_at <= \(self.now) AND \(kinds)")
                    == "0" && (replica ?? self.first).services.workers.activeCount == 0
            }
        }
    }

    /// The moment in a statement.
    var now: String {
        world.database.dialect == .sqlite ? "'\(SQLTime.text(WallClock.now))'" : "clock_timestamp()"
    }

    /// A moment that no test reaches.
    var later: String {
        world.database.dialect == .sqlite ? "'2099-01-01T00:00:00.000Z'" : "'2099-01-01T00:00:00Z'"
    }

    /// Waits until something is so.
    func until(
        _ what: String, _ location: SourceLocation = #_sourceLocation, _ isSo: @IO () async throws -> Bool
    ) async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        while try await !isSo() {
            guard Loop.shared.current() < deadline else {
                Issue.record("waited in vain: \(what)", sourceLocation: location)
                return
            }
            await Loop.shared.sleep(milliseconds: 5)
        }
    }

    func text(_ query: String) async throws -> String { try await world.ask(query) }
    func execute(_ text: String) async throws {
        _ = try await world.database.run([SQLStatement(text)], .command)
    }
}

extension OutboxWorld {
    /// The person's hold ends, and whoever works takes the lift.
    func release(_ person: Int64, by replica: Replica? = nil) async throws {
        var record = Record(update: nil)
        record.releases = [ReleaseWish(group: group, user: UserID(person), reason: .verified)]
        let replica = replica ?? first
        guard case .recorded(let recorded) = try await replica.store.record(record) else { return }
        replica.services.workers.perform(recorded.effects)
    }

    /// A hold of that person, recorded as a message makes it; nothing is started. `update` nil: no decision.
    @discardableResult
    func recordHold(_ person: Int64, message: Int64 = 1, in chat: ChatID? = nil) async throws -> Recorded {
        var record = Record(update: nil)
        let chat = chat ?? group
        record.hold = HoldWish(
            group: chat, user: UserID(person), channels: [ChatID(world.news)], source: .message)
        record.effects = [
            .delete(MessageID(message), in: chat), .restrict(UserID(person), in: chat), .prompt(in: chat),
        ]
        guard case .recorded(let recorded) = try await first.store.record(record) else { return Recorded() }
        return recorded
    }
}

extension OutboxWorld {
    /// Deletions that wait for a worker.
    func recordDeletions(_ messages: [Int64], in chat: ChatID? = nil, delayMilliseconds: Int64 = 0) async throws {
        var record = Record(update: nil)
        record.effects = messages.map {
            .delete(MessageID($0), in: chat ?? group, delayMilliseconds: delayMilliseconds)
        }
        _ = try await first.store.record(record)
    }
}
