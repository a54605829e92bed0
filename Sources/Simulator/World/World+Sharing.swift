// Choosing a chat for the bot by a button of a reply keyboard (`KeyboardButtonRequestChat`).

import EventLoop
import JSON

extension World {
    /// The keyboard that stands below a private chat from now on: the last one that was sent and not taken back.
    mutating func keepReplyKeyboard(of parameters: Parameters, in chat: ChatHead) throws(MethodError) {
        guard chat.kind == .private, let markup = try parameters.document("reply_markup") else { return }
        if markup["keyboard"] != nil { chats[chat.id]?.replyKeyboard = markup }
        if markup["remove_keyboard"]?.bool == true { chats[chat.id]?.replyKeyboard = nil }
    }

    /// Somebody presses the button that asks for a chat, and chooses one of those that Telegram offers: of the kind that
    /// is asked for, in which they have the rights that are asked for. Where the bot is to have rights it gets them.
    ///
    /// - Throws: `Refusal.unknown` without such a chat, or a button for its kind; `.restricted` when its rights do not
    ///   suffice.
    mutating func shareChat(_ person: Int64, _ chosen: Int64, now: Timestamp) throws(Refusal) -> Int64 {
        let place = privateChat(of: person)
        guard let chat = chats[chosen], let keyboard = chats[place]?.replyKeyboard,
            let request = Self.request(forChannel: chat.kind == .channel, in: keyboard)
        else { throw .unknown }
        let chooser = member(person, in: chosen, now: now)
        let isOwner = chooser.status == .creator
        guard isOwner || chooser.rights.isSuperset(of: Self.rights(request["user_administrator_rights"]))
        else { throw .restricted }
        if let needed = request["bot_administrator_rights"] {
            let bot = member(botID, in: chosen, now: now)
            let rights = Self.rights(needed)
            if bot.status != .administrator || !bot.rights.isSuperset(of: rights) {
                guard isOwner || chooser.rights.contains(.promoteMembers) else { throw .restricted }
                promote(botID, in: chosen, rights: bot.rights.union(rights), by: person, now: now)
            }
        } else if request["bot_is_member"]?.bool == true {
            guard member(botID, in: chosen, now: now).isPresent else { throw .restricted }
        }
        if keyboard["one_time_keyboard"]?.bool == true { chats[place]?.replyKeyboard = nil }
        var shared: [(key: String, value: JSONValue)] = [
            ("request_id", request["request_id"] ?? .int(0)), ("chat_id", .int(chosen)),
        ]
        if request["request_title"]?.bool == true { shared.append(("title", .string(chat.title))) }
        if request["request_username"]?.bool == true, let username = chat.username {
            shared.append(("username", .string(username)))
        }
        return try writeToBot(person, "", media: ("chat_shared", .object(shared)), now: now)
    }

    /// The first button that asks for such a chat.
    private static func request(forChannel isChannel: Bool, in keyboard: JSONValue) -> JSONValue? {
        (keyboard["keyboard"]?.array ?? []).flatMap { $0.array ?? [] }.compactMap { $0["request_chat"] }
            .first { ($0["chat_is_channel"]?.bool == true) == isChannel }
    }

    /// The rights of a `ChatAdministratorRights` that are true.
    private static func rights(_ object: JSONValue?) -> AdminRights {
        AdminRights(names: AdminRights.names.filter { object?[$0]?.bool == true })
    }
}
