// The methods that other bots use: what they change, and what they refuse in Telegram's words.

import EventLoop
import JSON
import Testing

@testable import Simulator

struct OtherMethodTests {
    @Test func `refusals have Telegram's texts`() throws {
        var scene = Scene()
        let post = try scene.world.write(scene.member, in: scene.group, "hi", now: scene.now)
        let join = scene.world.addChat("Basic", kind: .group)
        scene.world.place(scene.world.botID, in: join, as: Member(status: .administrator, rights: .all))
        let group = ("chat_id", JSONValue.int(scene.group))
        let basic = ("chat_id", JSONValue.int(join))
        let (owner, member) = (("user_id", JSONValue.int(scene.owner)), ("user_id", JSONValue.int(scene.member)))
        let message = ("message_id", JSONValue.int(post))
        let cases: [(method: String, parameters: [(String, JSONValue)], text: String)] = [
            ("banChatMember", [group, owner], "can't remove chat owner"),
            ("banChatMember", [group, ("user_id", .int(scene.world.botID))], "can't restrict self"),
            ("unbanChatMember", [basic, member], "method is available for supergroup and channel chats only"),
            ("promoteChatMember", [group, member], "not enough rights"),
            ("setChatTitle", [group, ("title", .string("x"))], "not enough rights to change chat info"),
            ("pinChatMessage", [group, message], "not enough rights to manage pinned messages in the chat"),
            ("createForumTopic", [group, ("name", .string("x"))], "the chat is not a forum"),
            ("revokeChatInviteLink", [group, ("invite_link", .string("https://t.me/+x"))], "INVITE_HASH_EXPIRED"),
            ("editMessageText", [group, message, ("text", .string("x"))], "message can't be edited"),
            ("editMessageText", [("text", .string("x")), ("inline_message_id", .string("1"))], "MESSAGE_ID_INVALID"),
            (
                "copyMessage", [group, ("from_chat_id", .int(scene.group)), ("message_id", .int(99))],
                "message to copy not found"
            ),
            ("forwardMessage", [group, ("message_id", .int(1))], "chat_id is empty"),
            (
                "sendPoll", [group, ("question", .string("?")), ("options", .string("[\"a\"]"))],
                "poll must have at least 2 option"
            ),
            ("sendPoll", [group, ("options", .string("[\"a\",\"b\"]"))], "poll question must be non-empty"),
            ("stopPoll", [group, message], "message with poll to stop not found"),
            ("sendLocation", [group, ("latitude", .int(91)), ("longitude", .int(0))], "wrong latitude specified"),
            ("sendDice", [group, ("emoji", .string("🍕"))], "emoji is invalid for dice"),
            ("sendChatAction", [group, ("action", .string("sleeping"))], "wrong parameter action in request"),
            ("setMessageReaction", [group, ("message_id", .int(99))], "message to react not found"),
            ("setMyName", [("name", .string(String(repeating: "n", count: 65)))], "text is too long"),
            ("setChatMenuButton", [("menu_button", .string("{\"type\":\"x\"}"))], "MenuButton has unsupported type"),
            (
                "answerInlineQuery", [("inline_query_id", .string("1")), ("results", .string("[]"))],
                "query is too old and response timeout expired or query id is invalid"
            ),
            (
                "sendMessage", [group, ("text", .string("x")), ("reply_to_message_id", .int(99))],
                "message to be replied not found"
            ),
            (
                "sendMessage", [group, ("text", .string("x")), ("reply_markup", .string("{\"keyboard\":[[{}]]}"))],
                "can't parse keyboard button: Text button expected"
            ),
        ]
        for (method, parameters, text) in cases {
            let reply = scene.world.apply(
                method, Parameters(parameters.map { (key: $0.0, value: $0.1) }), now: scene.now)
            #expect(reply.error?.description == "Bad Request: " + text, "\(method): \(text)")
        }
    }

    @Test func `who is banned is out and cannot come back until unbanned`() throws {
        var scene = Scene()
        let (group, user) = (("chat_id", JSONValue.int(scene.group)), ("user_id", JSONValue.int(scene.member)))
        let text = try scene.world.write(scene.member, in: scene.group, "spam", now: scene.now)
        _ = scene.world.takeUpdates()
        #expect(scene.call("banChatMember", group, user, ("revoke_messages", .bool(true))).error == nil)
        #expect(scene.kinds() == ["chat_member", "message"])
        #expect(!scene.world.stands(text, in: scene.group))
        #expect(throws: Refusal.notThere) { try scene.world.join(scene.member, scene.group, now: scene.now) }
        #expect(scene.call("unbanChatMember", group, user, ("only_if_banned", .bool(true))).error == nil)
        try scene.world.join(scene.member, scene.group, now: scene.now)
        // Without that word a member is thrown out by it, and may come back.
        #expect(scene.call("unbanChatMember", group, user, ("only_if_banned", .bool(true))).error == nil)
        #expect(scene.world.member(scene.member, in: scene.group, now: scene.now).isPresent)
        #expect(scene.call("unbanChatMember", group, user).error == nil)
        #expect(scene.world.member(scene.member, in: scene.group, now: scene.now).status == .left)
    }

    @Test func `a ban with an end ends, and one under 30 s is for ever`() {
        for (seconds, isOver) in [(Int64(60), true), (20, false)] {
            var scene = Scene()
            let until = ("until_date", JSONValue.int(scene.now.seconds + seconds))
            _ = scene.call("banChatMember", ("chat_id", .int(scene.group)), ("user_id", .int(scene.member)), until)
            scene.pass(seconds: 3600)
            #expect((scene.world.member(scene.member, in: scene.group, now: scene.now).status == .left) == isOver)
        }
    }

    @Test func `a revoked link lets nobody in`() throws {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let url = try #require(scene.call("createChatInviteLink", group).result?["invite_link"]?.string)
        let first = try #require(scene.call("exportChatInviteLink", group).result?.string)
        let second = try #require(scene.call("exportChatInviteLink", group).result?.string)
        #expect(
            scene.call("revokeChatInviteLink", group, ("invite_link", .string(url))).result?["is_revoked"]?.bool == true
        )
        for link in [url, first] {
            #expect(throws: Refusal.linkInvalid) {
                try scene.world.join(scene.stranger, scene.group, link: link, now: scene.now)
            }
        }
        #expect(scene.call("getChat", group).result?["invite_link"]?.string == second)
        try scene.world.join(scene.stranger, scene.group, link: second, now: scene.now)
    }

    @Test func `a promoted member has the rights given, and the bot gives none that it lacks`() {
        var scene = Scene(bot: AdminRights.bot.union(.promoteMembers))
        let (group, user) = (("chat_id", JSONValue.int(scene.group)), ("user_id", JSONValue.int(scene.member)))
        #expect(scene.call("promoteChatMember", group, user, ("can_pin_messages", .bool(true))).error?.code == 403)
        #expect(scene.call("promoteChatMember", group, user, ("can_delete_messages", .string("true"))).error == nil)
        let member = scene.world.member(scene.member, in: scene.group, now: scene.now)
        #expect(member.status == .administrator && member.rights == [.deleteMessages, .manageChat])
        #expect(scene.call("promoteChatMember", group, user).error == nil)
        #expect(scene.world.member(scene.member, in: scene.group, now: scene.now).status == .member)
    }

    @Test func `a copy has no origin, a forward has, and neither loses the picture`() throws {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let picture = World.mediaObject(scene.world.addSample(.photo))
        let id = try scene.world.write(scene.member, in: scene.group, "Look", media: ("photo", picture), now: scene.now)
        let source = [("from_chat_id", JSONValue.int(scene.group)), ("message_id", .int(id))]
        let forward = scene.call("forwardMessage", group, source[0], source[1]).result
        #expect(forward?["forward_origin"]?["sender_user"]?["id"]?.int == scene.member)
        #expect(forward?["photo"] == picture && forward?["caption"]?.string == "Look")
        let copy = scene.call("copyMessage", group, source[0], source[1], ("caption", .string("Mine"))).result
        let message = try #require(scene.world.chats[scene.group]?.messages[copy?["message_id"]?.int ?? 0])
        #expect(message.extra.isEmpty && message.text == "Mine" && message.media?.value == picture)
    }

    @Test func `votes are counted, told and end with the poll`() throws {
        var scene = Scene()
        let group = ("chat_id", JSONValue.int(scene.group))
        let poll = scene.call(
            "sendPoll", group, ("question", .string("?")), ("options", .string("[\"a\",\"b\"]")),
            ("is_anonymous", .bool(false))
        ).result
        let id = try #require(poll?["message_id"]?.int)
        try scene.world.vote(scene.member, message: id, in: scene.group, options: [0], now: scene.now)
        try scene.world.vote(scene.member, message: id, in: scene.group, options: [1], now: scene.now)
        #expect(scene.kinds() == ["poll", "poll_answer", "poll", "poll_answer"])
        #expect(throws: Refusal.restricted) {
            try scene.world.vote(scene.member, message: id, in: scene.group, options: [0, 1], now: scene.now)
        }
        let ended = scene.call("stopPoll", group, ("message_id", .int(id))).result
        #expect(ended?["options"]?.array?.map { $0["voter_count"]?.int } == [0, 1])
        #expect(ended?["is_closed"]?.bool == true && ended?["total_voter_count"]?.int == 1)
        #expect(throws: Refusal.unknown) {
            try scene.world.vote(scene.owner, message: id, in: scene.group, options: [0], now: scene.now)
        }
    }

    @Test func `an answer shows what it answers, once`() throws {
        var scene = Scene()
        let first = try scene.world.write(scene.member, in: scene.group, "one", now: scene.now)
        let second = try scene.world.write(scene.owner, in: scene.group, "two", answers: first, now: scene.now)
        let third = scene.call(
            "sendMessage", ("chat_id", .int(scene.group)), ("text", .string("three")),
            ("reply_parameters", .object([("message_id", .int(second))]))
        ).result
        #expect(third?["reply_to_message"]?["text"]?.string == "two")
        #expect(third?["reply_to_message"]?["reply_to_message"] == nil)
    }

    @Test func `a channel that is banned as sender writes no more`() throws {
        var scene = Scene()
        scene.world.place(scene.owner, in: scene.group, as: Member(status: .creator))
        let parameters = [("chat_id", JSONValue.int(scene.group)), ("sender_chat_id", .int(scene.channel))]
        #expect(scene.call("banChatSenderChat", parameters[0], parameters[1]).error == nil)
        #expect(throws: Refusal.restricted) {
            try scene.world.write(scene.owner, in: scene.group, "x", asChannel: scene.channel, now: scene.now)
        }
        #expect(scene.call("unbanChatSenderChat", parameters[0], parameters[1]).error == nil)
        _ = try scene.world.write(scene.owner, in: scene.group, "x", asChannel: scene.channel, now: scene.now)
    }

    @Test func `only the latest values are kept`() {
        var recent = Recent<Int>(limit: 3)
        for number in 1...20 { recent["\(number)"] = number }
        recent["20"] = 0
        recent["19"] = nil
        #expect(recent.all.sorted() == [0, 18])
        recent["21"] = 21
        recent["22"] = 22
        #expect(recent.all.sorted() == [0, 21, 22])
    }
}
