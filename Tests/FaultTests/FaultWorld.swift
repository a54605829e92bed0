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
    var database: any Database
    let balancer = Balancer()
    private(set) var replicas: [Replica] = []
    private(set) var channel: Int64 = 0
    private let simulator: Child
    let base: String
    let client = HTTPClient()
    var groupCount = 0

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
}
