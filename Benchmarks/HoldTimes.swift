// One person held at a time while each Bot API call takes 30 ms: when is the message gone, the person
// restricted, the prompt there?

import EventLoop
import HTTPServer

/// `port api latency first count name`; serves the Bot API on `api` itself, so that it sees when calls are done.
@IO
enum HoldTimes {
    static func run(_ options: Options) async throws {
        let port = try options.int("port")
        let api = AnsweringBotAPI(latencyMilliseconds: Int64(try options.int("latency", default: 30)))
        let server = try AnsweringBotAPI.serve(api, port: options.int("api"))
        // The server starts after this process, because it asks the Bot API at its start.
        let client = try await FirstAnswer.connection(to: port)
        client.onAnswer = { _ in }
        var bodies = UpdateBodies(.held, first: Int64(try options.int("first")))
        var times: [String: Latencies] = [:]
        let count = try options.int("count", default: 40)
        // The first ones fill the caches of groups and administrators.
        for number in 0..<(count + 5) {
            let began = Loop.shared.current().nanoseconds
            var awaited: Set<String> = ["deleteMessage", "restrictChatMember", "sendMessage"]
            let done = Completion<Void, Never>()
            api.onAnswered = { method in
                guard awaited.remove(method) != nil else { return }
                if number >= 5 {
                    times[method, default: Latencies()].add(nanoseconds: Loop.shared.current().nanoseconds - began)
                }
                if awaited.isEmpty { done.finish(.success(())) }
            }
            client.send(bodies.next())
            await done.wait()
            // The finish of this hold must not stand in the next one's way.
            await Loop.shared.sleep(milliseconds: 50)
        }
        for (method, what) in [
            ("deleteMessage", "gone"), ("restrictChatMember", "restricted"), ("sendMessage", "prompted"),
        ] {
            let share = times[method, default: Latencies()].percentiles([0.5, 0.95])
            printLine([
                ("name", try options.string("name")), ("case", what), ("updates", count), ("p50_ms", share[0]),
                ("p95_ms", share[1]),
            ])
        }
        client.close()
        await server.drain(graceMilliseconds: 0)
    }
}
