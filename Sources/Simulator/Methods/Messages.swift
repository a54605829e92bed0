// sendMessage, editMessageText, editMessageReplyMarkup, deleteMessage, deleteMessages.

import EventLoop
import JSON

extension World {
    mutating func sendMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        let text = try messageText(parameters)
        let markup = try keyboard(parameters)
        let thread = try topic(parameters, of: chat, now: now)
        try checkMayWrite(in: chat, now: now)
        let receiver = parameters.int("receiver_user_id")
        if let receiver {
            guard chat.kind == .group || chat.kind == .supergroup, persons[receiver] != nil else {
                throw .badRequest("user not found")
            }
        }
        if let target = try parameters.document("reply_parameters"), target["allow_sending_without_reply"]?.bool != true
        {
            guard let id = target["message_id"]?.int, stands(id, in: chat.id) else {
                throw .badRequest("message to be replied not found")
            }
        }
        if let wait = floods.admit(chat.id, kind: chat.kind, now: now) { throw .tooMany(wait) }
        if chat.kind == .private { _ = privateChat(of: chat.id) }
        var message = newMessage(in: chat.id, from: chat.kind == .channel ? 0 : botID, text: text.plain, now: now)
        if chat.kind == .channel { message.senderChatID = chat.id }
        message.entities = text.entities
        message.replyMarkup = markup
        message.threadID = thread
        message.receiverID = receiver
        keep(message, in: chat.id)
        note(.botWrote(chat: chat.title, text: text.plain))
        return messageObject(message, in: chat.id)
    }

    private func checkMayWrite(in chat: Chat, now: Timestamp) throws(MethodError) {
        switch chat.kind {
        case .private:
            guard let person = persons[chat.id] else { throw .badRequest("chat not found") }
            if person.isDeactivated { throw .forbidden("user is deactivated") }
            if person.hasBlocked { throw .forbidden("bot was blocked by the user") }
            guard person.hasStarted || hasOpenRequest(chat.id, now: now) || isFast else {
                throw .forbidden("bot can't initiate conversation with a user")
            }
        case .channel:
            guard member(botID, in: chat.id, now: now).may(.postMessages) else {
                throw .badRequest("need administrator rights in the channel chat")
            }
        case .group, .supergroup:
            guard permissions(of: botID, in: chat.id, now: now).contains(.sendMessages) else {
                throw .badRequest("not enough rights to send text messages to the chat")
            }
        }
    }

    /// An open join request lets the bot write for five minutes.
    private func hasOpenRequest(_ person: Int64, now: Timestamp) -> Bool {
        chatOrder.contains { id in
            guard let at = chats[id]?.joinRequests[person] else { return false }
            return now.microseconds - at < 300_000_000 && member(botID, in: id, now: now).may(.inviteUsers)
        }
    }

    private func topic(_ parameters: Parameters, of chat: Chat, now: Timestamp) throws(MethodError) -> Int64? {
        guard let thread = parameters.int("message_thread_id"), thread != 0 else { return nil }
        guard chat.isForum, let topic = chat.topics[thread] else { throw .badRequest("message thread not found") }
        if topic.isClosed,
            !member(botID, in: chat.id, now: now).rights.contains(AdminRights(names: ["can_manage_topics"]))
        {
            throw .badRequest("TOPIC_CLOSED")
        }
        return thread == 1 ? nil : thread
    }

    private func messageText(_ parameters: Parameters) throws(MethodError) -> FormattedText {
        var text = try FormattedText(parameters.string("text") ?? "", mode: parameters.string("parse_mode"))
        if parameters.string("parse_mode") == nil, let entities = try parameters.document("entities")?.array {
            text.entities = entities
        }
        guard text.plain.contains(where: { !$0.isWhitespace }) else { throw .badRequest("message text is empty") }
        guard text.plain.utf16.count <= 4096 else { throw .badRequest("message is too long") }
        return text
    }

    /// The inline keyboard, checked; other kinds of markup leave no trace in a message.
    private func keyboard(_ parameters: Parameters) throws(MethodError) -> JSONValue? {
        guard let markup = try parameters.document("reply_markup") else { return nil }
        guard case .object = markup else { throw .badRequest("object expected as reply markup") }
        guard let rows = markup["inline_keyboard"] else { return nil }
        var count = 0
        for row in rows.array ?? [] {
            guard let buttons = row.array else {
                throw .badRequest("can't parse inline keyboard button: Expected an Array of InlineKeyboardButton")
            }
            for button in buttons {
                count += 1
                guard button["text"]?.string?.isEmpty == false else {
                    throw .badRequest("can't parse inline keyboard button: Text button expected")
                }
                if let data = button["callback_data"]?.string, !(1...64).contains(data.utf8.count) {
                    throw .badRequest("BUTTON_DATA_INVALID")
                }
                if let url = button["url"]?.string, !Self.isButtonURL(url) {
                    throw .badRequest("inline keyboard button URL '\(url)' is invalid: Wrong HTTP URL")
                }
                let kinds = [
                    "callback_data", "url", "web_app", "login_url", "switch_inline_query",
                    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "copy_text", "pay",
                    "callback_game",
                ]
                guard kinds.contains(where: { button[$0] != nil }) else {
                    throw .badRequest(
                        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
                }
            }
        }
        guard count <= 100 else { throw .badRequest("reply markup is too long") }
        return count == 0 ? nil : .object([("inline_keyboard", rows)])
    }

    private static func isButtonURL(_ url: String) -> Bool {
        ["http://", "https://", "tg://"].contains { url.lowercased().hasPrefix($0) } && !url.contains(" ")
    }

    // MARK: - Editing

    mutating func editMessageText(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let text = try messageText(parameters)
        return try editOwn(parameters, now: now) { message in
            message.text = text.plain
            message.entities = text.entities
        }
    }

    mutating func editMessageReplyMarkup(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try editOwn(parameters, now: now) { _ in }
    }

    private mutating func editOwn(
        _ parameters: Parameters, now: Timestamp, _ body: (inout Message) -> Void
    ) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        let markup = try keyboard(parameters)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        guard let old = chats[chat.id]?.messages[id], !old.isGone else {
            throw .badRequest("message to edit not found")
        }
        let isOwn =
            old.senderID == botID || (chat.kind == .channel && member(botID, in: chat.id, now: now).may(.editMessages))
        guard isOwn, old.extra.isEmpty else { throw .badRequest("message can't be edited") }
        var new = old
        body(&new)
        new.replyMarkup = markup
        guard new.text != old.text || new.entities != old.entities || new.replyMarkup != old.replyMarkup else {
            throw .badRequest(
                "message is not modified: specified new message content and reply markup are exactly the same "
                    + "as a current content and reply markup of the message")
        }
        if chat.kind != .private, let wait = floods.admit(chat.id, kind: chat.kind, now: now) { throw .tooMany(wait) }
        new.editDate = now.seconds
        chats[chat.id]?.messages[id] = new
        note(.botEdited(chat: chat.title, text: new.text))
        return messageObject(new, in: chat.id)
    }

    // MARK: - Deleting

    mutating func deleteMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        if isFast, chat.messages[id] == nil { return .bool(true) }
        guard stands(id, in: chat.id) else { throw .badRequest("message to delete not found") }
        guard canDelete(id, in: chat, now: now) else { throw .badRequest("message can't be deleted") }
        remove(id, in: chat)
        return .bool(true)
    }

    mutating func deleteMessages(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        let ids = (try parameters.document("message_ids")?.array ?? []).compactMap(\.int)
        guard !ids.isEmpty else { throw .badRequest("message identifiers are not specified") }
        guard ids.count <= 100 else { throw .badRequest("too many message identifiers specified") }
        // Those that are not there are skipped without an error.
        for id in ids where stands(id, in: chat.id) {
            guard canDelete(id, in: chat, now: now) else { throw .badRequest("message can't be deleted") }
        }
        for id in ids where stands(id, in: chat.id) { remove(id, in: chat) }
        return .bool(true)
    }

    private func canDelete(_ id: Int64, in chat: Chat, now: Timestamp) -> Bool {
        guard let message = chat.messages[id], now.seconds - message.date < 172_800 else { return false }
        if chat.kind == .private || message.senderID == botID { return true }
        return member(botID, in: chat.id, now: now).may(.deleteMessages)
    }

    private mutating func remove(_ id: Int64, in chat: Chat) {
        chats[chat.id]?.messages[id]?.isGone = true
        guard let message = chat.messages[id] else { return }
        note(
            .deleted(person: message.senderChatID.map { title(of: $0) } ?? name(of: message.senderID), chat: chat.title)
        )
    }
}
