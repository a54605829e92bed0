// Reading messages, people, chats and their members out of JSON. Pure.

import Domain
import JSON

extension User {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var id: Int64?
        self.init(id: UserID(0))
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "id": id = try reader.readID()
            case "is_bot": self.isBot = try reader.readBool()
            case "first_name": self.firstName = try reader.readString()
            case "last_name": self.lastName = try reader.readString()
            case "username": self.username = try reader.readString()
            case "language_code": self.languageCode = try reader.readString()
            default: try reader.skip()
            }
        }
        self.id = UserID(try reader.need(id))
    }
}

extension Chat {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var id: Int64?
        self.init(id: ChatID(0), type: .unknown)
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "id": id = try reader.readID()
            case "type": self.type = ChatType(rawValue: try reader.readString()) ?? .unknown
            case "title": self.title = try reader.readString()
            case "first_name" where self.title == nil: self.title = try reader.readString()
            case "username": self.username = try reader.readString()
            case "is_forum": self.isForum = try reader.readBool()
            case "invite_link": self.inviteLink = try reader.readString()
            default: try reader.skip()
            }
        }
        self.id = ChatID(try reader.need(id))
    }
}

extension ChatMember {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var user: User?
        var status: ChatMemberStatus?
        var isMember: Bool?
        var until: Int64?
        var permissions = ChatPermissions.none
        var rights = (restrict: false, delete: false, invite: false, anonymous: false)
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "user": user = try User(reading: &reader)
            case "status": status = ChatMemberStatus(rawValue: try reader.readString()) ?? .unknown
            case "is_member": isMember = try reader.readBool()
            case "until_date": until = try reader.readInt64()
            case "can_restrict_members": rights.restrict = try reader.readBool()
            case "can_delete_messages": rights.delete = try reader.readBool()
            case "is_anonymous": rights.anonymous = try reader.readBool()
            default:
                guard let right = ChatPermissions.named(key) else { return try reader.skip() }
                if try reader.readBool() { permissions.insert(right) } else { permissions.remove(right) }
            }
        }
        rights.invite = permissions.contains(ChatPermissions.inviteUsers)
        self.init(
            user: try reader.need(user), status: try reader.need(status), isMember: isMember,
            permissions: status == .restricted ? permissions : nil, untilDate: until == 0 ? nil : until)
        isAnonymous = rights.anonymous
        guard self.status == .administrator else { return }
        (canRestrictMembers, canDeleteMessages, canInviteUsers) = (rights.restrict, rights.delete, rights.invite)
    }
}

extension Message {
    init(reading reader: inout JSONReader, _ bytes: [UInt8]) throws(JSONError) {
        var id: Int64?
        var date: Int64?
        var chat: Chat?
        self.init(id: MessageID(0), date: 0, chat: Chat(id: ChatID(0), type: .unknown))
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "message_id": id = try reader.readInt64()
            case "date": date = try reader.readInt64()
            case "chat": chat = try Chat(reading: &reader)
            case "from": self.from = try User(reading: &reader)
            case "sender_chat": self.senderChat = try Chat(reading: &reader)
            case "edit_date": self.editDate = try reader.readInt64()
            case "is_automatic_forward": self.isAutomaticForward = try reader.readBool()
            case "message_thread_id": self.threadID = try reader.readInt64()
            case "is_topic_message": self.isTopicMessage = try reader.readBool()
            case "media_group_id": self.mediaGroupID = try reader.readString()
            case "text", "caption": self.storedText = try reader.readLazyText(bytes)
            case "entities", "caption_entities": self.entities = try reader.readEntities()
            default: try self.readRare(key, &reader)
            }
        }
        self.id = MessageID(try reader.need(id))
        self.date = try reader.need(date)
        self.chat = try reader.need(chat)
    }

    private mutating func readRare(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) {
        switch key {
        case "reply_to_message": replyTo = try RepliedMessage(reading: &reader)
        case "forward_origin": forwardOrigin = try reader.readForwardOrigin()
        case "via_bot":
            isViaBot = true
            try reader.skip()
        case "new_chat_members":
            var people: [User] = []
            try reader.readArray { (reader) throws(JSONError) in people.append(try User(reading: &reader)) }
            newChatMembers = people
            isService = true
        case "left_chat_member":
            leftChatMember = try User(reading: &reader)
            isService = true
        case "migrate_to_chat_id":
            migrateToChatID = ChatID(try reader.readID())
            isService = true
        case "migrate_from_chat_id":
            migrateFromChatID = ChatID(try reader.readID())
            isService = true
        case "chat_shared":
            sharedChat = try SharedChat(reading: &reader)
            isService = true
        case "successful_payment", "refunded_payment":
            isPayment = true
            isService = true
            try reader.skip()
        default:
            if Self.serviceNames.contains(where: { key == $0 }) { isService = true }
            try reader.skip()
        }
    }

    /// Members that Telegram's own messages have. What is not listed counts as content, so that a new
    /// kind of content is not a way around the gate.
    private static let serviceNames: [StaticString] = [
        "new_chat_title", "new_chat_photo", "delete_chat_photo", "group_chat_created", "supergroup_chat_created",
        "channel_chat_created", "message_auto_delete_timer_changed", "pinned_message", "users_shared",
        "connected_website", "write_access_allowed", "proximity_alert_triggered", "boost_added",
        "chat_background_set", "forum_topic_created", "forum_topic_edited", "forum_topic_closed",
        "forum_topic_reopened", "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created",
        "giveaway_completed", "video_chat_scheduled", "video_chat_started", "video_chat_ended",
        "video_chat_participants_invited", "web_app_data", "paid_message_price_changed",
        "direct_message_price_changed", "checklist_tasks_done", "checklist_tasks_added", "gift", "unique_gift",
    ]
}

extension RepliedMessage {
    fileprivate init(reading reader: inout JSONReader) throws(JSONError) {
        var id: Int64?
        var replied = RepliedMessage(id: MessageID(0))
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "message_id": id = try reader.readInt64()
            case "from": replied.from = try User(reading: &reader)
            case "sender_chat": replied.senderChat = try Chat(reading: &reader)
            case "forward_origin": replied.forwardOrigin = try reader.readForwardOrigin()
            case "entities", "caption_entities":
                replied.mentioned = try reader.readEntities().compactMap { entity in
                    if case .textMention(let user) = entity.kind { user } else { nil }
                }
            default: try reader.skip()
            }
        }
        replied.id = MessageID(try reader.need(id))
        self = replied
    }
}

extension SharedChat {
    fileprivate init(reading reader: inout JSONReader) throws(JSONError) {
        var request: Int64 = 0
        var chat: Int64?
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "request_id": request = try reader.readInt64()
            case "chat_id": chat = try reader.readID()
            default: try reader.skip()
            }
        }
        self.init(requestID: request, chat: ChatID(try reader.need(chat)))
    }
}

extension JSONReader {
    /// Validates a string now and leaves its making for later.
    fileprivate mutating func readLazyText(_ bytes: [UInt8]) throws(JSONError) -> Message.Text {
        guard try peek() == .string else { throw .typeMismatch(at: position) }
        return .json(bytes, try skipRaw())
    }

    /// The channel of a `MessageOrigin`; `nil` for people and hidden ones.
    fileprivate mutating func readForwardOrigin() throws(JSONError) -> Chat? {
        var chat: Chat?
        try readObject { (reader, key) throws(JSONError) in
            switch key {
            case "chat", "sender_chat": chat = try Chat(reading: &reader)
            default: try reader.skip()
            }
        }
        return chat
    }

    fileprivate mutating func readEntities() throws(JSONError) -> [MessageEntity] {
        var entities: [MessageEntity] = []
        try readArray { (reader) throws(JSONError) in
            var type = ""
            var (offset, length): (Int64, Int64) = (0, 0)
            var user: User?
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "type": type = try reader.readString()
                case "offset": offset = try reader.readInt64()
                case "length": length = try reader.readInt64()
                case "user": user = try User(reading: &reader)
                default: try reader.skip()
                }
            }
            let kind: MessageEntity.Kind? =
                switch type {
                case "bot_command": .botCommand
                case "mention": .mention
                case "text_mention": user.map(MessageEntity.Kind.textMention)
                default: nil
                }
            // Bounded, so that adding the two later cannot overflow.
            guard let kind, (0...1_000_000).contains(offset), (0...1_000_000).contains(length) else { return }
            entities.append(MessageEntity(kind: kind, offset: Int(offset), length: Int(length)))
        }
        return entities
    }
}
