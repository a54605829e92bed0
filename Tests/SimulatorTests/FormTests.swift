// Every method that the bot calls, over HTTP, with its parameters as JSON, as a form and as multipart: the API
// takes them alike (core.telegram.org/bots/api#making-requests).

import EventLoop
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct FormTests {
    enum Encoding: String, CaseIterable {
        case json
        case form
        case multipart

        /// Content type and body.
        func encoded(_ members: [(String, JSONValue)]) -> (type: String, body: String) {
            switch self {
            case .json:
                let object = JSONValue.object(members.map { (key: $0.0, value: $0.1) })
                return ("application/json", String(decoding: object.encoded(), as: UTF8.self))
            case .form:
                let pairs = members.map { "\($0.0)=\(Self.escaped(Self.text($0.1)))" }
                return ("application/x-www-form-urlencoded", pairs.joined(separator: "&"))
            case .multipart:
                let parts = members.map {
                    "--B\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\(Self.text($0.1))\r\n"
                }
                return ("multipart/form-data; boundary=B", parts.joined() + "--B--\r\n")
            }
        }

        private static func text(_ value: JSONValue) -> String {
            value.string ?? String(decoding: value.encoded(), as: UTF8.self)
        }

        private static func escaped(_ text: String) -> String {
            text.utf8.map { byte in
                let isPlain = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                return isPlain
                    ? String(decoding: [byte], as: UTF8.self) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }.joined()
        }
    }

    /// The calls in an order in which each succeeds, and what its result is.
    @IO
    private struct Script {
        let served: Served
        let group: Int64
        let person: Int64
        let query: String
        let checkout: String
        let first: Int64
        let link: Int64

        init() throws {
            served = try Served()
            let simulator = served.simulator
            let owner = simulator.addPerson("Ann")
            group = simulator.addGroup("Group", username: "group", owner: owner)
            person = simulator.addPerson("Bob")
            let asker = simulator.addPerson("Eve")
            link = asker
            simulator.place(person, in: group)
            first = try simulator.personWrites(person, in: group, "one")
            try simulator.personWrites(person, in: group, "two")
            try simulator.personAsksToJoin(asker, group)
            let keyboard = Parameters([
                (key: "chat_id", value: .int(group)), (key: "text", value: .string("press")),
                (
                    key: "reply_markup",
                    value: .string("{\"inline_keyboard\":[[{\"text\":\"Go\",\"callback_data\":\"go\"}]]}")
                ),
            ])
            let sent = simulator.world.apply("sendMessage", keyboard, now: WallClock.now)
            let message = sent.result?["message_id"]?.int ?? 0
            query = try simulator.personPresses(person, message: message, in: group, data: "go")
            checkout = simulator.world.checkOut(person, payload: "p", stars: 3, now: WallClock.now)
        }

        var calls: [(method: String, parameters: [(String, JSONValue)], result: JSONValue?)] {
            let chat = ("chat_id", JSONValue.int(group))
            let user = ("user_id", JSONValue.int(person))
            let bot = ("message_id", JSONValue.int(first + 2))
            let none = JSONValue.object([("can_send_messages", .bool(false))])
            let keyboard = JSONValue.object([
                (
                    "inline_keyboard",
                    .array([.array([.object([("text", .string("Ü")), ("url", .string("https://t.me/x?a=1&b=2"))])])])
                )
            ])
            let menu = JSONValue.array([
                .object([("command", .string("help")), ("description", .string("Hilfe & mehr"))])
            ])
            return [
                ("getMe", [], nil), ("getChat", [("chat_id", .string("@group"))], nil), ("getChat", [chat], nil),
                ("getChatMember", [chat, user], nil), ("getChatAdministrators", [chat], nil),
                ("getChatMemberCount", [chat], .int(3)),
                ("restrictChatMember", [chat, user, ("permissions", none)], .bool(true)),
                ("getChatMember", [chat, user], nil),
                ("deleteMessage", [chat, ("message_id", .int(first))], .bool(true)),
                ("deleteMessages", [chat, ("message_ids", .array([.int(first + 1)]))], .bool(true)),
                (
                    "sendMessage",
                    [
                        chat, ("text", .string("<b>a</b> & +ü")), ("parse_mode", .string("HTML")),
                        ("reply_markup", keyboard),
                    ], nil
                ),
                ("editMessageText", [chat, bot, ("text", .string("new"))], nil),
                ("editMessageReplyMarkup", [chat, bot, ("reply_markup", keyboard)], nil),
                (
                    "answerCallbackQuery",
                    [("callback_query_id", .string(query)), ("text", .string("ok")), ("show_alert", .bool(true))],
                    .bool(true)
                ),
                (
                    "answerPreCheckoutQuery", [("pre_checkout_query_id", .string(checkout)), ("ok", .bool(true))],
                    .bool(true)
                ),
                ("approveChatJoinRequest", [chat, ("user_id", .int(link))], .bool(true)),
                ("createChatInviteLink", [chat, ("name", .string("n")), ("member_limit", .int(5))], nil),
                ("setMyCommands", [("commands", menu), ("language_code", .string("de"))], .bool(true)),
                ("getMyCommands", [("language_code", .string("de"))], menu),
                ("getUpdates", [("limit", .int(2)), ("allowed_updates", .array([.string("message")]))], nil),
                ("setWebhook", [("url", .string("http://127.0.0.1:9/w")), ("max_connections", .int(7))], .bool(true)),
                ("getWebhookInfo", [], nil), ("deleteWebhook", [("drop_pending_updates", .bool(true))], .bool(true)),
            ]
        }
    }

    @Test @IO func `every method that the bot calls takes JSON, forms and multipart alike`() async throws {
        var answers: [Encoding: [String]] = [:]
        for encoding in Encoding.allCases {
            let script = try Script()
            for call in script.calls {
                let (type, body) = encoding.encoded(call.parameters)
                let reply = try await script.served.call(call.method, body, type: type)
                #expect(reply.status == 200, "\(call.method) as \(encoding): \(reply.body)")
                if let expected = call.result { #expect(reply.body["result"] == expected, "\(call.method)") }
                answers[encoding, default: []].append(Self.withoutDates(reply.body))
            }
            script.served.simulator.stop()
        }
        for encoding in [Encoding.form, .multipart] {
            for (one, other) in zip(answers[.json] ?? [], answers[encoding] ?? []) { #expect(one == other) }
        }
    }

    /// The answer without what depends on the second at which it was given.
    private static func withoutDates(_ value: JSONValue) -> String {
        func cleaned(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let members):
                let kept = members.filter {
                    !["date", "edit_date", "last_error_date", "last_error_message"].contains($0.key)
                }
                return .object(kept.map { (key: $0.key, value: cleaned($0.value)) })
            case .array(let elements): return .array(elements.map(cleaned))
            default: return value
            }
        }
        return String(decoding: cleaned(value).encoded(), as: UTF8.self)
    }

    @Test(arguments: [
        ("application/json", "{", "Bad Request: can't parse JSON object"),
        ("multipart/form-data; boundary=B", "--C\r\n", "Bad Request: can't parse multipart form data"),
    ]) @IO
    func `a body that is not what its type says is refused`(type: String, body: String, text: String) async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let reply = try await served.call("getMe", body, type: type)
        #expect(reply.status == 400 && reply.body["description"]?.string == text)
    }
}
