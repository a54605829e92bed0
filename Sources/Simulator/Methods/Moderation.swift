// restrictChatMember, approveChatJoinRequest, declineChatJoinRequest, answerChatJoinRequestQuery.

import EventLoop
import JSON

extension World {
    mutating func restrictChatMember(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind == .supergroup else { throw .badRequest("method is available only for supergroups") }
        let person = try requirePerson(parameters)
        guard let document = try parameters.document("permissions"), case .object(let members) = document else {
            throw .badRequest("permissions are empty")
        }
        let permissions = Self.permissions(
            members, isIndependent: parameters.bool("use_independent_chat_permissions"))
        if person == botID { throw .badRequest("can't restrict self") }
        guard member(botID, in: chat.id, now: now).may(.restrictMembers) else {
            throw .badRequest("not enough rights to restrict/unrestrict chat member")
        }
        let record = member(person, in: chat.id, now: now)
        if record.status == .creator { throw .badRequest("can't remove chat owner") }
        if record.status == .administrator { throw .badRequest("user is an administrator of the chat") }
        if isFast, persons[person] == nil { return .bool(true) }
        var until = parameters.int("until_date") ?? 0
        if until < now.seconds + 30 || until > now.seconds + 366 * 86_400 { until = 0 }
        restrict(person, in: chat.id, to: permissions, until: until, by: botID, now: now)
        return .bool(true)
    }

    /// What was meant by the given permissions: some imply others unless asked otherwise.
    static func permissions(_ members: [(key: String, value: JSONValue)], isIndependent: Bool) -> Permissions {
        var given: Permissions = []
        var named: Permissions = []
        for (key, value) in members {
            guard let permission = Permissions.named(key) else { continue }
            named.insert(permission)
            if value.bool == true { given.insert(permission) }
        }
        if !isIndependent {
            if given.contains(.other) || given.contains(.previews) {
                given.formUnion([.media, .sendMessages])
            }
            if !given.isDisjoint(with: [.polls, .media]) { given.insert(.sendMessages) }
        }
        if !named.contains(.react), given.contains(.sendMessages) { given.insert(.react) }
        if !named.contains(.topics), given.contains(.pin) { given.insert(.topics) }
        if !named.contains(.editTag), given.contains(.pin) { given.insert(.editTag) }
        return given
    }

    mutating func answerJoinRequest(
        _ parameters: Parameters, isApproved: Bool, now: Timestamp
    ) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        let person = try requirePerson(parameters)
        guard member(botID, in: chat.id, now: now).may(.inviteUsers) else {
            throw .badRequest("not enough rights to manage chat join requests")
        }
        if member(person, in: chat.id, now: now).isPresent { throw .badRequest("USER_ALREADY_PARTICIPANT") }
        guard chats[chat.id]?.joinRequests[person] != nil else { throw .badRequest("HIDE_REQUESTER_MISSING") }
        chats[chat.id]?.joinRequests[person] = nil
        note(.requestAnswered(person: name(of: person), chat: chat.title, isApproved: isApproved))
        if isApproved { enter(person, chat.id, by: botID, viaRequest: true, now: now) }
        return .bool(true)
    }

    /// A guard's word on a request; once, within ten seconds.
    mutating func answerJoinQuery(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        guard let id = parameters.string("chat_join_request_query_id"), let query = joinQueries[id],
            now.microseconds - query.at.microseconds <= 10_000_000
        else {
            throw .badRequest("query is too old and response timeout expired or query id is invalid")
        }
        guard let result = parameters.string("result"), ["approve", "decline", "queue"].contains(result) else {
            throw .badRequest("invalid result specified")
        }
        joinQueries[id] = nil
        guard result != "queue", chats[query.chatID]?.joinRequests.removeValue(forKey: query.personID) != nil else {
            return .bool(true)
        }
        let isApproved = result == "approve"
        note(
            .requestAnswered(
                person: name(of: query.personID), chat: title(of: query.chatID), isApproved: isApproved))
        if isApproved { enter(query.personID, query.chatID, by: botID, viaRequest: true, now: now) }
        return .bool(true)
    }
}
