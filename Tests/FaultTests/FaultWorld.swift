// A world of processes: a simulated Telegram, replicas of the service, a database of either engine, a balancer.

import Domain
import EventLoop
import Foundation
import HTTPClient
import JSON
import Storage
import TestSupport
import Testing

/// The engines over which a test runs.
enum Engine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite
    case postgreSQL

    var testDescription: String { rawValue }
}

/// Telegram's answer to one delivery.
struct Delivered: Equatable {
    var status: Int
    var retryAfter: Int?
}

/// A supergroup that is protected by the world's channel.
struct TestGroup: Hashable {
    let id: Int64
    let owner: Int64
}

@IO
final class FaultWorld {
    static let token = "123456:SIMULATOR-TOKEN-FOR-THIS-MACHINE-ONLY"
    static let secret = "a-secret-of-the-fault-tests"
    /// A cluster of these tests alone, since they stop it.
    nonisolated static let cluster = Result { try PostgreSQLCluster() }

    let engine: Engine
    let folder: String
    let url: String
    /// The tests' own look into the database.
    private(set) var database: any Database
    let balancer = Balancer()
    private(set) var replicas: [Replica] = []
    private(set) var channel: Int64 = 0
    private let simulator: Child
    private let base: String
    private let client = HTTPClient()
    private var groupCount = 0

    /// - Parameters:
    ///   - delivers: whether the simulator sends updates to the balancer; else `takeUpdates` has them.
    ///   - databaseFolder: where the SQLite file is, if not in the world's own folder.
    init(_ engine: Engine, delivers: Bool = true, databaseFolder: String? = nil) async throws {
        self.engine = engine
        folder = try TestFolder.make()
        simulator = try Child(["simulate", "--listen", "http://127.0.0.1:0", "--empty", "--rate", "0"], folder: folder)
        base = try await simulator.word(after: "Base URL  ")
        switch engine {
        case .sqlite: url = "sqlite:\(databaseFolder ?? folder)/nezuko.db"
        case .postgreSQL: url = try await offload { try Self.cluster.get().makeDatabase() }
        }
        database = try await Storage.open(url: url, poolMax: 4)
        _ = try await Migrator.up(database)
        try balancer.listen()
        channel = try await id("addChannel", ["title": .string("News"), "username": .string("the_news")])
        if delivers {
            let kinds = [
                "message", "edited_message", "callback_query", "chat_member", "my_chat_member", "chat_join_request",
            ]
            _ = try await call(
                "setWebhook",
                [
                    "url": .string("http://127.0.0.1:\(balancer.port)/webhook"), "secret_token": .string(Self.secret),
                    "allowed_updates": .array(kinds.map { .string($0) }),
                ])
        }
        // A raid's prompts would wait for a minute in the group's budget; nothing here is about budgets.
        try await control("floods", ["limited": .bool(false)])
        // What the tests themselves called is none of the bot's attempts.
        try await control("clearCalls")
    }

    func end() async {
        for replica in replicas { try? await replica.child.annihilate() }
        try? await simulator.annihilate()
        await balancer.end()
        await database.close()
        client.close()
    }

    // MARK: - The service

    /// A process of `serve`.
    @IO
    final class Replica {
        let child: Child
        fileprivate(set) var port = 0
        fileprivate(set) var metricsPort = 0
        fileprivate init(child: Child) { self.child = child }
    }

    /// Starts `serve` and waits until it handles updates; the balancer then knows it.
    @discardableResult
    func serve(_ settings: [String: String] = [:]) async throws -> Replica {
        let replica = try start(settings)
        func port(_ event: String) async throws -> Int {
            let line = try await replica.child.word(after: "\"\(event)\",\"text\":\"http://127.0.0.1:")
            return Int(line) ?? 0
        }
        replica.metricsPort = try await port("metrics_listening")
        replica.port = try await port("listening")
        _ = try await replica.child.word(after: "\"serving")
        replicas.append(replica)
        balancer.targets.append(replica.port)
        return replica
    }

    /// Starts `serve` and does not wait for anything.
    func start(_ settings: [String: String] = [:]) throws -> Replica {
        let state = "\(folder)/state-\(UUID().uuidString.prefix(8))"
        let environment = [
            "BOT_TOKEN": Self.token, "PUBLIC_URL": "https://bot.example", "WEBHOOK_SECRET": Self.secret,
            "TELEGRAM_API_BASE_URL": base, "LISTEN": "http://127.0.0.1:0", "METRICS_PORT": "0",
            "STATE_DIR": state, "DATABASE_URL": url, "LOG_FORMAT": "json", "BOT_RATE_GLOBAL": "0",
            "BOT_RATE_GROUP": "0",
        ]
        return Replica(child: try Child(["serve"], environment: environment.merging(settings) { $1 }, folder: folder))
    }

    /// The replica gets no deliveries from now on.
    func forget(_ replica: Replica) {
        replicas.removeAll { $0 === replica }
        balancer.targets.removeAll { $0 == replica.port }
    }

    /// SIGKILL; what stood still in the simulator then ends without an answer.
    func kill(_ replica: Replica) async throws {
        forget(replica)
        try await replica.child.annihilate()
        try await control("release", ["perform": .bool(false)])
    }

    /// A figure of a replica; several of one name (and with that text in their labels) are added up.
    func metric(_ name: String, _ label: String = "", of replica: Replica) async throws -> Double {
        let text = try await get("http://127.0.0.1:\(replica.metricsPort)/metrics").text
        return text.split(separator: "\n").filter { line in
            line.hasPrefix(name + " ") || (line.hasPrefix(name + "{") && (label.isEmpty || line.contains(label)))
        }.reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? 0) }
    }

    /// Delivers an update past the balancer.
    func deliver(_ update: JSONValue, to replica: Replica) async throws -> Delivered {
        let request = HTTPClientRequest(
            method: "POST", url: "http://127.0.0.1:\(replica.port)/webhook",
            headers: [("X-Telegram-Bot-Api-Secret-Token", Self.secret)], body: update.encoded(),
            timeoutMilliseconds: 20_000)
        let reply = try await client.send(request)
        return Delivered(status: reply.status, retryAfter: reply.header("retry-after").flatMap { Int($0) })
    }

    func get(_ url: String) async throws -> (status: Int, text: String) {
        let reply = try await client.send(HTTPClientRequest(method: "GET", url: url, timeoutMilliseconds: 10_000))
        return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }

    // MARK: - The simulator

    @discardableResult
    func control(_ name: String, _ members: KeyValuePairs<String, JSONValue> = [:]) async throws -> JSONValue {
        try await post("\(base)/control/\(name)", members)
    }

    /// A method call of the tests, as the bot.
    func call(_ method: String, _ members: KeyValuePairs<String, JSONValue> = [:]) async throws -> JSONValue {
        try await post("\(base)/bot\(Self.token)/\(method)", members)
    }

    private func post(_ url: String, _ members: KeyValuePairs<String, JSONValue>) async throws -> JSONValue {
        let body = JSONValue.object(members.map { (key: $0.key, value: $0.value) })
        let reply = try await client.send(
            HTTPClientRequest(
                method: "POST", url: url, headers: [("Content-Type", "application/json")], body: body.encoded(),
                timeoutMilliseconds: 10_000, maximumReplyBytes: 8 << 20))
        let answer = try JSONValue(parsing: reply.body)
        guard answer["ok"]?.bool == true else {
            throw Trouble(description: "\(url.suffix(30)): \(String(decoding: reply.body, as: UTF8.self))")
        }
        return answer
    }

    private func id(_ name: String, _ members: KeyValuePairs<String, JSONValue>) async throws -> Int64 {
        guard let id = try await control(name, members)["id"]?.int else { throw Trouble(description: "\(name): no id") }
        return id
    }

    func person(_ name: String, in group: TestGroup? = nil, isSubscribed: Bool = false) async throws -> Int64 {
        let person = try await id("addPerson", ["name": .string(name)])
        if let group { try await control("place", ["user": .int(person), "chat": .int(group.id)]) }
        if isSubscribed { try await control("place", ["user": .int(person), "chat": .int(channel)]) }
        return person
    }

    /// A new protected group with an owner of its own.
    func group(warningSeconds: Int64? = nil) async throws -> TestGroup {
        groupCount += 1
        let owner = try await person("Owner \(groupCount)", isSubscribed: true)
        let title = "Group \(groupCount)"
        let group = TestGroup(
            id: try await id("addGroup", ["title": .string(title), "owner": .int(owner)]), owner: owner)
        let store = DatabaseStore(database: database, botID: 123_456)
        try await store.protect(
            Protection(
                group: ChatID(group.id), title: title, owner: UserID(owner), ownerUsername: nil, replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(channel), title: "News", username: "the_news")]))
        if let warningSeconds {
            var params = GroupParams()
            params.warningSeconds = warningSeconds
            try await store.setParams(params, of: ChatID(group.id))
        }
        return group
    }

    @discardableResult
    func write(_ person: Int64, in group: TestGroup, _ text: String = "hello") async throws -> Int64 {
        let answer = try await control(
            "write", ["user": .int(person), "chat": .int(group.id), "text": .string(text)])
        return answer["message_id"]?.int ?? 0
    }

    func stands(_ message: Int64, in group: TestGroup) async throws -> Bool {
        try await control("message", ["chat": .int(group.id), "message": .int(message)])["stands"]?.bool == true
    }

    /// Status and whether nothing at all is allowed.
    func member(_ person: Int64, in chat: Int64) async throws -> (status: String, isPresent: Bool, isMuted: Bool) {
        let found = try await control("member", ["user": .int(person), "chat": .int(chat)])
        return (
            found["status"]?.string ?? "", found["is_present"]?.bool == true,
            found["status"]?.string == "restricted" && found["permissions"]?.array?.isEmpty == true
        )
    }

    /// Texts of the bot's messages that stand in a chat.
    func botMessages(in chat: Int64) async throws -> [(id: Int64, text: String)] {
        let list = try await control("botMessages", ["chat": .int(chat)])["messages"]?.array ?? []
        return list.map { ($0["message_id"]?.int ?? 0, $0["text"]?.string ?? "") }
    }

    /// How often the bot called; of one method, or all.
    func callCount(of method: String? = nil) async throws -> Int {
        if let method { return Int(try await control("calls", ["method": .string(method)])["count"]?.int ?? 0) }
        return Int(try await control("calls")["count"]?.int ?? 0)
    }

    /// The bot's calls since they were last forgotten.
    func calls() async throws -> [JSONValue] { try await control("calls")["calls"]?.array ?? [] }

    /// The next such call stands still until the replica is killed or `release` is called.
    func hold(_ method: String, in chat: Int64?, _ when: String = "before", count: Int64 = 1) async throws {
        var members: [(String, JSONValue)] = [
            ("method", .string(method)), ("when", .string(when)), ("count", .int(count)),
        ]
        if let chat { members.append(("chat", .int(chat))) }
        let body = JSONValue.object(members.map { (key: $0.0, value: $0.1) })
        _ = try await client.send(
            HTTPClientRequest(
                method: "POST", url: "\(base)/control/hold", body: body.encoded(), timeoutMilliseconds: 10_000))
    }

    /// How many calls stand still.
    func heldCount() async throws -> Int { try await control("held")["calls"]?.array?.count ?? 0 }

    /// Updates that wait for the bot, taken as `getUpdates` gives them.
    func takeUpdates() async throws -> [JSONValue] {
        let updates = try await call("getUpdates", ["limit": .int(100)])["result"]?.array ?? []
        if let last = updates.last?["update_id"]?.int { _ = try await call("getUpdates", ["offset": .int(last + 1)]) }
        return updates
    }

    /// Nothing waits for the bot any more.
    func allDelivered(seconds: Double = 30) async throws {
        try await until("all updates are taken", seconds: seconds) {
            try await control("state")["pending"]?.int == 0
        }
    }

    // MARK: - The database

    /// Begins a new look: the server was stopped meanwhile.
    func reopenDatabase() async throws {
        await database.close()
        database = try await Storage.open(url: url, poolMax: 4)
    }

    /// All values of a query, columns parted by spaces, rows by commas.
    func ask(_ query: String) async throws -> String {
        let rows = try await database.run([SQLStatement(query)], .read).first ?? []
        return rows.map { row in row.map(Self.shown).joined(separator: " ") }.joined(separator: ", ")
    }

    /// The rows of a query, columns parted by spaces.
    func rows(_ query: String) async throws -> [String] {
        try await ask(query).split(separator: ", ").map { String($0) }
    }

    func change(_ statement: String) async throws { _ = try await database.run([SQLStatement(statement)], .command) }

    func count(_ query: String) async throws -> Int { Int(try await ask("SELECT count(*) FROM " + query)) ?? -1 }

    private static func shown(_ value: SQLValue) -> String {
        switch value {
        case .null: "-"
        case .int(let number): String(number)
        case .text(let text): text
        default: "\(value)"
        }
    }

    /// Effects that are due, or leased: a lease's end is not further away than this.
    var dueSoon: String {
        switch engine {
        case .sqlite: "due_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+20 seconds')"
        case .postgreSQL: "due_at < now() + interval '20 seconds'"
        }
    }

    /// Every recorded effect is done, but those of a later time.
    func effectsDone(seconds: Double = 30) async throws {
        var left = ""
        try await until("effects are done: \(left)", seconds: seconds) {
            left = try await ask("SELECT dedup_key, attempts, lease_owner FROM effects WHERE \(dueSoon)")
            return left.isEmpty
        }
    }

    /// Rows of the log of calls become as many as calls were attempted, and stay so.
    func expectOneRowPerAttempt(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var (rows, calls) = (-1, -2)
        do {
            try await until("\(rows) rows for \(calls) attempts", seconds: 10) {
                rows = try await count("api_call_log")
                calls = try await callCount()
                return rows == calls
            }
        } catch {
            let logged = try await ask("SELECT method, count(*) FROM api_call_log GROUP BY method ORDER BY method")
            Issue.record("\(error); rows: \(logged)", sourceLocation: sourceLocation)
        }
    }

    /// Who is muted is held by one open row and was told; who is held is muted.
    func expectHeldAndTold(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var muted: Set<String> = []
        for chat in try await control("state")["chats"]?.array ?? [] {
            for person in chat["restricted"]?.array ?? [] {
                muted.insert("\(chat["id"]?.int ?? 0) \(person.int ?? 0)")
            }
        }
        let rows = try await rows("SELECT group_id, user_id FROM user_restrictions WHERE lifted_at IS NULL")
        #expect(Set(rows) == muted, sourceLocation: sourceLocation)
        #expect(rows.count == Set(rows).count, sourceLocation: sourceLocation)
        let untold = try await ask(
            "SELECT group_id, user_id, state FROM user_restrictions WHERE lifted_at IS NULL AND (told_at IS NULL OR state <> 'held')"
        )
        #expect(untold.isEmpty, sourceLocation: sourceLocation)
    }
}
