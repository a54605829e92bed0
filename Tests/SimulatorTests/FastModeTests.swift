// The fast mode of benchmarks: right answers, nothing limited, kept or told; and answers from far away.

import EventLoop
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct FastModeTests {
    private func fast(_ change: (inout SimulatorOptions) -> Void = { _ in }) throws -> Served {
        var options = SimulatorOptions()
        options.isFast = true
        change(&options)
        return try Served(options)
    }

    @Test @IO func `the calls of a gate are answered as by the world`() async throws {
        let served = try fast()
        defer { served.simulator.stop() }
        let owner = served.simulator.addPerson("Ann")
        let group = served.simulator.addGroup("Group", owner: owner)
        let channel = served.simulator.addChannel("Channel", username: "news", owner: owner)
        let cases: [(method: String, body: String, path: [String], expected: JSONValue)] = [
            ("getMe", "{}", ["id"], .int(123_456)),
            ("getChatMember", "{\"chat_id\":\(channel),\"user_id\":500}", ["status"], .string("member")),
            ("getChatMember", "{\"chat_id\":\(channel),\"user_id\":501}", ["status"], .string("left")),
            ("getChatMember", "{\"chat_id\":\(group),\"user_id\":501}", ["status"], .string("member")),
            ("getChatMember", "{\"chat_id\":\(group),\"user_id\":501}", ["user", "id"], .int(501)),
            ("getChatMember", "{\"chat_id\":\(group),\"user_id\":\(owner)}", ["status"], .string("creator")),
            ("getChatMember", "{\"chat_id\":\(group),\"user_id\":123456}", ["status"], .string("administrator")),
            ("getChat", "{\"chat_id\":\"@news\"}", ["id"], .int(channel)),
            ("deleteMessage", "{\"chat_id\":\(group),\"message_id\":77}", [], .bool(true)),
            ("deleteMessages", "{\"chat_id\":\(group),\"message_ids\":[77,78]}", [], .bool(true)),
            ("restrictChatMember", "{\"chat_id\":\(group),\"user_id\":501,\"permissions\":{}}", [], .bool(true)),
            ("sendMessage", "{\"chat_id\":\(group),\"text\":\"a\\\"b\"}", ["text"], .string("a\"b")),
            ("sendMessage", "{\"chat_id\":\(group),\"text\":\"x\"}", ["chat", "id"], .int(group)),
            ("editMessageText", "{\"chat_id\":\(group),\"message_id\":9,\"text\":\"x\"}", ["message_id"], .int(9)),
            ("answerCallbackQuery", "{\"callback_query_id\":\"1\"}", [], .bool(true)),
        ]
        for (method, body, path, expected) in cases {
            let reply = try await served.call(method, body)
            #expect(reply.status == 200 && reply.body["ok"]?.bool == true, "\(method)")
            var value = reply.body["result"]
            for name in path { value = value?[name] }
            #expect(value == expected, "\(method) \(body)")
        }
        let count = served.simulator.callCount(of: "getChatMember")
        #expect(count == 6 && served.simulator.calls.isEmpty)
    }

    @Test @IO func `messages get new ids, without limits and without a history`() async throws {
        let served = try fast { $0.faults = FaultRates(percents: "429=100") ?? .low }
        defer { served.simulator.stop() }
        let group = served.simulator.addGroup("Group")
        var ids: Set<Int64> = []
        for _ in 0..<50 {
            let reply = try await served.call("sendMessage", "{\"chat_id\":\(group),\"text\":\"x\"}")
            if let id = reply.body["result"]?["message_id"]?.int { ids.insert(id) }
        }
        #expect(ids.count == 50)
        #expect(served.simulator.botMessages(in: group).isEmpty)
        #expect(served.simulator.deliveryCounts.pending == 0)
    }

    @Test @IO func `forms and names in any case take the usual way, with the same meaning`() async throws {
        let served = try fast()
        defer { served.simulator.stop() }
        let channel = served.simulator.addChannel("Channel")
        for (id, status) in [(500, "member"), (501, "left")] {
            let reply = try await served.call(
                "GETCHATMEMBER", "chat_id=\(channel)&user_id=\(id)", type: "application/x-www-form-urlencoded")
            #expect(reply.body["result"]?["status"]?.string == status)
        }
    }

    @Test(arguments: [false, true]) @IO
    func `answers come as late as Telegram is away`(isFast: Bool) async throws {
        let served = try fast {
            $0.isFast = isFast
            $0.latencyMilliseconds = 30
        }
        defer { served.simulator.stop() }
        let group = served.simulator.addGroup("Group")
        for body in ["{\"chat_id\":\(group),\"text\":\"x\"}", "{}"] {
            let start = Loop.shared.now
            _ = try await served.call("sendMessage", body)
            #expect(Loop.shared.now.milliseconds(since: start) >= 30)
        }
    }
}
