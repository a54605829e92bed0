// What the methods do and refuse, with Telegram's texts. Facts and their sources: docs/simulator.md.

import EventLoop
import JSON
import Testing

@testable import Simulator

struct MethodTests {
    @Test func `errors have Telegram's codes and texts`() throws {
        var scene = Scene()
        let other = scene.world.addChat("Elsewhere", kind: .supergroup)
        let basic = scene.world.addChat("Basic", kind: .group)
        scene.world.place(scene.world.botID, in: basic, as: Member(status: .administrator, rights: .bot))
        let (group, owner, member) = (
            JSONValue.int(scene.group), JSONValue.int(scene.owner), JSONValue.int(scene.member)
        )
        let keyboard = { (data: String) in
            JSONValue.object([
                (
                    "inline_keyboard",
                    .array([.array([.object([("text", .string("x")), ("callback_data", .string(data))])])])
                )
            ])
        }
        let cases: [(method: String, parameters: [(String, JSONValue)], code: Int, text: String)] = [
            ("sendMessage", [("text", .string("x"))], 400, "Bad Request: chat_id is empty"),
            ("sendMessage", [("chat_id", .int(-99)), ("text", .string("x"))], 400, "Bad Request: chat not found"),
            ("getChat", [("chat_id", .int(other))], 400, "Bad Request: chat not found"),
            ("sendMessage", [("chat_id", group), ("text", .string(" "))], 400, "Bad Request: message text is empty"),
            (
                "sendMessage", [("chat_id", group), ("text", .string(String(repeating: "é", count: 4097)))], 400,
                "Bad Request: message is too long"
            ),
            (
                "sendMessage",
                [
                    ("chat_id", group), ("text", .string("x")),
                    ("reply_markup", keyboard(String(repeating: "d", count: 65))),
                ], 400, "Bad Request: BUTTON_DATA_INVALID"
            ),
            (
                "sendMessage", [("chat_id", group), ("text", .string("x")), ("message_thread_id", .int(9))], 400,
                "Bad Request: message thread not found"
            ),
            (
                "sendMessage", [("chat_id", member), ("text", .string("x"))], 403,
                "Forbidden: bot can't initiate conversation with a user"
            ),
            (
                "deleteMessage", [("chat_id", group), ("message_id", .int(5))], 400,
                "Bad Request: message to delete not found"
            ),
            (
                "restrictChatMember", [("chat_id", group), ("user_id", owner), ("permissions", scene.muted)], 400,
                "Bad Request: can't remove chat owner"
            ),
            (
                "restrictChatMember", [("chat_id", group), ("user_id", .int(123_456)), ("permissions", scene.muted)],
                400, "Bad Request: can't restrict self"
            ),
            (
                "restrictChatMember", [("chat_id", .int(basic)), ("user_id", member), ("permissions", scene.muted)],
                400, "Bad Request: method is available only for supergroups"
            ),
            ("getChatMember", [("chat_id", group), ("user_id", .int(55))], 400, "Bad Request: user not found"),
            (
                "answerCallbackQuery", [("callback_query_id", .string("1"))], 400,
                "Bad Request: query is too old and response timeout expired or query id is invalid"
            ),
            (
                "approveChatJoinRequest", [("chat_id", group), ("user_id", .int(scene.stranger))], 400,
                "Bad Request: HIDE_REQUESTER_MISSING"
            ),
            (
                "setMyCommands", [("commands", .string("[{\"command\":\"A\",\"description\":\"b\"}]"))], 400,
                "Bad Request: BOT_COMMAND_INVALID"
            ),
            ("flyToTheMoon", [], 404, "Not Found: method not found"),
        ]
        for (method, parameters, code, text) in cases {
            let reply = scene.world.apply(
                method, Parameters(parameters.map { (key: $0.0, value: $0.1) }), now: scene.now)
            #expect(reply.error?.code == code && reply.error?.description == text, "\(method): \(text)")
        }
    }

    @Test func `a restriction forbids writing, and every permission true lifts its record`() throws {
        var scene = Scene()
        let user = JSONValue.int(scene.member)
        #expect(
            scene.call(
                "restrictChatMember", ("chat_id", .int(scene.group)), ("user_id", user), ("permissions", scene.muted)
            ).error == nil)
        #expect(throws: Refusal.restricted) {
            try scene.world.write(scene.member, in: scene.group, "hi", now: scene.now)
        }
        let told = scene.world.takeUpdates()
        #expect(told.map(\.kind) == ["chat_member"])
        #expect(told[0].value["from"]?["id"]?.int == 123_456)
        #expect(told[0].value["new_chat_member"]?["status"]?.string == "restricted")
        _ = scene.call(
            "restrictChatMember", ("chat_id", .int(scene.group)), ("user_id", user), ("permissions", scene.everything))
        let member = scene.call("getChatMember", ("chat_id", .int(scene.group)), ("user_id", user)).result
        #expect(member?["status"]?.string == "member")
        _ = try scene.world.write(scene.member, in: scene.group, "hi", now: scene.now)
    }

    @Test func `until_date under 30 s is for ever, and a later one ends`() throws {
        for (seconds, endsBy) in [(20, Int64(3600)), (60, 61)] as [(Int64, Int64)] {
            var scene = Scene()
            _ = scene.call(
                "restrictChatMember", ("chat_id", .int(scene.group)), ("user_id", .int(scene.member)),
                ("permissions", scene.muted), ("until_date", .int(scene.now.seconds + seconds)))
            scene.pass(seconds: endsBy)
            let isFree = scene.world.member(scene.member, in: scene.group, now: scene.now).status == .member
            #expect(isFree == (seconds >= 30))
        }
    }

    @Test func `permissions imply others unless they are independent`() {
        let given: [(key: String, value: JSONValue)] = [
            ("can_send_polls", .bool(true)), ("can_react_to_messages", .bool(false)),
        ]
        #expect(World.permissions(given, isIndependent: false).contains(.sendMessages))
        #expect(!World.permissions(given, isIndependent: true).contains(.sendMessages))
    }

    @Test func `without its rights the bot is refused`() throws {
        var scene = Scene(bot: [.manageChat])
        let message = try scene.world.write(scene.member, in: scene.group, "hi", now: scene.now)
        let group = JSONValue.int(scene.group)
        #expect(
            scene.call("deleteMessage", ("chat_id", group), ("message_id", .int(message))).error?.description
                == "Bad Request: message can't be deleted")
        let restrict = scene.call(
            "restrictChatMember", ("chat_id", group), ("user_id", .int(scene.member)), ("permissions", scene.muted))
        #expect(restrict.error?.description == "Bad Request: not enough rights to restrict/unrestrict chat member")
        #expect(scene.call("createChatInviteLink", ("chat_id", group)).error?.code == 400)
        #expect(
            scene.call("sendMessage", ("chat_id", .int(scene.channel)), ("text", .string("x"))).error?.description
                == "Bad Request: need administrator rights in the channel chat")
    }

    @Test func `a message is deleted once, and a second time is not found`() throws {
        var scene = Scene()
        let message = try scene.world.write(scene.member, in: scene.group, "hi", now: scene.now)
        #expect(scene.world.stands(message, in: scene.group))
        #expect(scene.call("deleteMessage", ("chat_id", .int(scene.group)), ("message_id", .int(message))).error == nil)
        #expect(!scene.world.stands(message, in: scene.group))
        let again = scene.call("deleteMessage", ("chat_id", .int(scene.group)), ("message_id", .int(message)))
        #expect(again.error?.description == "Bad Request: message to delete not found")
    }

    @Test func `the twenty-first message of a minute in one group gets 429 with retry_after`() {
        var scene = Scene()
        let send = { (scene: inout Scene) in
            scene.call("sendMessage", ("chat_id", .int(scene.group)), ("text", .string("x")))
        }
        for _ in 0..<20 { #expect(send(&scene).error == nil) }
        #expect(send(&scene).error?.retryAfter == 60)
        scene.pass(seconds: 61)
        #expect(send(&scene).error == nil)
    }

    @Test func `an unchanged edit is refused, and HTML counts without its tags`() throws {
        var scene = Scene()
        let sent = scene.call(
            "sendMessage", ("chat_id", .int(scene.group)),
            ("text", .string("<b>A</b> &lt;<a href=\"tg://user?id=5\">B</a>")), ("parse_mode", .string("HTML")))
        #expect(sent.result?["text"]?.string == "A <B")
        #expect(sent.result?["entities"]?.array?.map { $0["type"]?.string } == ["bold", "text_mention"])
        let id = try #require(sent.result?["message_id"])
        let same = scene.call(
            "editMessageText", ("chat_id", .int(scene.group)), ("message_id", id),
            ("text", .string("<b>A</b> &lt;<a href=\"tg://user?id=5\">B</a>")), ("parse_mode", .string("HTML")))
        #expect(same.error?.description.hasPrefix("Bad Request: message is not modified") == true)
        let broken = scene.call(
            "sendMessage", ("chat_id", .int(scene.group)), ("text", .string("<x>")), ("parse_mode", .string("HTML")))
        #expect(broken.error?.description.hasPrefix("Bad Request: can't parse entities") == true)
    }

    @Test func `a button press must be answered within 15 s`() throws {
        for (seconds, code) in [(15, nil), (16, 400)] as [(Int64, Int?)] {
            var scene = Scene()
            let markup = "{\"inline_keyboard\":[[{\"text\":\"Go\",\"callback_data\":\"verify\"}]]}"
            let sent = scene.call(
                "sendMessage", ("chat_id", .int(scene.group)), ("text", .string("x")), ("reply_markup", .string(markup))
            )
            let id = try #require(sent.result?["message_id"]?.int)
            let query = try scene.world.press(
                scene.member, message: id, in: scene.group, data: "verify", now: scene.now)
            scene.pass(seconds: seconds)
            #expect(scene.call("answerCallbackQuery", ("callback_query_id", .string(query))).error?.code == code)
        }
    }

    @Test func `a migrated group answers with the new id`() throws {
        var scene = Scene()
        let basic = scene.world.addChat("Basic", kind: .group)
        scene.world.place(scene.world.botID, in: basic, as: Member(status: .member))
        let new = try scene.world.migrate(basic, now: scene.now)
        let reply = scene.call("sendMessage", ("chat_id", .int(basic)), ("text", .string("x")))
        #expect(reply.error?.migratedTo == new)
        let told = scene.world.takeUpdates()
        #expect(told[0].value["migrate_to_chat_id"]?.int == new && told[1].value["migrate_from_chat_id"]?.int == basic)
    }

    @Test func `parameters come as JSON, form, multipart and query alike`() throws {
        let multipart =
            "--B\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n-5\r\n--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na b\r\n--B--\r\n"
        let cases: [(query: String?, type: String?, body: String)] = [
            (nil, "application/json", "{\"chat_id\":-5,\"text\":\"a b\"}"),
            (nil, "application/x-www-form-urlencoded", "chat_id=-5&text=a+b"),
            (nil, "multipart/form-data; boundary=B", multipart),
            ("chat_id=-5&text=a%20b", nil, ""),
        ]
        for (query, type, body) in cases {
            let parameters = try Parameters(query: query, contentType: type, body: Array(body.utf8))
            #expect(parameters.int("chat_id") == -5 && parameters.string("text") == "a b", "\(type ?? "query")")
        }
    }
}
