// A small Bot API: answers by numbers alone and forgets everything, so that the server under test is what costs.

import EventLoop
import Glibc
import HTTPServer

/// Answers the methods that a hold needs.
@IO
final class AnsweringBotAPI: HTTPHandler {
    /// Called when the answer to a method goes out.
    var onAnswered: (_ method: String) -> Void = { _ in }
    private let latencyMilliseconds: Int64
    private var messageID = 1_000_000

    init(latencyMilliseconds: Int64) { self.latencyMilliseconds = latencyMilliseconds }

    static func run(_ words: ArraySlice<String>) async throws {
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == 2 else { throw BenchmarkError("bot-api PORT LATENCY_MS [awake]") }
        let server = try serve(AnsweringBotAPI(latencyMilliseconds: Int64(numbers[1])), port: numbers[0])
        if words.last == "awake" { stayAwake() }
        await Completion<Void, Never>().wait()
        await server.drain(graceMilliseconds: 0)
    }

    /// Looks for requests without ever sleeping. Who sends to a process that sleeps pays for waking it on its core, an
    /// interrupt between processors; a Bot API behind a network costs nobody that.
    private static func stayAwake() {
        sched_yield()
        Loop.shared.schedule(afterMilliseconds: 0) { stayAwake() }
    }

    static func serve(_ handler: AnsweringBotAPI, port: Int) throws -> HTTPServer {
        var limits = HTTPLimits()
        limits.idleMilliseconds = 600_000
        let server = HTTPServer(limits: limits, handler: handler, tls: nil)
        _ = try server.listen(ListenAddress(host: "127.0.0.1", port: port, isTLS: false))
        return server
    }

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict { .accept(bodyLimit: 1 << 20) }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        let method = request.head.path.split(separator: "/").last.map(String.init) ?? ""
        let answer = HTTPResponse.json(200, Array(result(method, request.body).utf8))
        guard latencyMilliseconds > 0 else {
            responder.send(answer)
            return onAnswered(method)
        }
        let moment = Loop.shared.current().adding(milliseconds: latencyMilliseconds)
        Loop.shared.schedule(afterMilliseconds: latencyMilliseconds - 1) { [self] in
            // The loop's timers are right to a millisecond, late; three calls in a row would add up to that much more.
            while Loop.shared.current() < moment {}
            responder.send(answer)
            onAnswered(method)
        }
    }

    private func result(_ method: String, _ body: [UInt8]) -> String {
        switch method {
        case "getMe":
            return #"{"ok":true,"result":{"id":\#(Numbers.bot),"is_bot":true,"first_name":"B","username":"b_bot"}}"#
        case "getChatAdministrators":
            return
                #"{"ok":true,"result":[{"user":{"id":\#(Numbers.owner),"is_bot":false,"first_name":"O"},"status":"creator","is_anonymous":false}]}"#
        case "getChatMember":
            let user = number("\"user_id\":", body)
            // In a group everybody is a member; in the channel the strangers are not.
            let isOut = user >= Numbers.firstStranger && number("\"chat_id\":", body) == Numbers.channel
            let status = isOut ? "left" : "member"
            return
                #"{"ok":true,"result":{"user":{"id":\#(user),"is_bot":false,"first_name":"Person"},"status":"\#(status)"}}"#
        case "sendMessage":
            messageID += 1
            let chat = number("\"chat_id\":", body)
            return
                #"{"ok":true,"result":{"message_id":\#(messageID),"date":\#(time(nil)),"chat":{"id":\#(chat),"type":"supergroup","title":"G"},"text":"x"}}"#
        default: return #"{"ok":true,"result":true}"#
        }
    }

    private func number(_ key: String, _ body: [UInt8]) -> Int64 {
        let needle = Array(key.utf8)
        guard body.count > needle.count else { return 0 }
        for start in 0..<(body.count - needle.count) where body[start] == needle[0] {
            guard body[start..<(start + needle.count)].elementsEqual(needle) else { continue }
            var index = start + needle.count
            var value: Int64 = 0
            let isNegative = body[index] == UInt8(ascii: "-")
            if isNegative { index += 1 }
            while index < body.count, (48...57).contains(body[index]) {
                value = value * 10 + Int64(body[index] - 48)
                index += 1
            }
            return isNegative ? -value : value
        }
        return 0
    }
}
