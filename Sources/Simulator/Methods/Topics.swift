// Topics of forums: createForumTopic, editForumTopic, closeForumTopic, reopenForumTopic, deleteForumTopic.

import EventLoop
import JSON

extension World {
    /// The colour of topics here; Telegram has six.
    private static let topicColor: Int64 = 7_322_096

    mutating func createForumTopic(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try forum(parameters, now: now)
        let name = parameters.string("name") ?? ""
        guard !name.isEmpty, name.utf16.count <= 128 else { throw .badRequest("TOPIC_TITLE_EMPTY") }
        // A topic's id is that of the line that tells of it.
        let id = max(2, chats[chat.id]?.nextMessageID ?? 2)
        chats[chat.id]?.nextMessageID = id
        chats[chat.id]?.topics[id] = Topic(name: name)
        let color = parameters.int("icon_color") ?? Self.topicColor
        let made = JSONValue.object([("name", .string(name)), ("icon_color", .int(color))])
        addServiceMessage(in: chat.id, from: botID, [("forum_topic_created", made)], thread: id, now: now)
        return .object([("message_thread_id", .int(id)), ("name", .string(name)), ("icon_color", .int(color))])
    }

    mutating func editForumTopic(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, id) = try existingTopic(parameters, now: now)
        guard let name = parameters.string("name"), !name.isEmpty, chat.topics[id]?.name != name else {
            throw .badRequest("TOPIC_NOT_MODIFIED")
        }
        chats[chat.id]?.topics[id]?.name = name
        let edited = JSONValue.object([("name", .string(name))])
        addServiceMessage(in: chat.id, from: botID, [("forum_topic_edited", edited)], thread: id, now: now)
        return .bool(true)
    }

    /// `closeForumTopic` and `reopenForumTopic`.
    mutating func setTopic(isClosed: Bool, _ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, id) = try existingTopic(parameters, now: now)
        guard chat.topics[id]?.isClosed != isClosed else { throw .badRequest("TOPIC_NOT_MODIFIED") }
        chats[chat.id]?.topics[id]?.isClosed = isClosed
        let key = isClosed ? "forum_topic_closed" : "forum_topic_reopened"
        addServiceMessage(in: chat.id, from: botID, [(key, .object([]))], thread: id, now: now)
        return .bool(true)
    }

    mutating func deleteForumTopic(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, id) = try existingTopic(parameters, now: now)
        guard id != 1 else { throw .badRequest("TOPIC_ID_INVALID") }
        chats[chat.id]?.topics[id] = nil
        for message in (chats[chat.id]?.messages ?? [:]).values where message.threadID == id {
            chats[chat.id]?.messages[message.id]?.isGone = true
        }
        return .bool(true)
    }

    private func forum(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let chat = try enterChat(parameters, now: now)
        guard chat.isForum else { throw .badRequest("the chat is not a forum") }
        guard member(botID, in: chat.id, now: now).may(.manageTopics) else {
            throw .badRequest("not enough rights to manage topics")
        }
        return chat
    }

    private func existingTopic(
        _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> (chat: ChatHead, id: Int64) {
        let chat = try forum(parameters, now: now)
        guard let id = parameters.int("message_thread_id"), chat.topics[id] != nil else {
            throw .badRequest("message thread not found")
        }
        return (chat, id)
    }
}
