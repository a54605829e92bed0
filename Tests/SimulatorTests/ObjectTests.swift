// Everything that the simulator sends is held against the description of the Bot API's objects.

import EventLoop
import Foundation
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
struct ObjectTests {
    private let description: ObjectDescription

    init() throws { description = try ObjectDescription.read() }

    /// The methods of the delivery, which need a server.
    private static let ofDelivery: Set<String> = ["getUpdates", "getWebhookInfo", "setWebhook", "deleteWebhook"]
    /// What Telegram still takes, but no longer describes.
    private static let olderNames: Set<String> = ["kickchatmember", "getchatmemberscount"]

    @Test func `every method gives, and every kind of update is, what is described`() {
        var tour = ObjectTour(description)
        tour.run()
        #expect(tour.problems == [])
        #expect(Set(description.methods.keys).subtracting(Self.ofDelivery).subtracting(tour.performed) == [])
        #expect(
            tour.kinds == [
                "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "chat_member",
                "my_chat_member", "chat_join_request", "pre_checkout_query", "message_reaction", "poll", "poll_answer",
                "inline_query", "chosen_inline_result",
            ])
    }

    @Test func `every method of the table and every kind that is told is in the tour`() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Simulator")
        let table = try String(contentsOf: sources.appending(path: "Methods/MethodTable.swift"), encoding: .utf8)
        let names = table.split(separator: "\n").filter { $0.contains("case \"") }
            .flatMap { $0.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) } }
            .filter { !["name", "description", "shortdescription"].contains($0) }
        let described = Set(description.methods.keys.map { $0.lowercased() })
        #expect(names.count > 70)
        #expect(Set(names).subtracting(described).subtracting(Self.olderNames) == [])
    }

    @Test(arguments: 1...12) func `what people do by themselves is told as described`(seed: UInt64) {
        var tour = ObjectTour(description)
        var people = People(seed: seed)
        for _ in 0..<300 {
            people.act(in: &tour.scene.world, now: tour.scene.now)
            tour.scene.pass(seconds: 7)
            tour.takeUpdates()
        }
        #expect(tour.problems == [])
        #expect(tour.kinds.isSuperset(of: ["message", "chat_member"]))
    }

    @Test @IO func `updates, the webhook's state and refusals are as described over HTTP`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let person = served.simulator.addPerson("Ann")
        try served.simulator.personWritesToBot(person, "hello")
        let updates = try await served.call("getUpdates").body["result"]
        #expect(description.problems(of: updates ?? .null, as: "[]Update", at: "getUpdates") == [])
        #expect(updates?.array?.count == 1)
        for set in ["{}", "{\"url\":\"http://127.0.0.1:9/x\",\"allowed_updates\":[\"message\"]}"] {
            _ = try await served.call("setWebhook", set)
            let state = try await served.call("getWebhookInfo").body["result"]
            #expect(description.problems(of: state ?? .null, as: "WebhookInfo", at: "getWebhookInfo") == [])
        }
        for method in description.methods.keys.sorted() {
            let reply = try await served.call(method)
            let isRefused = reply.body["ok"]?.bool == false
            #expect(reply.status == (isRefused ? Int(reply.body["error_code"]?.int ?? 0) : 200), "\(method)")
            #expect(!isRefused || reply.body["description"]?.string?.isEmpty == false, "\(method)")
            #expect(reply.status != 404, "\(method)")
        }
    }

    @Test(arguments: [
        ("{\"id\":1,\"is_bot\":false}", ["u.first_name: missing"]),
        ("{\"id\":\"1\",\"is_bot\":false,\"first_name\":\"A\"}", ["u.id: no Integer"]),
        ("{\"id\":1,\"is_bot\":false,\"first_name\":\"A\",\"age\":3}", ["u.age: unknown"]),
        ("{\"id\":1,\"is_bot\":false,\"first_name\":\"A\",\"is_premium\":false}", ["u.is_premium: no True"]),
        ("{\"id\":1,\"id\":2,\"is_bot\":false,\"first_name\":\"A\"}", ["u: a field stands twice"]),
        ("{\"id\":1,\"is_bot\":false,\"first_name\":\"A\"}", []),
    ])
    func `what is wrong in an object is found`(text: String, expected: [String]) throws {
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(description.problems(of: value, as: "User", at: "u") == expected)
    }

    @Test func `a union takes one of its objects, and tells what is wrong in the closest`() throws {
        let left = try JSONValue(
            parsing: Array("{\"status\":\"left\",\"user\":{\"id\":1,\"is_bot\":false,\"first_name\":\"A\"}}".utf8))
        #expect(description.problems(of: left, as: "ChatMember", at: "m") == [])
        let kicked = try JSONValue(
            parsing: Array("{\"status\":\"kicked\",\"user\":{\"id\":1,\"is_bot\":false,\"first_name\":\"A\"}}".utf8))
        #expect(description.problems(of: kicked, as: "ChatMember", at: "m").count == 1)
    }
}
