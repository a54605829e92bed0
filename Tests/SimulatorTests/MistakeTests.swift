// Mistakes on purpose: what the controls change, and only that.

import EventLoop
import HTTPClient
import HTTPServer
import JSON
import Testing

@testable import Simulator

@Suite("Simulator: mistakes", .serialized) struct MistakeTests {
    @Test @IO func `the date, the right to be added, the last error, another bot`() async throws {
        let simulator = Simulator()
        let port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let client = HTTPClient()
        func post(_ path: String, _ body: String = "{}") async throws -> (HTTPClientResponse, JSONValue) {
            let reply = try await client.send(
                HTTPClientRequest(
                    method: "POST", url: "http://127.0.0.1:\(port)\(path)",
                    headers: [("Content-Type", "application/json")], body: Array(body.utf8),
                    timeoutMilliseconds: 10_000))
            return (reply, try JSONValue(parsing: reply.body))
        }
        let bot = "/bot\(simulator.options.token)"
        let (usual, me) = try await post("\(bot)/getMe")
        let date = try #require(usual.header("date").flatMap { Timestamp(httpDate: $0) })
        #expect(abs(date.seconds - WallClock.now.seconds) <= 1)
        #expect(me["result"]?["can_join_groups"]?.bool == true)

        _ = try await post("/control/dateAhead", #"{"seconds":-3600}"#)
        _ = try await post("/control/mayJoinGroups", #"{"allowed":false}"#)
        let (skewed, other) = try await post("\(bot)/getMe")
        let late = try #require(skewed.header("date").flatMap { Timestamp(httpDate: $0) })
        #expect(abs(late.seconds + 3600 - WallClock.now.seconds) <= 1)
        #expect(other["result"]?["can_join_groups"]?.bool == false)
        let (refused, _) = try await post("/bot123456:A-TOKEN-THAT-NOBODY-HAS-AT-ALL-HERE/getMe")
        #expect(refused.status == 401)
        #expect(refused.header("date") != nil)

        _ = try await post("/control/webhookError", #"{"text":"Connection timed out","seconds_ago":60}"#)
        let (_, info) = try await post("\(bot)/getWebhookInfo")
        #expect(info["result"]?["last_error_message"]?.string == "Connection timed out")
        #expect(info["result"]?["last_error_date"]?.int.map { abs($0 + 60 - WallClock.now.seconds) <= 1 } == true)

        let people = simulator.world.people.count
        let (_, made) = try await post("/control/addBot", #"{"name":"Warden","username":"warden_bot"}"#)
        let id = try #require(made["id"]?.int)
        #expect(simulator.world.persons[id]?.isBot == true)
        #expect(simulator.world.people.count == people)
        simulator.stop()
        client.close()
    }
}
