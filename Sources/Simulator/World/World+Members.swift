// Who comes, goes, runs and is restricted in a chat, and what the bot is told of it.

import EventLoop
import JSON

extension World {
    /// Changes a record and tells the bot: `my_chat_member` about itself, `chat_member` where it is administrator.
    mutating func change(
        _ person: Int64, in chat: Int64, to new: Member, by actor: Int64, link: InviteLink? = nil,
        viaRequest: Bool = false, now: Timestamp
    ) {
        let old = member(person, in: chat, now: now)
        place(person, in: chat, as: new)
        if new == Member(status: .member) || new == Member(status: .left) { chats[chat]?.members[person] = new }
        guard old != new else { return }
        var fields = Fields()
        fields.add("chat", chatObject(chat))
        fields.add("from", userObject(actor))
        fields.add("date", now.seconds)
        fields.add("old_chat_member", memberObject(person, old, in: chat))
        fields.add("new_chat_member", memberObject(person, new, in: chat))
        fields.add("invite_link", link.map { linkObject($0) })
        fields.flag("via_join_request", viaRequest)
        if person == botID {
            tell("my_chat_member", .chat(chat), fields.object, lives: 86_400, now: now)
        } else if member(botID, in: chat, now: now).isAdmin {
            tell("chat_member", .members(person), fields.object, lives: 86_400, now: now)
        }
    }

    /// Somebody joins, by the chat's name or through a link. A restriction from before stays.
    public mutating func join(
        _ person: Int64, _ chat: Int64, link url: String? = nil, now: Timestamp
    ) throws(Refusal) {
        guard let place = chats[chat]?.head, place.kind != .private, persons[person] != nil else { throw .unknown }
        let record = member(person, in: chat, now: now)
        guard record.status != .kicked else { throw .notThere }
        guard !record.isPresent else { return }
        var used: InviteLink?
        if let url {
            guard let link = chats[chat]?.links.first(where: { $0.url == url }), !link.isRevoked else {
                throw .linkInvalid
            }
            if let end = link.expireDate, end <= now.seconds { throw .linkInvalid }
            if let limit = link.memberLimit, link.uses >= limit { throw .linkInvalid }
            used = link
        }
        if used?.createsJoinRequest ?? place.joinByRequest {
            ask(person, chat, link: used, now: now)
            throw .waitsForApproval
        }
        if let index = chats[chat]?.links.firstIndex(where: { $0.url == url }) { chats[chat]?.links[index].uses += 1 }
        enter(person, chat, by: person, link: used, now: now)
    }

    mutating func enter(
        _ person: Int64, _ chat: Int64, by actor: Int64, link: InviteLink? = nil, viaRequest: Bool = false,
        now: Timestamp
    ) {
        var new = member(person, in: chat, now: now)
        if new.status == .restricted { new.isMember = true } else { new = Member(status: .member) }
        chats[chat]?.joinRequests[person] = nil
        note(.joined(person: name(of: person), chat: title(of: chat)))
        change(person, in: chat, to: new, by: actor, link: link, viaRequest: viaRequest, now: now)
        guard chats[chat]?.hasServiceMessages == true else { return }
        addServiceMessage(in: chat, from: person, [("new_chat_members", .array([userObject(person)]))], now: now)
    }

    private mutating func ask(_ person: Int64, _ chat: Int64, link: InviteLink?, now: Timestamp) {
        chats[chat]?.joinRequests[person] = now.microseconds
        note(.asked(person: name(of: person), chat: title(of: chat)))
        guard member(botID, in: chat, now: now).may(.inviteUsers) else { return }
        var fields = Fields()
        if chats[chat]?.botIsGuard == true {
            let query = String(random.next() >> 1)
            joinQueries[query] = JoinQuery(personID: person, chatID: chat, at: now)
            fields.add("query_id", query)
        }
        fields.add("chat", chatObject(chat))
        fields.add("from", userObject(person))
        fields.add("user_chat_id", person)
        fields.add("date", now.seconds)
        fields.add("invite_link", link.map { linkObject($0) })
        tell("chat_join_request", .members(person), fields.object, lives: 86_400, now: now)
    }

    /// Somebody asks to be let in, whatever the chat's settings.
    public mutating func requestToJoin(_ person: Int64, _ chat: Int64, now: Timestamp) throws(Refusal) {
        guard chats[chat] != nil, persons[person] != nil else { throw .unknown }
        guard member(person, in: chat, now: now).status != .kicked else { throw .notThere }
        ask(person, chat, link: nil, now: now)
    }

    /// Somebody leaves. Who is restricted stays an exception.
    public mutating func leave(_ person: Int64, _ chat: Int64, now: Timestamp) throws(Refusal) {
        var record = member(person, in: chat, now: now)
        guard chats[chat] != nil, record.isPresent else { throw .notThere }
        if record.status == .restricted { record.isMember = false } else { record = Member(status: .left) }
        note(.left(person: name(of: person), chat: title(of: chat)))
        change(person, in: chat, to: record, by: person, now: now)
        guard chats[chat]?.hasServiceMessages == true else { return }
        addServiceMessage(in: chat, from: person, [("left_chat_member", userObject(person))], now: now)
    }

    /// An administrator, or the bot, sets what somebody may do. All permissions: the exception is gone.
    public mutating func restrict(
        _ person: Int64, in chat: Int64, to permissions: Permissions, until: Int64 = 0, by actor: Int64,
        now: Timestamp
    ) {
        let old = member(person, in: chat, now: now)
        var new: Member
        if permissions.isSuperset(of: .all) {
            new = Member(status: old.isPresent ? .member : .left)
        } else {
            new = Member(status: .restricted, isMember: old.isPresent)
            new.permissions = permissions
            new.untilDate = until
        }
        if actor != botID {
            note(.changedByAdmin(person: name(of: person), chat: title(of: chat), by: name(of: actor)))
        } else if new.status == .restricted {
            note(.restricted(person: name(of: person), chat: title(of: chat)))
        } else {
            note(.lifted(person: name(of: person), chat: title(of: chat)))
        }
        change(person, in: chat, to: new, by: actor, now: now)
    }

    /// An administrator bans somebody, or takes the ban back.
    public mutating func ban(_ person: Int64, in chat: Int64, isBanned: Bool, by actor: Int64, now: Timestamp) {
        note(.changedByAdmin(person: name(of: person), chat: title(of: chat), by: name(of: actor)))
        change(person, in: chat, to: Member(status: isBanned ? .kicked : .left), by: actor, now: now)
    }

    /// Somebody is made administrator, loses rights, or becomes a plain member again (`nil`).
    public mutating func promote(
        _ person: Int64, in chat: Int64, rights: AdminRights?, by actor: Int64, now: Timestamp
    ) {
        var new = Member(status: .member)
        if let rights { new = Member(status: .administrator, rights: rights.union(.manageChat)) }
        change(person, in: chat, to: new, by: actor, now: now)
    }

    /// Somebody blocks the bot, or lets it write again.
    public mutating func setBlocked(_ person: Int64, _ isBlocked: Bool, now: Timestamp) {
        guard let known = persons[person], known.hasBlocked != isBlocked else { return }
        persons[person]?.hasBlocked = isBlocked
        let chat = privateChat(of: person)
        var fields = Fields()
        fields.add("chat", chatObject(chat))
        fields.add("from", userObject(person))
        fields.add("date", now.seconds)
        let member = Member(status: .member)
        let kicked = Member(status: .kicked)
        fields.add("old_chat_member", memberObject(botID, isBlocked ? member : kicked, in: chat))
        fields.add("new_chat_member", memberObject(botID, isBlocked ? kicked : member, in: chat))
        tell("my_chat_member", .chat(chat), fields.object, lives: 86_400, now: now)
    }

    /// A basic group becomes a supergroup, whose id is given.
    public mutating func migrate(_ group: Int64, now: Timestamp) throws(Refusal) -> Int64 {
        guard let old = chats[group], old.kind == .group, old.migratedTo == nil else { throw .unknown }
        let new = addChat(old.title, kind: .supergroup)
        chats[new]?.members = old.members
        chats[new]?.order = old.order
        chats[new]?.permissions = old.permissions
        chats[group]?.migratedTo = new
        note(.migrated(chat: old.title))
        let owner = old.order.first { old.members[$0]?.status == .creator } ?? 0
        addServiceMessage(in: group, from: owner, [("migrate_to_chat_id", .int(new))], now: now)
        addServiceMessage(
            in: new, from: StandIn.anonymousAdmin, [("migrate_from_chat_id", .int(group))], now: now)
        return new
    }
}
