// banChatMember, unbanChatMember, banChatSenderChat, promoteChatMember, leaveChat and the chat's own settings.

import EventLoop
import JSON

extension World {
    mutating func banChatMember(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, person) = try punished(parameters, now: now)
        let record = member(person, in: chat.id, now: now)
        if person == botID { throw .badRequest("can't restrict self") }
        if record.status == .creator { throw .badRequest("can't remove chat owner") }
        if record.status == .administrator { throw .badRequest("user is an administrator of the chat") }
        var until = parameters.int("until_date") ?? 0
        if until < now.seconds + 30 || until > now.seconds + 366 * 86_400 { until = 0 }
        var banned = Member(status: .kicked)
        if chat.kind != .group { banned.untilDate = until }
        let wasPresent = record.isPresent
        change(person, in: chat.id, to: banned, by: botID, now: now)
        if parameters.bool("revoke_messages") {
            let written = chats[chat.id]?.messages.values.filter { $0.senderID == person } ?? []
            for id in written.map(\.id) {
                chats[chat.id]?.messages[id]?.isGone = true
            }
        }
        if wasPresent, chat.hasServiceMessages {
            addServiceMessage(in: chat.id, from: botID, [("left_chat_member", userObject(person))], now: now)
        }
        return .bool(true)
    }

    mutating func unbanChatMember(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, person) = try punished(parameters, now: now)
        guard chat.kind != .group else {
            throw .badRequest("method is available for supergroup and channel chats only")
        }
        let record = member(person, in: chat.id, now: now)
        if record.isAdmin { throw .badRequest("user is an administrator of the chat") }
        // Who is a member is thrown out by it, unless the call says otherwise.
        guard record.status == .kicked || (!parameters.bool("only_if_banned") && record.isPresent) else {
            return .bool(true)
        }
        change(person, in: chat.id, to: Member(status: .left), by: botID, now: now)
        return .bool(true)
    }

    private func punished(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> (
        chat: ChatHead, person: Int64
    ) {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private else { throw .badRequest("can't ban members in private chats") }
        let person = try requirePerson(parameters)
        guard member(botID, in: chat.id, now: now).may(.restrictMembers) else {
            throw .badRequest("not enough rights to restrict/unrestrict chat member")
        }
        return (chat, person)
    }

    /// `banChatSenderChat` and `unbanChatSenderChat`.
    mutating func banSenderChat(
        _ parameters: Parameters, isBanned: Bool, now: Timestamp
    ) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind == .supergroup || chat.kind == .channel else {
            throw .badRequest("can't ban a sender chat in this chat")
        }
        guard let sender = parameters.int("sender_chat_id"), chats[sender]?.kind == .channel else {
            throw .badRequest("sender chat not found")
        }
        guard member(botID, in: chat.id, now: now).may(.restrictMembers) else {
            throw .badRequest("not enough rights to ban chat sender")
        }
        chats[chat.id]?.bannedChannels.removeAll { $0 == sender }
        if isBanned { chats[chat.id]?.bannedChannels.append(sender) }
        return .bool(true)
    }

    mutating func promoteChatMember(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind == .supergroup || chat.kind == .channel else {
            throw .badRequest("method is available for supergroup and channel chats only")
        }
        let person = try requirePerson(parameters)
        let bot = member(botID, in: chat.id, now: now)
        guard bot.may(.promoteMembers) else { throw .badRequest("not enough rights") }
        let record = member(person, in: chat.id, now: now)
        if person == botID { throw .badRequest("can't promote self") }
        if record.status == .creator { throw .badRequest("can't remove chat owner") }
        guard record.isPresent else { throw .badRequest("USER_NOT_PARTICIPANT") }
        let rights = AdminRights(names: AdminRights.names.filter { parameters.bool($0) })
        guard bot.rights.isSuperset(of: rights.subtracting(.anonymous)) else {
            throw .forbidden("RIGHT_FORBIDDEN")
        }
        promote(person, in: chat.id, rights: rights.isEmpty ? nil : rights, by: botID, now: now)
        return .bool(true)
    }

    mutating func setCustomTitle(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        let person = try requirePerson(parameters)
        guard let title = parameters.string("custom_title"), title.utf16.count <= 16 else {
            throw .badRequest("ADMIN_RANK_INVALID")
        }
        var record = member(person, in: chat.id, now: now)
        guard record.status == .administrator else { throw .badRequest("user is not an administrator") }
        guard member(botID, in: chat.id, now: now).may(.promoteMembers) else {
            throw .badRequest("not enough rights to change custom title of the user")
        }
        record.customTitle = title.isEmpty ? nil : title
        change(person, in: chat.id, to: record, by: botID, now: now)
        return .bool(true)
    }

    mutating func leaveChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private else { throw .badRequest("chat member status can't be changed in private chats") }
        change(botID, in: chat.id, to: Member(status: .left), by: botID, now: now)
        return .bool(true)
    }

    // MARK: - The chat itself

    mutating func setChatPermissions(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind == .supergroup || chat.kind == .group else {
            throw .badRequest("can't change chat permissions in this chat")
        }
        guard case .object(let members) = try parameters.document("permissions") else {
            throw .badRequest("permissions are empty")
        }
        guard member(botID, in: chat.id, now: now).may(.restrictMembers) else {
            throw .badRequest("not enough rights to change chat permissions")
        }
        chats[chat.id]?.permissions = Self.permissions(
            members, isIndependent: parameters.bool("use_independent_chat_permissions"))
        return .bool(true)
    }

    mutating func setChatTitle(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try changeableChat(parameters, now: now)
        guard let title = parameters.string("title"), !title.isEmpty else { throw .badRequest("title can't be empty") }
        chats[chat.id]?.title = String(title.prefix(128))
        if chat.hasServiceMessages {
            addServiceMessage(in: chat.id, from: botID, [("new_chat_title", .string(title))], now: now)
        }
        return .bool(true)
    }

    mutating func setChatDescription(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try changeableChat(parameters, now: now)
        let about = parameters.string("description") ?? ""
        guard about != chat.about else { throw .badRequest("chat description is not modified") }
        chats[chat.id]?.about = String(about.prefix(255))
        return .bool(true)
    }

    private func changeableChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private else { throw .badRequest("can't change private chat settings") }
        guard member(botID, in: chat.id, now: now).may(.changeInfo) else {
            throw .badRequest("not enough rights to change chat info")
        }
        return chat
    }
}
