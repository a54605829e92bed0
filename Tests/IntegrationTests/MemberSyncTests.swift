// The rules of the member count sync over both engines, with a scripted Telegram and a clock that is stepped.

import Domain
import EventLoop
import Foundation
import HTTPServer
import Handlers
import JSON
import Observability
import TelegramBotAPI
import Testing

@testable import Storage

/// Counts by a script; notes each call with its moment.
@IO
private final class ScriptedCounts: CommandTelegram {
    private(set) var calls: [(chat: ChatID, at: Instant)] = []
    private let answer: @IO (ChatID, Int) throws(BotAPIError) -> Int64

    /// The script is given the chat and how often it was asked before.
    init(_ answer: @escaping @IO (ChatID, Int) throws(BotAPIError) -> Int64) { self.answer = answer }

    func memberCount(of chat: ChatID) async throws(BotAPIError) -> Int64 {
        let earlier = calls.count { $0.chat == chat }
        calls.append((chat, Loop.shared.current()))
        return try answer(chat, earlier)
    }

    private var refusal: BotAPIError { BotAPIError(.badRequest, text: "not scripted") }
    func member(_ user: UserID, of chat: ChatID, for group: ChatID?) async throws(BotAPIError) -> ChatMember {
        throw refusal
    }
    func administrators(of chat: ChatID) async throws(BotAPIError) -> [ChatMember] { throw refusal }
    func chat(_ reference: ChatReference, for group: ChatID?) async throws(BotAPIError) -> Chat { throw refusal }
    func makeInviteLink(to channel: ChatID, for group: ChatID) async throws(BotAPIError) -> String { throw refusal }
    func send(
        _ html: String, to chat: ChatID, thread: Int64?, keyboard: InlineKeyboard?
    ) async throws(BotAPIError) -> MessageID { throw refusal }
    func askForChannel(
        _ html: String, to chat: ChatID, button: String, request: Int64
    ) async throws(BotAPIError) -> MessageID { MessageID(0) }
    func edit(
        _ message: MessageID, in chat: ChatID, to html: String, keyboard: InlineKeyboard?
    ) async throws(BotAPIError) { throw refusal }
    func answer(_ query: String, _ text: String?, isAlert: Bool) async throws(BotAPIError) { throw refusal }
    func setCommands(
        _ commands: [(name: CommandName, line: String)], for place: MenuPlace, language: String?
    ) async throws(BotAPIError) { throw refusal }
}

@Suite("Member sync", .serialized) struct MemberSyncTests {
    /// A database with that many groups, -1 to -n, all of today's titles known, and one channel -1000.
    @IO private func store(_ engine: Engine, groups count: Int64) async throws -> DatabaseStore {
        let database = try await Storage.open(url: Databases.migrated(engine), poolMax: 4)
        let store = DatabaseStore(database: database, botID: 7)
        for group in 1...count {
            try await store.protect(
                Protection(
                    group: ChatID(-group), title: "Group", owner: UserID(1), ownerUsername: nil, replacesOwner: false,
                    channels: [RequiredChannel(id: ChatID(-1000), title: "Channel", username: nil)]))
        }
        let all = try await store.chatsToSync(limit: 1000)
        try await store.storeCounts(all.map { ($0, 1) })
        try await run(store, "UPDATE protected_groups SET last_sync_at = NULL")
        return store
    }

    @discardableResult
    @IO private func run(_ store: DatabaseStore, _ text: String, _ values: SQLValue...) async throws -> [SQLRow] {
        try await store.database.run([SQLStatement(text, values)], .command).first ?? []
    }

    /// By the clock of the database: PostgreSQL's is not moved with ours.
    @IO private func now(_ store: DatabaseStore) -> Timestamp {
        store.database.dialect == .sqlite ? WallClock.now : Timestamp(seconds: Int64(Date().timeIntervalSince1970))
    }

    @IO private func ago(_ seconds: Int64, _ store: DatabaseStore) -> SQLValue {
        .time(now(store).adding(seconds: -seconds))
    }

    /// Runs the job; while neither it nor the database has anything to do, the clock is moved.
    @IO private func figures(
        _ store: DatabaseStore, _ telegram: ScriptedCounts, stepMilliseconds: Int64 = 50
    ) async throws -> [String: Int64] {
        let job = MemberSync(store: store, telegram: telegram, caches: Caches(), botID: UserID(7))
        let intake = JobIntake(jobs: [job], store: store, token: nil)
        let done = Completion<[UInt8], Never>()
        Task { @IO in done.finish(.success(await intake.run("member-sync").body)) }
        var quiet = 0
        while !done.isFinished {
            await Loop.shared.sleep(milliseconds: 1)
            quiet = (store.database as? any EngineDatabase)?.connections.active == 0 ? quiet + 1 : 0
            guard quiet > 2 else { continue }
            Loop.shared.advance(milliseconds: stepMilliseconds)
            quiet = 0
        }
        let json = try JSONValue(parsing: await done.wait())
        #expect(json["status"]?.string == "success")
        guard case .object(let members) = json["data"] else { return [:] }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value.int ?? -1) })
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `never counted first, then the longest ago, ten in a second`(engine: Engine) async throws {
        let store = try await store(engine, groups: 6)
        try await run(store, "UPDATE protected_groups SET last_sync_at = $1 WHERE group_id = -1", ago(5000, store))
        try await run(store, "UPDATE protected_groups SET last_sync_at = $1 WHERE group_id = -2", ago(9000, store))
        try await run(store, "UPDATE protected_groups SET last_sync_at = $1 WHERE group_id = -3", ago(100, store))
        try await run(store, "UPDATE protected_groups SET enabled = FALSE WHERE group_id = -6")
        try await run(store, "UPDATE enforced_channels SET last_sync_at = $1", ago(4000, store))
        let telegram = ScriptedCounts { chat, _ in 10 - chat.value }
        let figures = try await figures(store, telegram, stepMilliseconds: 20)
        // -3 was counted just now, -6 is not enabled.
        #expect(telegram.calls.map(\.chat.value) == [-5, -4, -2, -1, -1000])
        for (earlier, later) in zip(telegram.calls, telegram.calls.dropFirst()) {
            #expect(later.at.milliseconds(since: earlier.at) >= 99)
        }
        #expect(figures["groups_synced"] == 4)
        #expect(figures["channels_synced"] == 1)
        #expect(figures["remaining"] == 0)
        #expect((figures["duration_ms"] ?? 0) >= 400)
        let counts = try await run(store, "SELECT member_count FROM protected_groups ORDER BY group_id DESC")
        #expect(counts.map { $0.int(0) } == [11, 12, 1, 14, 15, 1])
        await store.database.close()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a channel without an enabled group is not counted`(engine: Engine) async throws {
        let store = try await store(engine, groups: 1)
        try await run(store, "UPDATE protected_groups SET enabled = FALSE")
        try await run(store, "UPDATE enforced_channels SET last_sync_at = NULL")
        let telegram = ScriptedCounts { _, _ in 1 }
        _ = try await figures(store, telegram)
        #expect(telegram.calls.isEmpty)
        await store.database.close()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `what has not changed for a day is asked hourly, what has every quarter`(engine: Engine) async throws {
        let store = try await store(engine, groups: 3)
        try await run(store, "UPDATE enforced_channels SET last_sync_at = $1", ago(1, store))
        let days = [1, 2].map { CivilDate(now(store).adding(seconds: -86_400 * $0)) }
        for (group, counts) in [(-1, [1, 1]), (-2, [1, 5]), (-3, [5, 1])] {
            for (day, count) in zip(days, counts) {
                let date = "\(day.year)-\(day.month < 10 ? "0" : "")\(day.month)-\(day.day < 10 ? "0" : "")\(day.day)"
                try await run(
                    store, "INSERT INTO member_counts (chat_id, day, count) VALUES (\(group), '\(date)', \(count))")
            }
        }
        func due(_ seconds: Int64) async throws -> [Int64] {
            try await run(store, "UPDATE protected_groups SET last_sync_at = $1", ago(seconds, store))
            return try await store.chatsToSync(limit: 10).map(\.id.value).sorted(by: >)
        }
        #expect(try await due(500).isEmpty)
        #expect(try await due(900) == [-2, -3])
        #expect(try await due(3700) == [-1, -2, -3])
        await store.database.close()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a 429 is waited for five times, a long one skips the chat`(engine: Engine) async throws {
        let store = try await store(engine, groups: 4)
        try await run(store, "UPDATE enforced_channels SET last_sync_at = $1", ago(1, store))
        let telegram = ScriptedCounts { chat, earlier throws(BotAPIError) in
            let seconds: Int64? =
                switch chat.value {
                case -1: earlier < 5 ? 3 : nil
                case -2: 2
                case -3: 61
                default: nil
                }
            if let seconds { throw BotAPIError(.retryAfter, text: "Too Many Requests", retryAfterSeconds: seconds) }
            return 8
        }
        let figures = try await figures(store, telegram, stepMilliseconds: 500)
        func calls(_ chat: Int64) -> [Instant] { telegram.calls.filter { $0.chat.value == chat }.map(\.at) }
        #expect(calls(-1).count == 6)
        for (earlier, later) in zip(calls(-1), calls(-1).dropFirst()) {
            #expect(later.milliseconds(since: earlier) >= 3999)
        }
        #expect(calls(-2).count == 6)
        #expect(calls(-3).count == 1)
        #expect(calls(-4).count == 1)
        #expect(figures["groups_synced"] == 2)
        #expect(figures["groups_failed"] == 2)
        // Counted only by success: who failed is still due.
        #expect(try await store.chatsToSync(limit: 10).map(\.id.value).sorted() == [-3, -2])
        await store.database.close()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a run ends after nine minutes, the next goes on there`(engine: Engine) async throws {
        let store = try await store(engine, groups: 30)
        try await run(store, "UPDATE enforced_channels SET last_sync_at = $1", ago(1, store))
        let telegram = ScriptedCounts { _, _ in
            Loop.shared.advance(milliseconds: 30_000)
            return 2
        }
        let first = try await figures(store, telegram, stepMilliseconds: 20)
        #expect(first["groups_synced"] == 18)
        #expect(first["remaining"] == 12)
        let asked = Set(telegram.calls.map(\.chat))
        let second = try await figures(store, telegram, stepMilliseconds: 20)
        #expect(second["groups_synced"] == 12)
        #expect(second["remaining"] == 0)
        #expect(asked.isDisjoint(with: telegram.calls.dropFirst(18).map(\.chat)))
        await store.database.close()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a pause that would outlast the run is left to the next`(engine: Engine) async throws {
        let store = try await store(engine, groups: 2)
        try await run(store, "UPDATE enforced_channels SET last_sync_at = $1", ago(1, store))
        let telegram = ScriptedCounts { chat, _ throws(BotAPIError) in
            if chat.value == -2 {
                Loop.shared.advance(milliseconds: 8 * 60_000 + 30_000)
                return 2
            }
            throw BotAPIError(.retryAfter, text: "Too Many Requests", retryAfterSeconds: 50)
        }
        let figures = try await figures(store, telegram, stepMilliseconds: 20)
        #expect(figures["groups_synced"] == 1)
        #expect(figures["groups_failed"] == 0)
        #expect(figures["remaining"] == 1)
        #expect((figures["duration_ms"] ?? .max) < 9 * 60_000)
        await store.database.close()
    }
}
