// getMe, getChat, getChatMember, getChatAdministrators, getChatMemberCount.

import EventLoop
import JSON

extension World {
    func getMe() -> JSONValue {
        guard case .object(var members) = userObject(botID) else { return .null }
        members.append(("can_join_groups", .bool(botMayJoinGroups)))
        members.append(("can_read_all_group_messages", .bool(true)))
        members.append(("supports_inline_queries", .bool(true)))
        members.append(("supports_join_request_queries", .bool(false)))
        return .object(members)
    }

    func getChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try resolveChat(parameters, now: now)
        let bot = member(botID, in: chat.id, now: now)
        if chat.kind != .private, chat.username == nil { _ = try enterChat(parameters, now: now) }
        var fields = Fields()
        if chats[chat.id] == nil {
            fields.add("id", chat.id)
            fields.add("first_name", chat.title)
            fields.add("type", "private")
        } else if case .object(let members) = chatObject(chat.id) {
            fields.members = members
        }
        fields.add("accent_color_id", Int64(0))
        fields.add("max_reaction_count", Int64(11))
        fields.flag("join_by_request", chat.joinByRequest)
        if bot.may(.inviteUsers) { fields.add("invite_link", chats[chat.id]?.links.first { $0.isPrimary }?.url) }
        if chat.kind == .group || chat.kind == .supergroup {
            fields.add("permissions", .object(permissionFields(chat.permissions)))
        }
        fields.add("linked_chat_id", chat.linkedChatID)
        if !chat.about.isEmpty { fields.add("description", chat.about) }
        if let id = chat.pinned.last, let pinned = chats[chat.id]?.messages[id], !pinned.isGone {
            fields.add("pinned_message", messageObject(pinned, in: chat.id, isAnswered: true))
        }
        fields.add(
            "accepted_gift_types",
            .object(
                ["unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"]
                    .map { ($0, .bool(false)) }))
        return fields.object
    }

    func getChatMember(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try listedChat(parameters, now: now)
        let person = try requirePerson(parameters)
        return memberObject(person, member(person, in: chat.id, now: now), in: chat.id)
    }

    func getChatAdministrators(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try listedChat(parameters, now: now)
        guard chat.kind != .private else { throw .badRequest("there are no administrators in the private chat") }
        let includesBots = parameters.bool("return_bots")
        var found: [JSONValue] = []
        for id in chats[chat.id]?.order ?? [] {
            let record = member(id, in: chat.id, now: now)
            guard record.isAdmin, id == botID || includesBots || persons[id]?.isBot != true else { continue }
            found.append(memberObject(id, record, in: chat.id))
        }
        return .array(found)
    }

    func getChatMemberCount(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try resolveChat(parameters, now: now)
        if chat.kind == .private { return .int(2) }
        if chat.username == nil { _ = try enterChat(parameters, now: now) }
        return .int(Int64(chats[chat.id]?.memberCount ?? 0))
    }

    /// The chat whose members the bot may look at: in a channel only an administrator sees them.
    private func listedChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let known = try resolveChat(parameters, now: now)
        if known.kind == .channel, !member(botID, in: known.id, now: now).isAdmin {
            if known.username == nil { _ = try enterChat(parameters, now: now) }
            throw .badRequest("member list is inaccessible")
        }
        return try enterChat(parameters, now: now)
    }
}
