// The Bot API's objects as JSON, in the order in which Telegram writes their fields.

import EventLoop
import JSON

/// Members of a JSON object that is being put together; absent values are left out.
struct Fields {
    var members: [(key: String, value: JSONValue)] = []

    mutating func add(_ key: String, _ value: JSONValue?) {
        if let value { members.append((key, value)) }
    }
    mutating func add(_ key: String, _ value: Int64?) { add(key, value.map { JSONValue.int($0) }) }
    mutating func add(_ key: String, _ value: String?) { add(key, value.map { JSONValue.string($0) }) }
    /// `true`, or nothing at all, as Telegram does with flags.
    mutating func flag(_ key: String, _ isSet: Bool) { if isSet { add(key, JSONValue.bool(true)) } }

    var object: JSONValue { .object(members) }
}

extension World {
    func userObject(_ id: Int64) -> JSONValue {
        var fields = Fields()
        let person = persons[id]
        fields.add("id", id)
        fields.add("is_bot", .bool(person?.isBot ?? false))
        fields.add("first_name", person?.name ?? "Somebody")
        fields.add("username", person?.username)
        fields.add("language_code", person?.languageCode)
        return fields.object
    }

    func chatObject(_ id: Int64) -> JSONValue {
        guard let chat = chats[id] else { return .object([("id", .int(id))]) }
        var fields = Fields()
        fields.add("id", id)
        fields.add(chat.kind == .private ? "first_name" : "title", chat.title)
        fields.add("username", chat.username)
        fields.add("type", chat.kind.rawValue)
        fields.flag("is_forum", chat.isForum)
        return fields.object
    }

    func memberObject(_ person: Int64, _ member: Member, in chat: Int64) -> JSONValue {
        var fields = Fields()
        fields.add("user", userObject(person))
        fields.add("status", member.status.rawValue)
        switch member.status {
        case .creator:
            fields.add("is_anonymous", .bool(member.rights.contains(.anonymous)))
            fields.add("custom_title", member.customTitle)
        case .administrator:
            fields.add("can_be_edited", .bool(false))
            fields.members += rightFields(member.rights, isChannel: chats[chat]?.kind == .channel)
            fields.add("custom_title", member.customTitle)
        case .restricted:
            fields.add("until_date", member.untilDate)
            fields.add("is_member", .bool(member.isMember))
            fields.members += permissionFields(member.permissions)
        case .kicked:
            fields.add("until_date", member.untilDate)
        case .member, .left:
            break
        }
        return fields.object
    }

    func rightFields(_ rights: AdminRights, isChannel: Bool) -> [(key: String, value: JSONValue)] {
        AdminRights.names.enumerated().compactMap { bit, name in
            let isOfChannels = name == "can_post_messages" || name == "can_edit_messages"
            let isOfGroups = name == "can_pin_messages" || name == "can_manage_topics"
            guard isChannel ? !isOfGroups : !isOfChannels else { return nil }
            return (name, .bool(rights.rawValue & (1 << UInt32(bit)) != 0))
        }
    }

    func permissionFields(_ permissions: Permissions) -> [(key: String, value: JSONValue)] {
        Permissions.names.enumerated().map { bit, name in
            (name, .bool(permissions.rawValue & (1 << UInt32(bit)) != 0))
        }
    }

    /// - Parameter isAnswered: it stands inside the message that answers it, and names no further one.
    func messageObject(_ message: Message, in chat: Int64, isAnswered: Bool = false) -> JSONValue {
        var fields = Fields()
        fields.add("message_id", message.receiverID == nil ? message.id : 0)
        if message.receiverID != nil { fields.add("ephemeral_message_id", message.id) }
        if message.senderID != 0 { fields.add("from", userObject(message.senderID)) }
        fields.add("sender_chat", message.senderChatID.map { chatObject($0) })
        fields.add("chat", chatObject(chat))
        fields.add("date", message.date)
        fields.add("edit_date", message.editDate)
        if let thread = message.threadID {
            fields.add("message_thread_id", thread)
            fields.flag("is_topic_message", chats[chat]?.isForum == true)
        }
        if !isAnswered, let id = message.answersID, let answered = chats[chat]?.messages[id], !answered.isGone {
            fields.add("reply_to_message", messageObject(answered, in: chat, isAnswered: true))
        }
        fields.members += message.extra
        if let media = message.media { fields.add(media.key, media.value) }
        if !message.text.isEmpty { fields.add(message.media == nil ? "text" : "caption", message.text) }
        if !message.entities.isEmpty {
            fields.add(message.media == nil ? "entities" : "caption_entities", .array(message.entities))
        }
        fields.add("reply_markup", message.replyMarkup)
        return fields.object
    }

    func linkObject(_ link: InviteLink) -> JSONValue {
        var fields = Fields()
        fields.add("invite_link", link.url)
        fields.add("name", link.name)
        fields.add("creator", userObject(link.creatorID))
        fields.add("expire_date", link.expireDate)
        fields.add("member_limit", link.memberLimit)
        fields.add("creates_join_request", .bool(link.createsJoinRequest))
        fields.add("is_primary", .bool(link.isPrimary))
        fields.add("is_revoked", .bool(link.isRevoked))
        return fields.object
    }
}
