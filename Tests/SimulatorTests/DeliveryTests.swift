// Queues, pauses and the webhook. Facts and their sources: docs/simulator.md.

import EventLoop
import HTTPClient
import HTTPServer
import JSON
import Testing

@testable import Simulator

struct QueueTests {
    private func update(_ kind: String, _ queue: QueueKey, expiresAt: Int64 = 100) -> WorldUpdate {
        WorldUpdate(kind: kind, queue: queue, value: .object([]), expiresAt: expiresAt)
    }

    @Test func `W9 one update in flight per chat queue`() throws {
        var queues = UpdateQueues(firstID: 1)
        for queue in [QueueKey.chat(1), .chat(1), .callbacks(9)] { queues.add(update("message", queue)) }
        let head = queues.takeReady(now: 0)
        let first = try #require(head)
        #expect(queues.takeReady(now: 0)?.id == 3)
        #expect(queues.takeReady(now: 0) == nil)
        queues.finished(first)
        #expect(queues.takeReady(now: 0)?.id == 2)
    }

    @Test func `W11 pauses double from 2 s up to the cap, the first repeat comes at once`() {
        let pauses = (1...9).map { Delivery.pause(afterFailures: $0, cap: 77) }
        #expect(pauses == [0, 2000, 4000, 8000, 16_000, 32_000, 64_000, 77_000, 77_000])
    }

    @Test func `W13 what has expired is not sent`() {
        var queues = UpdateQueues(firstID: 1)
        queues.add(update("callback_query", .callbacks(1), expiresAt: 10))
        queues.add(update("callback_query", .callbacks(1), expiresAt: 50))
        #expect(queues.takeReady(now: 10)?.id == 2)
        #expect(queues.count == 1)
    }

    @Test func `chat_member comes only to those who ask, unknown names are left out`() {
        var queues = UpdateQueues(firstID: 1)
        #expect(queues.isAllowed("message") && !queues.isAllowed("chat_member"))
        queues.allow(["chat_member", "no_such_kind"])
        #expect(!queues.isAllowed("message") && queues.isAllowed("chat_member"))
        queues.allow(["no_such_kind"])
        #expect(queues.isAllowed("message"))
    }
}

/// A bot that answers what it is told to answer.
@IO
private final class Bot: HTTPHandler {
    var heads: [HTTPRequestHead] = []
    var ids: [Int64] = []
    var answers: [HTTPResponse] = []
    private var waits: [(count: Int, done: Completion<Void, Never>)] = []

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict { .accept(bodyLimit: 1 << 20) }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        heads.append(request.head)
        ids.append((try? JSONValue(parsing: request.body))?["update_id"]?.int ?? 0)
        responder.send(answers.isEmpty ? .empty(200) : answers.removeFirst())
        for wait in waits where ids.count >= wait.count { wait.done.finish(.success(())) }
    }

    func deliveries(_ count: Int) async {
        guard ids.count < count else { return }
        let done = Completion<Void, Never>()
        waits.append((count, done))
        await done.wait()
    }
}

@Suite(.timeLimit(.minutes(1)))
@IO
struct ServedTests {
    private let client = HTTPClient()

    private func call(_ port: Int, _ path: String, _ body: String = "{}") async throws -> (Int, JSONValue) {
        let response = try await client.send(
            HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(port)\(path)", headers: [("Content-Type", "application/json")],
                body: Array(body.utf8), timeoutMilliseconds: 5000))
        return (response.status, try JSONValue(parsing: response.body))
    }

    private func made() throws -> (Simulator, Int, String) {
        let simulator = Simulator()
        let port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        return (simulator, port, "/bot\(simulator.options.token)")
    }

    @Test @IO func `a wrong token is 401, a malformed one and an unknown method 404`() async throws {
        let (simulator, port, token) = try made()
        defer { simulator.stop() }
        let cases = [
            ("\(token)/getMe", 200), ("\(token)/GETME", 200), ("\(token)/nothing", 404), ("/botx/getMe", 404),
            ("/bot123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe", 401),
        ]
        for (path, status) in cases {
            let reply = try await call(port, path)
            #expect(reply.0 == status, "\(path)")
        }
    }

    @Test @IO func `the webhook gets updates with the secret, failures again, and methods in answers are performed`()
        async throws
    {
        let (simulator, port, token) = try made()
        defer { simulator.stop() }
        let bot = Bot()
        let server = HTTPServer(handler: bot, tls: nil)
        let botPort = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let person = simulator.addPerson("Ann")
        let group = simulator.addGroup("Group")
        simulator.place(person, in: group)
        let method = "{\"method\":\"sendMessage\",\"chat_id\":\(group),\"text\":\"hello\"}"
        bot.answers = [.empty(500), .json(200, Array(method.utf8))]
        let set = try await call(
            port, "\(token)/setWebhook", "{\"url\":\"http://127.0.0.1:\(botPort)/w\",\"secret_token\":\"s3\"}")
        #expect(set.0 == 200)
        try simulator.personWrites(person, in: group, "one")
        try simulator.personWrites(person, in: group, "two")
        await bot.deliveries(3)
        #expect(bot.ids[0] == bot.ids[1] && bot.ids[2] == bot.ids[0] + 1)
        #expect(bot.heads.allSatisfy { $0.headers["x-telegram-bot-api-secret-token"] == "s3" })
        #expect(simulator.botMessages(in: group).map(\.text) == ["hello"])
        let polled = try await call(port, "\(token)/getUpdates")
        #expect(polled.0 == 409)
        await server.drain(graceMilliseconds: 0)
    }

    @Test @IO func `getUpdates waits, gives and forgets what is confirmed; a second poller ends the first`()
        async throws
    {
        let (simulator, port, token) = try made()
        defer { simulator.stop() }
        let person = simulator.addPerson("Ann")
        try simulator.personStarts(person)
        let first = try await call(port, "\(token)/getUpdates", "{\"timeout\":30}")
        let id = try #require(first.1["result"]?.array?.first?["update_id"]?.int)
        let empty = try await call(port, "\(token)/getUpdates", "{\"offset\":\(id + 1)}")
        #expect(empty.1["result"]?.array?.isEmpty == true)
        let waiting = Task { @IO in try await self.call(port, "\(token)/getUpdates", "{\"timeout\":30}") }
        while simulator.webhookMethods.isPolled == false { await Task.yield() }
        let second = try await call(port, "\(token)/getUpdates")
        #expect(second.0 == 200)
        let ended = try await waiting.value
        #expect(ended.0 == 409)
    }

    @Test @IO func `faults: 429 with its wait, 500, no JSON, cut, and done but not answered`() async throws {
        let (simulator, port, token) = try made()
        defer { simulator.stop() }
        let group = simulator.addGroup("Group")
        let send = "{\"chat_id\":\(group),\"text\":\"x\"}"
        simulator.failNext(.tooManyRequests(retryAfter: 7), of: "sendMessage")
        let flood = try await call(port, "\(token)/sendMessage", send)
        #expect(flood.0 == 429 && flood.1["parameters"]?["retry_after"]?.int == 7)
        simulator.failNext(.serverError(500))
        #expect(try await call(port, "\(token)/getMe").0 == 500)
        simulator.failNext(.malformed)
        await #expect(throws: JSONError.self) { try await call(port, "\(token)/getMe") }
        simulator.failNext(.cut)
        await #expect(throws: HTTPClientError.cut) { try await call(port, "\(token)/sendMessage", send) }
        #expect(simulator.botMessages(in: group).isEmpty)
        simulator.failNext(.answerLost)
        await #expect(throws: HTTPClientError.cut) { try await call(port, "\(token)/sendMessage", send) }
        #expect(simulator.botMessages(in: group).count == 1)
    }

    @Test @IO func `another process furnishes the world and looks at it by the controls`() async throws {
        let (simulator, port, _) = try made()
        defer { simulator.stop() }
        let group = try #require(try await call(port, "/control/addGroup", "{\"title\":\"G\"}").1["id"]?.int)
        let person = try #require(try await call(port, "/control/addPerson", "{\"name\":\"P\"}").1["id"]?.int)
        let early = try await call(port, "/control/write", "{\"user\":\(person),\"chat\":\(group),\"text\":\"x\"}")
        #expect(early.0 == 400 && early.1["error"]?.string == "notThere")
        _ = try await call(port, "/control/join", "{\"user\":\(person),\"chat\":\(group)}")
        let written = try await call(port, "/control/write", "{\"user\":\(person),\"chat\":\(group),\"text\":\"x\"}")
        #expect(written.1["message_id"]?.int != nil)
        let state = try await call(port, "/control/state")
        #expect(state.1["chats"]?.array?.first?["members"]?.int == 3)
    }
}
