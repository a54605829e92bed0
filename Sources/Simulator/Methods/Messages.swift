// sendMessage, the edits of what was sent, deleteMessage, deleteMessages.

import EventLoop
import JSON

extension World {
    mutating func sendMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        // Telegram looks for the chat before it reads the text.
        _ = try enterChat(parameters, now: now)
        let text = try messageText(parameters)
        return try post(parameters, needs: .sendMessages, "text messages", now: now) { _, message in
            message.text = text.plain
            message.entities = text.entities
        }
    }

    private func messageText(_ parameters: Parameters) throws(MethodError) -> FormattedText {
        let text = try formatted(parameters, "text", limit: 4096)
        guard text.plain.contains(where: { !$0.isWhitespace }) else { throw .badRequest("message text is empty") }
        return text
    }

    // MARK: - Editing

    mutating func editMessageText(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let text = try messageText(parameters)
        return try editOwn(parameters, now: now) { (message) throws(MethodError) in
            guard message.media == nil else { throw .badRequest("there is no text in the message to edit") }
            message.text = text.plain
            message.entities = text.entities
        }
    }

    mutating func editMessageReplyMarkup(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        try editOwn(parameters, now: now) { _ in }
    }

    mutating func editMessageCaption(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let text = try formatted(parameters, "caption", limit: 1024)
        return try editOwn(parameters, now: now) { (message) throws(MethodError) in
            guard message.media.flatMap({ MediaKind(rawValue: $0.key) })?.hasCaption == true else {
                throw .badRequest("there is no caption in the message to edit")
            }
            message.text = text.plain
            message.entities = text.entities
        }
    }

    mutating func editMessageMedia(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        guard let item = try parameters.document("media") else { throw .badRequest("input media is empty") }
        let new = try mediaItem(item, parameters)
        return try editOwn(parameters, now: now) { message in
            message.media = new.media
            message.text = new.text.plain
            message.entities = new.text.entities
        }
    }

    /// Changes a message of the bot's own, and its buttons with it.
    mutating func editOwn(
        _ parameters: Parameters, now: Timestamp, _ body: (inout Message) throws(MethodError) -> Void
    ) throws(MethodError) -> JSONValue {
        if parameters.string("chat_id") == nil, parameters.string("inline_message_id") != nil {
            throw .badRequest("MESSAGE_ID_INVALID")
        }
        let chat = try enterChat(parameters, now: now)
        let markup = try keyboard(parameters)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        guard let old = chats[chat.id]?.messages[id], !old.isGone else {
            throw .badRequest("message to edit not found")
        }
        let isOwn =
            old.senderID == botID || (chat.kind == .channel && member(botID, in: chat.id, now: now).may(.editMessages))
        guard isOwn, !old.isFixed else { throw .badRequest("message can't be edited") }
        var new = old
        try body(&new)
        new.replyMarkup = markup
        guard !new.looksLike(old) else {
            throw .badRequest(
                "message is not modified: specified new message content and reply markup are exactly the same "
                    + "as a current content and reply markup of the message")
        }
        if chat.kind != .private, let wait = floods.admit(chat.id, kind: chat.kind, now: now) { throw .tooMany(wait) }
        new.editDate = now.seconds
        chats[chat.id]?.messages[id] = new
        note(.botEdited(chat: chat.title, text: new.shownText))
        return messageObject(new, in: chat.id)
    }

    // MARK: - Deleting

    mutating func deleteMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        if isFast, chats[chat.id]?.messages[id] == nil { return .bool(true) }
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

    private func canDelete(_ id: Int64, in chat: ChatHead, now: Timestamp) -> Bool {
        guard let message = chats[chat.id]?.messages[id], now.seconds - message.date < 172_800 else { return false }
        if chat.kind == .private || message.senderID == botID { return true }
        return member(botID, in: chat.id, now: now).may(.deleteMessages)
    }

    private mutating func remove(_ id: Int64, in chat: ChatHead) {
        chats[chat.id]?.messages[id]?.isGone = true
        guard let message = chats[chat.id]?.messages[id] else { return }
        note(
            .deleted(person: message.senderChatID.map { title(of: $0) } ?? name(of: message.senderID), chat: chat.title)
        )
    }
}
