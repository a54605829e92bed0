// Deliveries over HTTP with a clock that is moved by hand: pauses, limits and ends.
// Facts and their sources: docs/simulator.md; `WebhookActor` is a file of github.com/tdlib/telegram-bot-api.

import EventLoop
import HTTPServer
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct WebhookTests {
    /// A simulator with a webhook, and people who started the bot: each is a queue.
    @IO
    private final class Scene {
        let served: Served
        let bot: WebhookBot
        let people: [Int64]
        var simulator: Simulator { served.simulator }

        init(people count: Int = 1, maximumConnections: Int = 40) async throws {
            served = try Served()
            bot = try WebhookBot()
            people = (0..<count).map { [served] in served.simulator.addPerson("Person \($0)") }
            let reply = try await served.call(
                "setWebhook", "{\"url\":\"\(bot.url)\",\"max_connections\":\(maximumConnections)}")
            #expect(reply.status == 200)
        }

        func everybodyWrites() throws {
            for person in people { try simulator.personWritesToBot(person, "hello") }
        }

        func failures(_ count: Int) async { await until { simulator.deliveryCounts.failed >= count } }

        func end() async {
            simulator.stop()
            await bot.stop()
        }
    }

    private static func unavailable(after seconds: String) -> HTTPResponse {
        HTTPResponse(status: 503, headers: [("Retry-After", seconds)], body: [])
    }

    // WebhookActor on_update_error; HttpQuery.cpp get_retry_after
    @Test(arguments: [("30", 20.0, 11.0), ("100000", 3590.0, 11.0)]) @IO
    func `W12 Retry-After of an error is honoured, up to an hour`(
        header: String, early: Double, rest: Double
    ) async throws {
        let scene = try await Scene()
        scene.bot.answers = [Self.unavailable(after: header)]
        try scene.everybodyWrites()
        await scene.failures(1)
        await pass(seconds: early)
        #expect(scene.bot.ids.count == 1 && scene.simulator.delivery.inFlightCount == 0)
        await pass(seconds: rest)
        await until { scene.bot.ids.count == 2 }
        #expect(scene.bot.ids[0] == scene.bot.ids[1])
        await scene.end()
    }

    // WebhookActor on_update_error
    @Test @IO func `W11 a failing queue is repeated at once, then after 2, 4 and 8 s; others go on`() async throws {
        let scene = try await Scene(people: 2)
        scene.bot.answers = (0..<5).map { _ in .empty(500) }
        try scene.simulator.personWritesToBot(scene.people[0], "hello")
        await scene.failures(2)
        for (failures, pause) in [(3, 2.0), (4, 4), (5, 8)] {
            await pass(seconds: pause - 1)
            #expect(scene.simulator.delivery.inFlightCount == 0, "before the pause of \(pause) s is over")
            await pass(seconds: 1.1)
            await scene.failures(failures)
        }
        try scene.simulator.personWritesToBot(scene.people[1], "hello")
        await until { scene.bot.ids.count == 6 }
        #expect(Set(scene.bot.ids.prefix(5)).count == 1 && scene.bot.ids[5] == scene.bot.ids[0] + 1)
        await scene.end()
    }

    // WebhookActor create_connection
    @Test @IO func `W8 an answer that takes 60 s is a failure, and the update comes again`() async throws {
        let scene = try await Scene()
        scene.bot.isSilent = true
        try scene.everybodyWrites()
        await until { scene.bot.ids.count == 1 }
        await pass(seconds: 55)
        #expect(scene.simulator.deliveryCounts.failed == 0)
        await pass(seconds: 6)
        await scene.failures(1)
        await until { scene.bot.ids.count == 2 }
        #expect(scene.bot.ids[0] == scene.bot.ids[1])
        let info = try await scene.served.call("getWebhookInfo")
        #expect(info.body["result"]?["last_error_message"]?.string == "Read timeout expired")
        await scene.end()
    }

    // Client.cpp, third argument of each add_update
    @Test @IO func `W13 a button press that could not be delivered for 150 s is dropped, a message is not`()
        async throws
    {
        let scene = try await Scene()
        let person = scene.people[0]
        try scene.simulator.personStarts(person)
        await until { scene.simulator.deliveryCounts.delivered == 1 }
        let sent = try await scene.served.call(
            "sendMessage",
            "{\"chat_id\":\(person),\"text\":\"x\",\"reply_markup\":{\"inline_keyboard\":[[{\"text\":\"Go\",\"callback_data\":\"go\"}]]}}"
        )
        let message = try #require(sent.body["result"]?["message_id"]?.int)
        scene.bot.answers = [Self.unavailable(after: "200"), Self.unavailable(after: "200")]
        try scene.simulator.personPresses(person, message: message, in: person, data: "go")
        try scene.simulator.personWritesToBot(person, "hello")
        await scene.failures(2)
        await pass(seconds: 201)
        await until { scene.bot.ids.count == 4 }
        #expect(scene.bot.ids[3] == scene.bot.ids[0] + 2)
        await until { scene.simulator.deliveryCounts.pending == 0 }
        await scene.end()
    }

    // WebhookActor WEBHOOK_DROP_TIMEOUT
    @Test @IO func `W14 the webhook is deleted after 23 h of 410 Gone, not by fewer or by others between`() async throws
    {
        let scene = try await Scene()
        scene.bot.answers = [.empty(410), .empty(500)] + (0..<30).map { _ in .empty(410) }
        try scene.everybodyWrites()
        await scene.failures(3)
        // Every repetition is at most two minutes later, so each hour brings another 410.
        for hour in 1...23 {
            #expect(scene.simulator.delivery.webhook != nil, "after \(hour - 1) h")
            await pass(seconds: 3600)
            await scene.failures(3 + hour)
        }
        #expect(scene.simulator.delivery.webhook == nil)
        let info = try await scene.served.call("getWebhookInfo")
        #expect(info.body["result"]?["url"]?.string == "")
        await scene.end()
    }

    // core.telegram.org/bots/api#setwebhook (max_connections)
    @Test @IO func `W15 no more than max_connections are in flight`() async throws {
        let scene = try await Scene(people: 5, maximumConnections: 2)
        scene.bot.isSilent = true
        try scene.everybodyWrites()
        await until { scene.bot.ids.count == 2 }
        await pass(seconds: 5)
        #expect(scene.simulator.delivery.inFlightCount == 2 && scene.bot.ids.count == 2)
        while scene.simulator.deliveryCounts.delivered < 5 {
            scene.bot.answerAll()
            await pass(seconds: 0)
            #expect(scene.simulator.delivery.inFlightCount <= 2)
        }
        await scene.end()
    }

    // WebhookActor create_new_connections
    @Test @IO func `W15 ten connections are opened in half a second, the others later`() async throws {
        let scene = try await Scene(people: 25)
        scene.bot.isSilent = true
        try scene.everybodyWrites()
        // A slow machine may be another window ahead, never behind.
        for expected in [10...10, 20...25, 25...25] {
            #expect(expected.contains(scene.simulator.delivery.inFlightCount))
            await pass(seconds: 0.6)
        }
        await scene.end()
    }

    // Client.cpp, webhook_queue_id at each add_update; WebhookActor queues_
    @Test @IO func `W9 one update of a chat is in flight, others wait for it; other queues do not`() async throws {
        let scene = try await Scene(people: 2)
        scene.bot.isSilent = true
        let group = scene.simulator.addGroup("Group")
        for person in scene.people {
            scene.simulator.place(person, in: group)
            try scene.simulator.personWrites(person, in: group, "hello")
        }
        try scene.everybodyWrites()
        await until { scene.bot.ids.count == 3 }
        await pass(seconds: 5)
        let first = try #require(scene.bot.ids.min())
        #expect(scene.bot.ids.sorted() == [first, first + 2, first + 3])
        scene.bot.answerAll()
        await until { scene.bot.ids.count == 4 }
        #expect(scene.bot.ids.last == first + 1)
        await scene.end()
    }

    // core.telegram.org/bots/api#update
    @Test @IO func `W17 an update that was on its way when the address changed comes to both`() async throws {
        let scene = try await Scene()
        scene.bot.isSilent = true
        try scene.everybodyWrites()
        await until { scene.bot.ids.count == 1 }
        let second = try WebhookBot()
        await pass(seconds: 2)
        let reply = try await scene.served.call("setWebhook", "{\"url\":\"\(second.url)\"}")
        #expect(reply.status == 200)
        await until { second.ids.count == 1 }
        #expect(second.ids == scene.bot.ids)
        scene.bot.answerAll()
        await second.stop()
        await scene.end()
    }

    // WebhookActor handle
    @Test @IO func `W20 methods about the webhook or that read are not performed from an answer`() async throws {
        let scene = try await Scene()
        let group = scene.simulator.addGroup("Group")
        let methods = ["{\"method\":\"deleteWebhook\"}", "{\"method\":\"getMe\"}", "{\"method\":"]
        scene.bot.answers = methods.map { .json(200, Array($0.utf8)) }
        scene.bot.answers.append(
            HTTPResponse(
                status: 200, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("method=sendMessage&chat_id=\(group)&text=hi".utf8)))
        for _ in 0..<4 { try scene.everybodyWrites() }
        await until { scene.simulator.deliveryCounts.delivered == 4 }
        #expect(scene.simulator.delivery.webhook != nil)
        #expect(scene.simulator.calls.map(\.method) == ["setWebhook", "sendmessage"])
        await scene.end()
    }

    // Client.cpp process_set_webhook_query
    @Test @IO func `setWebhook again within a second is 429, with the same values it is nothing`() async throws {
        let scene = try await Scene()
        let same = try await scene.served.call("setWebhook", "{\"url\":\"\(scene.bot.url)\"}")
        #expect(same.status == 200)
        let other = try await scene.served.call("setWebhook", "{\"url\":\"\(scene.bot.url)2\"}")
        #expect(other.status == 429 && other.body["parameters"]?["retry_after"]?.int == 1)
        let secret = try await scene.served.call(
            "setWebhook", "{\"url\":\"\(scene.bot.url)\",\"secret_token\":\"a b\"}")
        #expect(secret.body["description"]?.string == "Bad Request: secret token contains unallowed characters")
        await scene.end()
    }
}

struct RampTests {
    // WebhookActor create_new_connections, start_up
    @Test func `W15 when nothing has succeeded for 10 s one connection is tried in 2 s, until one succeeds`() {
        let start = Instant(nanoseconds: 0)
        var ramp = ConnectionRamp(now: start)
        for _ in 0..<10 { ramp.opened(at: start) }
        #expect(ramp.wait(at: start.adding(milliseconds: 100)) == 400)
        #expect(ramp.wait(at: start.adding(milliseconds: 500)) == 0)
        for _ in 0..<10 { ramp.closed() }
        let later = start.adding(milliseconds: 10_001)
        #expect(ramp.wait(at: later) == 0)
        ramp.opened(at: later)
        #expect(ramp.wait(at: later.adding(milliseconds: 500)) == 1500)
        #expect(ramp.wait(at: later.adding(milliseconds: 2000)) == 0)
        ramp.succeeded(at: later.adding(milliseconds: 600))
        #expect(ramp.wait(at: later.adding(milliseconds: 600)) == 0)
        #expect(ramp.open == 1)
    }

    // WebhookActor start_up
    @Test func `W16 twice max_connections are looked at, the rest waits even for free queues`() throws {
        var queues = UpdateQueues(firstID: 1)
        queues.load(upTo: 2)
        for queue in [QueueKey.chat(1), .chat(1), .chat(1), .chat(2)] {
            queues.add(WorldUpdate(kind: "message", queue: queue, value: .object([]), expiresAt: 100))
        }
        for expected in [1, 2] as [Int64] {
            let head = queues.takeReady(now: 0)
            let update = try #require(head)
            #expect(update.id == expected)
            #expect(!queues.hasReady, "the free queue of update 4 is not looked at")
            queues.finished(update)
        }
        for expected in [4, 3] as [Int64] {
            let head = queues.takeReady(now: 0)
            let update = try #require(head)
            #expect(update.id == expected)
            queues.finished(update)
        }
        #expect(queues.count == 0)
    }
}
