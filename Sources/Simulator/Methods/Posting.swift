// What all methods that send have in common: where, in answer to what, with which buttons, and whether it is allowed.

import EventLoop
import JSON

extension World {
    /// Sends a message of the bot. What it holds is filled in by `compose`, after all refusals but the flood limit.
    ///
    /// - Parameter permission: what members of a group need for it; `word` names it in the refusal.
    mutating func post(
        _ parameters: Parameters, needs permission: Permissions, _ word: String, now: Timestamp,
        _ compose: (inout World, inout Message) throws(MethodError) -> Void
    ) throws(MethodError) -> JSONValue {
        let message = try posted(parameters, needs: permission, word, now: now, compose)
        return messageObject(message.message, in: message.chat)
    }

    /// As `post`; gives the message itself.
    mutating func posted(
        _ parameters: Parameters, needs permission: Permissions, _ word: String, now: Timestamp,
        _ compose: (inout World, inout Message) throws(MethodError) -> Void
    ) throws(MethodError) -> (message: Message, chat: Int64) {
        let chat = try enterChat(parameters, now: now)
        let markup = try keyboard(parameters)
        let thread = try topic(parameters, of: chat, now: now)
        try checkMayWrite(in: chat, needs: permission, word, now: now)
        let receiver = parameters.int("receiver_user_id")
        if let receiver {
            guard chat.kind == .group || chat.kind == .supergroup, persons[receiver] != nil else {
                throw .badRequest("user not found")
            }
        }
        let answered = try answeredMessage(parameters, in: chat.id)
        // What is sent is looked at before it counts, but it gets its id after: a refusal leaves no gap.
        var draft = Message(id: 0, date: now.seconds, senderID: chat.kind == .channel ? 0 : botID, text: "")
        try compose(&self, &draft)
        if let wait = floods.admit(chat.id, kind: chat.kind, now: now) { throw .tooMany(wait) }
        if chat.kind == .private { _ = privateChat(of: chat.id) }
        var message = newMessage(in: chat.id, from: draft.senderID, text: draft.text, now: now)
        if chat.kind == .channel { message.senderChatID = chat.id }
        message.entities = draft.entities
        message.media = draft.media
        message.extra = draft.extra
        message.isFixed = draft.isFixed
        message.replyMarkup = markup
        message.threadID = thread
        message.receiverID = receiver
        message.answersID = answered
        keep(message, in: chat.id)
        try keepReplyKeyboard(of: parameters, in: chat)
        note(.botWrote(chat: chat.title, text: message.shownText))
        return (message, chat.id)
    }

    /// Several messages are sent together or not at all.
    func checkFlood(of count: Int, in chat: ChatHead, now: Timestamp) throws(MethodError) {
        var attempt = floods
        for _ in 0..<count {
            if let wait = attempt.admit(chat.id, kind: chat.kind, now: now) { throw .tooMany(wait) }
        }
    }

    /// The message that `reply_parameters` (or the older `reply_to_message_id`) names, if it is in this chat.
    private func answeredMessage(_ parameters: Parameters, in chat: Int64) throws(MethodError) -> Int64? {
        let target = try parameters.document("reply_parameters")
        guard let id = target?["message_id"]?.int ?? parameters.int("reply_to_message_id") else {
            guard target == nil else { throw .badRequest("message to be replied not found") }
            return nil
        }
        guard stands(id, in: chat) else {
            let isOptional =
                target?["allow_sending_without_reply"]?.bool == true || parameters.bool("allow_sending_without_reply")
            guard isOptional else { throw .badRequest("message to be replied not found") }
            return nil
        }
        return id
    }

    func checkMayWrite(
        in chat: ChatHead, needs permission: Permissions, _ word: String, now: Timestamp
    ) throws(MethodError) {
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
            guard permissions(of: botID, in: chat.id, now: now).contains(permission) else {
                throw .badRequest("not enough rights to send \(word) to the chat")
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

    private func topic(_ parameters: Parameters, of chat: ChatHead, now: Timestamp) throws(MethodError) -> Int64? {
        guard let thread = parameters.int("message_thread_id"), thread != 0 else { return nil }
        guard chat.isForum, let topic = chat.topics[thread] else { throw .badRequest("message thread not found") }
        if topic.isClosed, !member(botID, in: chat.id, now: now).rights.contains(.manageTopics) {
            throw .badRequest("TOPIC_CLOSED")
        }
        return thread == 1 ? nil : thread
    }

    /// The text, or the caption: `field` names it; the others are called after it.
    func formatted(
        _ parameters: Parameters, _ field: String, limit: Int
    ) throws(MethodError) -> FormattedText {
        let mode = parameters.string("parse_mode")
        var text = try FormattedText(parameters.string(field) ?? "", mode: mode)
        let entities = field == "text" ? "entities" : "\(field)_entities"
        if mode == nil, let given = try parameters.document(entities)?.array { text.entities = given }
        text.entities = text.entities.map { withKnownUser($0) }
        guard text.plain.utf16.count <= limit else {
            throw .badRequest(field == "text" ? "message is too long" : "message caption is too long")
        }
        return text
    }

    /// Telegram shows whom a mention names, not what the bot wrote about them.
    private func withKnownUser(_ entity: JSONValue) -> JSONValue {
        guard case .object(var members) = entity, let id = entity["user"]?["id"]?.int, persons[id] != nil else {
            return entity
        }
        members.removeAll { $0.key == "user" }
        return .object(members + [("user", userObject(id))])
    }
}
