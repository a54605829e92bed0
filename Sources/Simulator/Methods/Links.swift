// Invite links: createChatInviteLink, editChatInviteLink, revokeChatInviteLink, exportChatInviteLink.

import EventLoop
import JSON

extension World {
    mutating func createChatInviteLink(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try linkableChat(parameters, now: now)
        var link = InviteLink(url: "", creatorID: botID)
        try fill(&link, from: parameters)
        link.url = newLinkAddress()
        chats[chat.id]?.links.append(link)
        return linkObject(link)
    }

    mutating func editChatInviteLink(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, index, old) = try ownLink(parameters, now: now)
        var link = old
        guard !link.isPrimary else { throw .badRequest("CHAT_INVITE_PERMANENT") }
        guard !link.isRevoked else { throw .badRequest("INVITE_HASH_EXPIRED") }
        try fill(&link, from: parameters)
        chats[chat]?.links[index] = link
        return linkObject(link)
    }

    /// A primary link that is revoked is followed by a new one.
    mutating func revokeChatInviteLink(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let (chat, index, link) = try ownLink(parameters, now: now)
        var revoked = link
        revoked.isRevoked = true
        chats[chat]?.links[index] = revoked
        if revoked.isPrimary {
            chats[chat]?.links[index].isPrimary = false
            addPrimaryLink(to: chat)
        }
        return linkObject(revoked)
    }

    /// Makes a new primary link; the one before is worth nothing then.
    mutating func exportChatInviteLink(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try linkableChat(parameters, now: now)
        let links = chats[chat.id]?.links ?? []
        for (index, link) in links.enumerated() where link.isPrimary && link.creatorID == botID {
            chats[chat.id]?.links[index].isRevoked = true
            chats[chat.id]?.links[index].isPrimary = false
        }
        return .string(addPrimaryLink(to: chat.id))
    }

    @discardableResult
    private mutating func addPrimaryLink(to chat: Int64) -> String {
        var link = InviteLink(url: newLinkAddress(), creatorID: botID)
        link.isPrimary = true
        chats[chat]?.links.append(link)
        return link.url
    }

    private mutating func newLinkAddress() -> String { "https://t.me/+" + random.token(16) }

    private func linkableChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private else { throw .badRequest("chat not found") }
        guard member(botID, in: chat.id, now: now).may(.inviteUsers) else {
            throw .badRequest("not enough rights to manage chat invite link")
        }
        return chat
    }

    /// The bot's own link that `invite_link` names.
    private func ownLink(
        _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> (chat: Int64, index: Int, link: InviteLink) {
        let chat = try linkableChat(parameters, now: now)
        guard let url = parameters.string("invite_link"), !url.isEmpty,
            let links = chats[chat.id]?.links,
            let index = links.firstIndex(where: { $0.url == url && $0.creatorID == botID })
        else { throw .badRequest("INVITE_HASH_EXPIRED") }
        return (chat.id, index, links[index])
    }

    private func fill(_ link: inout InviteLink, from parameters: Parameters) throws(MethodError) {
        let name = parameters.string("name")
        guard name.map({ $0.utf16.count <= 32 }) ?? true else { throw .badRequest("link name is too long") }
        let asks = parameters.bool("creates_join_request")
        let limit = parameters.int("member_limit")
        guard limit.map({ (1...99_999).contains($0) && !asks }) ?? true else {
            throw .badRequest(
                asks
                    ? "member limit can't be specified for links requiring administrator approval"
                    : "invalid member_limit specified")
        }
        link.name = name
        link.createsJoinRequest = asks
        link.expireDate = parameters.int("expire_date")
        link.memberLimit = limit
    }
}
