// forwardMessage, copyMessage and both for several messages; pinning.

import EventLoop
import JSON

extension World {
    mutating func forwardMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        _ = try enterChat(parameters, now: now)
        let (source, from) = try sourceMessage(parameters, "forward", now: now)
        return try post(parameters, needs: .sendMessages, "text messages", now: now) { world, message in
            world.fill(&message, from: source)
            message.extra = [("forward_origin", world.origin(of: source, in: from))]
            message.isFixed = true
        }
    }

    mutating func copyMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        _ = try enterChat(parameters, now: now)
        let (source, _) = try sourceMessage(parameters, "copy", now: now)
        let caption = try parameters.string("caption").map { (_) throws(MethodError) in
            try formatted(parameters, "caption", limit: 1024)
        }
        let sent = try posted(parameters, needs: .sendMessages, "text messages", now: now) { world, message in
            world.fill(&message, from: source)
            guard let caption, source.media != nil else { return }
            message.text = caption.plain
            message.entities = caption.entities
        }
        return .object([("message_id", .int(sent.message.id))])
    }

    /// `forwardMessages` and `copyMessages`: messages that are gone are skipped, unless all are.
    mutating func repeatMessages(
        _ parameters: Parameters, isForward: Bool, now: Timestamp
    ) throws(MethodError) -> JSONValue {
        let ids = (try parameters.document("message_ids")?.array ?? []).compactMap(\.int)
        guard !ids.isEmpty else { throw .badRequest("message identifiers are not specified") }
        guard ids.count <= 100 else { throw .badRequest("too many message identifiers specified") }
        let chat = try enterChat(parameters, now: now)
        let from = try sourceChat(parameters, now: now)
        let standing = ids.filter { id in chats[from]?.messages[id].map { !$0.isGone && !$0.isService } ?? false }
        guard !standing.isEmpty else {
            throw .badRequest("there are no messages to \(isForward ? "forward" : "copy")")
        }
        try checkFlood(of: standing.count, in: chat, now: now)
        var made: [JSONValue] = []
        for id in standing {
            var one = parameters
            one.values["message_id"] = .int(id)
            let reply = isForward ? try forwardMessage(one, now: now) : try copyMessage(one, now: now)
            made.append(.object([("message_id", reply["message_id"] ?? .int(0))]))
        }
        return .array(made)
    }

    private func sourceChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> Int64 {
        guard let from = parameters["from_chat_id"] else { throw .badRequest("chat_id is empty") }
        return try enterChat(Parameters([("chat_id", from)]), now: now).id
    }

    private func sourceMessage(
        _ parameters: Parameters, _ verb: String, now: Timestamp
    ) throws(MethodError) -> (message: Message, chat: Int64) {
        let from = try sourceChat(parameters, now: now)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        guard let source = chats[from]?.messages[id], !source.isGone else {
            throw .badRequest("message to \(verb) not found")
        }
        guard !source.isService else {
            throw .badRequest(verb == "copy" ? "message can't be copied" : "message can't be forwarded")
        }
        return (source, from)
    }

    private func fill(_ message: inout Message, from source: Message) {
        message.text = source.text
        message.entities = source.entities
        message.media = source.media
        message.isFixed = source.isFixed
    }

    private func origin(of message: Message, in chat: Int64) -> JSONValue {
        if let known = message.extra.first(where: { $0.key == "forward_origin" }) { return known.value }
        var fields = Fields()
        if chats[chat]?.kind == .channel {
            fields.add("type", "channel")
            fields.add("date", message.date)
            fields.add("chat", chatObject(chat))
            fields.add("message_id", message.id)
        } else if let speaker = message.senderChatID {
            fields.add("type", "chat")
            fields.add("date", message.date)
            fields.add("sender_chat", chatObject(speaker))
        } else {
            fields.add("type", "user")
            fields.add("date", message.date)
            fields.add("sender_user", userObject(message.senderID))
        }
        return fields.object
    }

    // MARK: - Pinning

    mutating func pinChatMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try pinnableChat(parameters, now: now)
        guard let id = parameters.int("message_id") else { throw .badRequest("message identifier is not specified") }
        guard let message = chats[chat.id]?.messages[id], !message.isGone else {
            throw .badRequest("message to pin not found")
        }
        guard !message.isService else { throw .badRequest("message can't be pinned") }
        guard chat.pinned.last != id else { return .bool(true) }
        chats[chat.id]?.pinned.removeAll { $0 == id }
        chats[chat.id]?.pinned.append(id)
        if chat.kind != .channel {
            let pinned = messageObject(message, in: chat.id, isAnswered: true)
            addServiceMessage(in: chat.id, from: botID, [("pinned_message", pinned)], now: now)
        }
        return .bool(true)
    }

    mutating func unpinChatMessage(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try pinnableChat(parameters, now: now)
        guard let id = parameters.int("message_id") ?? chat.pinned.last, chat.pinned.contains(id) else {
            throw .badRequest("message to unpin not found")
        }
        chats[chat.id]?.pinned.removeAll { $0 == id }
        return .bool(true)
    }

    mutating func unpinAllChatMessages(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try pinnableChat(parameters, now: now)
        chats[chat.id]?.pinned = []
        return .bool(true)
    }

    private func pinnableChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private else { return chat }
        let bot = member(botID, in: chat.id, now: now)
        guard bot.may(chat.kind == .channel ? .editMessages : .pinMessages) else {
            throw .badRequest("not enough rights to manage pinned messages in the chat")
        }
        return chat
    }
}
