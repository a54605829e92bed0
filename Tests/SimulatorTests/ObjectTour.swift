// ObjectTour: calls every method of the simulator and lets people do everything, and keeps what was wrong in the objects.

import EventLoop
import JSON

@testable import Simulator

/// A world in which everything happens once.
struct ObjectTour {
    let description: ObjectDescription
    var scene: Scene
    private(set) var problems: [String] = []
    /// Methods that succeeded, and kinds of updates that came.
    private(set) var performed: Set<String> = []
    private(set) var kinds: Set<String> = []
    private let forum: Int64

    init(_ description: ObjectDescription) {
        self.description = description
        scene = Scene(bot: .all)
        scene.world.floods.isOff = true
        forum = scene.world.addChat("Forum", kind: .supergroup, isForum: true)
        scene.world.place(scene.owner, in: forum, as: Member(status: .creator))
        scene.world.place(scene.world.botID, in: forum, as: Member(status: .administrator, rights: .all))
    }

    /// Calls a method that has to succeed, and gives its result.
    @discardableResult
    mutating func call(_ method: String, _ members: (String, JSONValue)..., files: [String: [UInt8]] = [:]) -> JSONValue
    {
        var parameters = Parameters(members.map { (key: $0.0, value: $0.1) })
        for (name, bytes) in files { parameters.files[name] = Upload(bytes: bytes, name: "a.png", type: "image/png") }
        let reply = scene.world.apply(method, parameters, now: scene.now)
        takeUpdates()
        guard case .result(let value) = reply.outcome else {
            problems.append("\(method): \(reply.error?.description ?? "")")
            return .null
        }
        performed.insert(method)
        problems += description.problems(
            of: value, as: description.methods[method] ?? "\(method) without a line", at: method)
        return value
    }

    /// Somebody does something that has to be possible.
    mutating func person<Result>(_ what: String, _ act: (inout Scene) throws(Refusal) -> Result) -> Result? {
        defer { takeUpdates() }
        do throws(Refusal) { return try act(&scene) } catch {
            problems.append("\(what): \(error)")
            return nil
        }
    }

    /// Holds what the bot is told against the description.
    mutating func takeUpdates() {
        for update in scene.world.takeUpdates() {
            kinds.insert(update.kind)
            let whole = JSONValue.object([("update_id", .int(1)), (update.kind, update.value)])
            problems += description.problems(of: whole, as: "Update", at: "update")
        }
    }

    private func id(_ message: JSONValue) -> JSONValue { message["message_id"] ?? .null }

    private static let keyboard = JSONValue.object([
        (
            "inline_keyboard",
            .array([
                .array([
                    .object([("text", .string("One")), ("callback_data", .string("1"))]),
                    .object([("text", .string("Site")), ("url", .string("https://example.org"))]),
                ])
            ])
        )
    ])

    mutating func run() {
        messages()
        media()
        chats()
        members()
        profile()
        people()
    }

    private mutating func messages() {
        let (group, text) = (("chat_id", JSONValue.int(scene.group)), ("text", JSONValue.string("<b>Hi</b> @x /y #z")))
        let mention = (
            "text", JSONValue.string("<a href=\"tg://user?id=\(scene.member)\">M</a> <a href=\"http://a.b\">L</a>")
        )
        let html = ("parse_mode", JSONValue.string("HTML"))
        let sent = call("sendMessage", group, text, html, ("reply_markup", Self.keyboard))
        let answer = JSONValue.object([("message_id", id(sent))])
        call("sendMessage", group, mention, html, ("reply_parameters", answer))
        call("sendMessage", group, text, ("receiver_user_id", .int(scene.member)))
        call("sendMessage", ("chat_id", .int(scene.channel)), text, html)
        call(
            "editMessageText", group, ("message_id", id(sent)), ("text", .string("`x` *y*")),
            ("parse_mode", .string("MarkdownV2")))
        call("editMessageReplyMarkup", group, ("message_id", id(sent)), ("reply_markup", Self.keyboard))
        let from = ("from_chat_id", JSONValue.int(scene.group))
        call("forwardMessage", group, from, ("message_id", id(sent)))
        call("copyMessage", group, from, ("message_id", id(sent)))
        call("forwardMessages", group, from, ("message_ids", .array([id(sent)])))
        call("copyMessages", group, from, ("message_ids", .array([id(sent)])))
        call(
            "setMessageReaction", group, ("message_id", id(sent)),
            ("reaction", .string("[{\"type\":\"emoji\",\"emoji\":\"👍\"}]")))
        call("pinChatMessage", group, ("message_id", id(sent)))
        call("getChat", group)
        call("unpinChatMessage", group)
        call("unpinAllChatMessages", group)
        let press = person("press") { (scene) throws(Refusal) in
            try scene.world.press(
                scene.member, message: sent["message_id"]?.int ?? 0, in: scene.group, data: "1", now: scene.now)
        }
        call("answerCallbackQuery", ("callback_query_id", .string(press ?? "")), ("text", .string("ok")))
        call("deleteMessage", group, ("message_id", id(sent)))
        let second = call("sendMessage", group, text)
        call("deleteMessages", group, ("message_ids", .array([id(second)])))
        call("sendChatAction", group, ("action", .string("typing")))
    }

    private mutating func media() {
        let group = ("chat_id", JSONValue.int(scene.group))
        let caption = ("caption", JSONValue.string("<i>See</i>"))
        let html = ("parse_mode", JSONValue.string("HTML"))
        var photo = JSONValue.null
        for kind in MediaKind.allCases {
            let words = kind.rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
            let sent = call("send" + words.joined(), group, caption, html, files: [kind.rawValue: SampleFile.picture])
            if kind == .photo { photo = sent }
        }
        let file = photo["photo"]?.array?.first?["file_id"] ?? .null
        call("getFile", ("file_id", file))
        call("editMessageCaption", group, ("message_id", id(photo)), ("caption", .string("New")))
        let item = JSONValue.object([("type", .string("document")), ("media", .string("https://example.org/a.pdf"))])
        call("editMessageMedia", group, ("message_id", id(photo)), ("media", item))
        let picture = JSONValue.object([("type", .string("photo")), ("media", file)])
        call("sendMediaGroup", group, ("media", .array([picture, picture])))
        call("getUserProfilePhotos", ("user_id", .int(scene.member)))
        let place = [("latitude", JSONValue.double(52.5)), ("longitude", JSONValue.int(13))]
        call("sendLocation", group, place[0], place[1])
        call("sendVenue", group, place[0], place[1], ("title", .string("Gate")), ("address", .string("Road 1")))
        call("sendContact", group, ("phone_number", .string("+1")), ("first_name", .string("A")))
        call("sendDice", group)
        let options = ("options", JSONValue.string("[{\"text\":\"a\"},\"b\"]"))
        let quiz = ("type", JSONValue.string("quiz"))
        call("sendPoll", group, ("question", .string("?")), options, quiz, ("correct_option_id", .int(1)))
        let poll = call("sendPoll", group, ("question", .string("?")), options, ("is_anonymous", .bool(false)))
        _ = person("vote") { (scene) throws(Refusal) in
            try scene.world.vote(
                scene.member, message: poll["message_id"]?.int ?? 0, in: scene.group, options: [1], now: scene.now)
        }
        call("stopPoll", group, ("message_id", id(poll)))
    }

    private mutating func chats() {
        let group = ("chat_id", JSONValue.int(scene.group))
        for chat in [scene.group, scene.channel, forum, scene.member] { call("getChat", ("chat_id", .int(chat))) }
        call("getChatAdministrators", group)
        call("getChatMemberCount", group)
        let link = call("createChatInviteLink", group, ("name", .string("n")), ("member_limit", .int(2)))
        let address = ("invite_link", link["invite_link"] ?? .null)
        call("editChatInviteLink", group, address, ("creates_join_request", .bool(true)))
        _ = person("ask") { (scene) throws(Refusal) in
            // Waiting for approval is what is wanted here.
            do throws(Refusal) {
                try scene.world.join(scene.stranger, scene.group, link: link["invite_link"]?.string, now: scene.now)
            } catch { if error != .waitsForApproval { throw error } }
        }
        call("approveChatJoinRequest", group, ("user_id", .int(scene.stranger)))
        _ = person("leave") { (scene) throws(Refusal) in
            try scene.world.leave(scene.stranger, scene.group, now: scene.now)
            try scene.world.requestToJoin(scene.stranger, scene.group, now: scene.now)
        }
        call("declineChatJoinRequest", group, ("user_id", .int(scene.stranger)))
        scene.world.chats[scene.group]?.botIsGuard = true
        _ = person("ask the guard") { (scene) throws(Refusal) in
            try scene.world.requestToJoin(scene.stranger, scene.group, now: scene.now)
        }
        let query = scene.world.joinQueries.keys.first ?? ""
        call(
            "answerChatJoinRequestQuery", ("chat_join_request_query_id", .string(query)),
            ("result", .string("approve")))
        call("revokeChatInviteLink", group, address)
        call("exportChatInviteLink", group)
        call("setChatTitle", group, ("title", .string("New title")))
        call("setChatDescription", group, ("description", .string("About")))
        call("setChatPermissions", group, ("permissions", scene.everything))
        let topic = call("createForumTopic", ("chat_id", .int(forum)), ("name", .string("T")))
        let thread = ("message_thread_id", topic["message_thread_id"] ?? .null)
        call("sendMessage", ("chat_id", .int(forum)), thread, ("text", .string("In the topic")))
        call("editForumTopic", ("chat_id", .int(forum)), thread, ("name", .string("U")))
        for method in ["closeForumTopic", "reopenForumTopic", "deleteForumTopic"] {
            call(method, ("chat_id", .int(forum)), thread)
        }
    }

    private mutating func members() {
        let group = ("chat_id", JSONValue.int(scene.group))
        let user = ("user_id", JSONValue.int(scene.member))
        call("restrictChatMember", group, user, ("permissions", scene.muted))
        call("getChatMember", group, user)
        call("restrictChatMember", group, user, ("permissions", scene.everything))
        call("promoteChatMember", group, user, ("can_delete_messages", .bool(true)))
        call("setChatAdministratorCustomTitle", group, user, ("custom_title", .string("Guard")))
        for person in [scene.owner, scene.member, scene.world.botID] {
            call("getChatMember", group, ("user_id", .int(person)))
        }
        call("getChatMember", ("chat_id", .int(scene.channel)), ("user_id", .int(scene.world.botID)))
        call("promoteChatMember", group, user)
        call("banChatMember", group, user, ("until_date", .int(scene.now.seconds + 600)))
        call("getChatMember", group, user)
        call("unbanChatMember", group, user)
        call("getChatMember", group, user)
        call("banChatSenderChat", group, ("sender_chat_id", .int(scene.channel)))
        call("unbanChatSenderChat", group, ("sender_chat_id", .int(scene.channel)))
    }

    private mutating func profile() {
        call("getMe")
        for kind in ["Name", "Description", "ShortDescription"] {
            let field = kind == "ShortDescription" ? "short_description" : kind.lowercased()
            call("setMy\(kind)", (field, .string("Text")))
            call("getMy\(kind)")
        }
        call("setMyCommands", ("commands", .string("[{\"command\":\"a\",\"description\":\"b\"}]")))
        call("getMyCommands")
        call("deleteMyCommands")
        call("getChatMenuButton")
        let address = JSONValue.object([("url", .string("https://example.org"))])
        let button = JSONValue.object([("type", .string("web_app")), ("text", .string("Open")), ("web_app", address)])
        call("setChatMenuButton", ("menu_button", button))
        call("getChatMenuButton")
        call("setMyDefaultAdministratorRights", ("rights", .object([("can_pin_messages", .bool(true))])))
        call("getMyDefaultAdministratorRights")
        call("getMyDefaultAdministratorRights", ("for_channels", .bool(true)))
    }

    private mutating func people() {
        _ = person("the rest") { (scene) throws(Refusal) in
            let (now, group, member) = (scene.now, scene.group, scene.member)
            try scene.world.join(member, group, now: now)
            let file = scene.world.addSample(.photo)
            let picture = World.mediaObject(file)
            let first = try scene.world.write(member, in: group, "See #this", media: ("photo", picture), now: now)
            _ = try scene.world.write(scene.owner, in: group, "I do", answers: first, now: now)
            try scene.world.react(member, message: first, in: group, emoji: "👍", now: now)
            let text = try scene.world.write(member, in: group, "Old", now: now)
            try scene.world.edit(text, in: group, to: "New", now: now)
            scene.world.chats[scene.channel]?.linkedChatID = group
            let post = try scene.world.write(scene.owner, in: scene.channel, "Post", now: now)
            try scene.world.edit(post, in: scene.channel, to: "Post!", now: now)
            _ = try scene.world.write(member, in: group, "As a channel", asChannel: scene.channel, now: now)
            _ = try scene.world.writeToBot(member, "/start", now: now)
            scene.world.setBlocked(member, true, now: now)
            _ = scene.world.checkOut(member, payload: "p", stars: 3, now: now)
            let question = try scene.world.askInline(member, "tea", now: now)
            let answered = scene.call(
                "answerInlineQuery", ("inline_query_id", .string(question)),
                ("results", .string("[{\"type\":\"article\",\"id\":\"a\"}]")))
            if answered.error == nil { try scene.world.chooseInline(question, result: "a", now: now) }
            let basic = scene.world.addChat("Basic", kind: .group)
            scene.world.place(scene.owner, in: basic, as: Member(status: .creator))
            scene.world.place(scene.world.botID, in: basic, as: Member(status: .administrator, rights: .all))
            _ = try scene.world.migrate(basic, now: now)
        }
        let question = person("ask") { (scene) throws(Refusal) in
            try scene.world.askInline(scene.owner, "tea", now: scene.now)
        }
        call(
            "answerInlineQuery", ("inline_query_id", .string(question ?? "")),
            ("results", .string("[{\"type\":\"article\",\"id\":\"a\"}]")))
        let payment = scene.world.checkOut(scene.member, payload: "p", stars: 3, now: scene.now)
        call("answerPreCheckoutQuery", ("pre_checkout_query_id", .string(payment)), ("ok", .bool(true)))
        call("leaveChat", ("chat_id", .int(forum)))
        call("close")
        call("logOut")
    }
}
