// The default world, its people, and that a run follows from its seed: two runs' call logs are compared.

import EventLoop
import HTTPClient
import JSON
import Testing

@testable import Simulator

/// A bot that guards by polling: it mutes who is not subscribed, prompts, and lets go at the button.
@IO
private final class PollingBot {
    private let served: Served
    private var offset: Int64 = 0
    private let channels: [Int64]

    init(_ served: Served) {
        self.served = served
        let world = served.simulator.world
        channels = world.chatOrder.filter { world.chats[$0]?.kind == .channel }
    }

    /// Handles everything that waits.
    func turn() async throws {
        let kinds = "[\"message\",\"callback_query\",\"chat_member\"]"
        let reply = try await served.call("getUpdates", "{\"offset\":\(offset),\"allowed_updates\":\(kinds)}")
        for update in reply.body["result"]?.array ?? [] {
            offset = (update["update_id"]?.int ?? 0) + 1
            if let message = update["message"], message["text"] != nil { await handle(message) }
            if let query = update["callback_query"] { await press(query) }
        }
    }

    private func handle(_ message: JSONValue) async {
        guard let chat = message["chat"]?["id"]?.int, let user = message["from"]?["id"]?.int else { return }
        if await isSubscribed(user) { return }
        await call("deleteMessage", "{\"chat_id\":\(chat),\"message_id\":\(message["message_id"]?.int ?? 0)}")
        await call("restrictChatMember", permissions(false, of: user, in: chat))
        let button = "{\"inline_keyboard\":[[{\"text\":\"Joined\",\"callback_data\":\"verify:\(user)\"}]]}"
        await call("sendMessage", "{\"chat_id\":\(chat),\"text\":\"Join first\",\"reply_markup\":\(button)}")
    }

    private func press(_ query: JSONValue) async {
        guard let user = query["from"]?["id"]?.int, let chat = query["message"]?["chat"]?["id"]?.int,
            let id = query["id"]?.string
        else { return }
        let isSubscribed = await isSubscribed(user)
        await call("answerCallbackQuery", "{\"callback_query_id\":\"\(id)\",\"text\":\"\(isSubscribed)\"}")
        if isSubscribed { await call("restrictChatMember", permissions(true, of: user, in: chat)) }
    }

    private func isSubscribed(_ user: Int64) async -> Bool {
        for channel in channels {
            let reply = await call("getChatMember", "{\"chat_id\":\(channel),\"user_id\":\(user)}")
            if reply?["result"]?["status"]?.string == "left" { return false }
        }
        return true
    }

    private func permissions(_ isAllowed: Bool, of user: Int64, in chat: Int64) -> String {
        let all = JSONValue.object(Permissions.names.map { ($0, .bool(isAllowed)) }).encoded()
        return "{\"chat_id\":\(chat),\"user_id\":\(user),\"permissions\":\(String(decoding: all, as: UTF8.self))}"
    }

    @discardableResult
    private func call(_ method: String, _ body: String) async -> JSONValue? {
        // Faults are part of the run: what fails is left, as in a bot that does not repeat.
        do { return try await served.call(method, body).body } catch { return nil }
    }
}

@Suite(.timeLimit(.minutes(1)))
@IO
struct SeedTests {
    /// The call log of some simulated minutes, one line a call, without times.
    private func run(seed: UInt64, firstID: Int64? = nil) async throws -> [String] {
        var options = SimulatorOptions()
        options.seed = seed
        options.firstUpdateID = firstID
        // Floods depend on the very millisecond.
        options.hasFloodLimits = false
        options.faults = FaultRates(percents: "429=3,5xx=3,malformed=3,cut=3,lost=3") ?? options.faults
        let served = try Served(options)
        served.simulator.furnishDefaultWorld()
        let bot = PollingBot(served)
        var people = People(seed: seed)
        for _ in 0..<150 {
            // One person acts, then the bot does: on the loop's timers a slow machine would mix their turns.
            Loop.shared.advance(milliseconds: 1000)
            people.act(in: &served.simulator.world, now: WallClock.now)
            served.simulator.settle()
            // A poll that fails on purpose comes again in the next round.
            do { try await bot.turn() } catch {}
        }
        served.simulator.stop()
        return served.simulator.calls.map { call in
            let numbers = [call.chatID, call.userID, call.messageID].map { $0.map(String.init) ?? "-" }
            return
                "\(call.method) \(numbers) \(call.text ?? "") \(call.status) \(call.description ?? "") \(call.isFault)"
        }
    }

    @Test @IO func `the same seed gives the same calls and faults, another seed gives others`() async throws {
        let first = try await run(seed: 11)
        let again = try await run(seed: 11)
        #expect(first == again)
        #expect(
            first.contains { $0.hasPrefix("sendMessage") } && first.contains { $0.hasPrefix("answerCallbackQuery") })
        #expect(first.contains { $0.hasSuffix("true") })
        #expect(try await run(seed: 12) != first)
    }

    @Test @IO func `where update ids begin changes nothing else`() async throws {
        #expect(try await run(seed: 11) == run(seed: 11, firstID: SimulatorOptions.freshUpdateID()))
    }

    @Test @IO func `a later world begins its update ids above those of an earlier one, below 32 bits`() async throws {
        func ids(_ first: Int64?) throws -> [Int64] {
            var options = SimulatorOptions()
            options.firstUpdateID = first
            let simulator = Simulator(options: options)
            let person = simulator.addPerson("Ann")
            for _ in 0..<100 { try simulator.personWritesToBot(person, "hello") }
            return simulator.delivery.queues.list(limit: 100, now: 0).map(\.id)
        }
        let early = try ids(SimulatorOptions.freshUpdateID())
        Loop.shared.advance(milliseconds: 10_000)
        let late = try ids(SimulatorOptions.freshUpdateID())
        #expect(early.count == 100 && late.count == 100)
        #expect(early.max() ?? .max < late.min() ?? 0)
        #expect(late.max() ?? .max < 1 << 31)
        #expect(try ids(nil) == ids(nil))
    }

    @Test @IO func `the default world has three groups, two channels and people on both sides of the gate`() throws {
        let simulator = Simulator()
        simulator.furnishDefaultWorld()
        let chats = simulator.world.chatOrder.compactMap { simulator.world.chats[$0] }
        #expect(chats.count { $0.kind == .supergroup } == 3 && chats.count { $0.kind == .channel } == 2)
        #expect(simulator.world.people.count == 42)
        for chat in chats {
            #expect(simulator.member(simulator.world.botID, in: chat.id).isAdmin)
            #expect(chat.memberCount > 20)
        }
        let outside = simulator.world.people.filter { person in
            chats.contains { $0.kind == .channel && !simulator.member(person, in: $0.id).isPresent }
        }
        #expect(outside.count > 10)
        simulator.ownersProtectGroups()
        let waiting = simulator.delivery.queues.list(limit: 100, now: 0)
        #expect(waiting.count == 3 && waiting.allSatisfy { $0.kind == "message" })
    }

    @Test @IO func `a raid brings people who write once each, over the time`() async throws {
        let simulator = Simulator()
        let group = simulator.addGroup("Group")
        let raiders = simulator.raid(group, people: 20, seconds: 200)
        await pass(seconds: 95)
        #expect(simulator.deliveryCounts.pending == 10)
        await pass(seconds: 100)
        #expect(simulator.deliveryCounts.pending == 20)
        #expect(raiders.count == 20 && Set(raiders).count == 20)
    }
}
