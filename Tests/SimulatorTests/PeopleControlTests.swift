// What people do by the controls besides writing, seen as the updates that a poller gets.

import EventLoop
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct PeopleControlTests {
    private func poll(_ served: Served) async throws -> [JSONValue] {
        let kinds = "[\"message\",\"poll_answer\",\"message_reaction\",\"inline_query\",\"pre_checkout_query\"]"
        let reply = try await served.call("getUpdates", "{\"allowed_updates\":\(kinds)}")
        return reply.body["result"]?.array ?? []
    }

    @Test @IO func `people send, vote, react, ask and pay`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        _ = try await poll(served)
        let ann = served.simulator.addPerson("Ann")
        let group = served.simulator.addGroup("Group", owner: ann)
        let poll = try await served.call(
            "sendPoll", "{\"chat_id\":\(group),\"question\":\"?\",\"options\":[\"a\",\"b\"],\"is_anonymous\":false}")
        let message = try #require(poll.body["result"]?["message_id"]?.int)
        let acts = [
            ("send", "{\"user\":\(ann),\"kind\":\"photo\",\"caption\":\"Look\"}"),
            ("send", "{\"user\":\(ann),\"chat\":\(group),\"kind\":\"document\",\"file_name\":\"a.pdf\"}"),
            ("send", "{\"user\":\(ann),\"kind\":\"location\"}"), ("send", "{\"user\":\(ann),\"kind\":\"contact\"}"),
            ("vote", "{\"user\":\(ann),\"chat\":\(group),\"message\":\(message),\"options\":[1]}"),
            ("react", "{\"user\":\(ann),\"chat\":\(group),\"message\":\(message),\"emoji\":\"👍\"}"),
            ("askInline", "{\"user\":\(ann),\"text\":\"tea\"}"),
            ("checkOut", "{\"user\":\(ann),\"payload\":\"p\",\"stars\":5}"),
            ("writeToBot", "{\"user\":\(ann),\"text\":\"answer\",\"reply_to\":1}"),
        ]
        for (name, body) in acts {
            let reply = try await served.post("/control/\(name)", body)
            #expect(reply.status == 200, "\(name): \(reply.body)")
        }
        let updates = try await self.poll(served)
        let messages = updates.compactMap { $0["message"] }
        #expect(messages.count == 5)
        #expect(messages.contains { $0["caption"]?.string == "Look" && $0["photo"]?.array?.count == 1 })
        #expect(messages.contains { $0["document"]?["mime_type"]?.string == "application/pdf" })
        #expect(messages.contains { $0["location"]?["latitude"]?.double == 52.52 })
        #expect(messages.contains { $0["contact"]?["user_id"]?.int == ann })
        #expect(messages.contains { $0["reply_to_message"]?["caption"]?.string == "Look" })
        #expect(updates.contains { $0["poll_answer"]?["option_ids"] == .array([.int(1)]) })
        #expect(updates.contains { $0["message_reaction"]?["new_reaction"]?.array?.count == 1 })
        #expect(updates.contains { $0["inline_query"]?["query"]?.string == "tea" })
        #expect(updates.contains { $0["pre_checkout_query"]?["total_amount"]?.int == 5 })
    }

    @Test(arguments: [
        ("send", "{\"user\":1,\"kind\":\"photo\"}"), ("send", "{\"user\":1000001,\"kind\":\"moon\"}"),
        ("vote", "{\"user\":1000001,\"chat\":1,\"message\":1}"), ("react", "{\"user\":1000001}"),
        ("askInline", "{}"), ("chooseInline", "{\"query_id\":\"1\",\"result\":\"a\"}"),
    ]) @IO
    func `what nobody can do is refused`(name: String, body: String) async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        served.simulator.addPerson("Ann")
        let reply = try await served.post("/control/\(name)", body)
        #expect(reply.status == 400 && reply.body["error"]?.string == "unknown")
    }
}
