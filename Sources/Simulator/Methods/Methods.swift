// How a method is called, and the checks that most of them share. The table is in MethodTable.

import EventLoop
import JSON

extension World {
    /// Performs a method call of the bot. Names are taken in any case, as Telegram does.
    ///
    /// Webhook methods and `getUpdates` belong to the delivery and are unknown here.
    public mutating func apply(_ method: String, _ parameters: Parameters, now: Timestamp) -> Reply {
        do throws(MethodError) {
            guard let value = try perform(method.lowercased(), parameters, now: now) else {
                throw MethodError.methodNotFound
            }
            return Reply(outcome: .result(value))
        } catch {
            return Reply(outcome: .failure(error))
        }
    }

    // MARK: - Shared checks

    /// The chat that `chat_id` means, if it exists for the bot.
    func resolveChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        guard let text = parameters.string("chat_id"), !text.isEmpty else { throw .badRequest("chat_id is empty") }
        let id: Int64
        if text.hasPrefix("@") {
            guard let found = chat(named: String(text.dropFirst())) else { throw .badRequest("chat not found") }
            id = found
        } else {
            guard let number = Int64(text) else { throw .badRequest("chat not found") }
            id = number
        }
        guard let chat = chats[id]?.head else {
            if let person = persons[id], !person.isBot {
                return Chat(id: id, kind: .private, title: person.name, username: person.username).head
            }
            throw .badRequest("chat not found")
        }
        if let new = chat.migratedTo { throw .migrated(to: new) }
        guard chat.kind != .private else { return chat }
        // A chat that the bot never entered exists for it only if it is public.
        guard chats[id]?.members[botID] != nil || chat.username != nil || isFast else {
            throw .badRequest("chat not found")
        }
        return chat
    }

    /// The chat, if the bot is there.
    func enterChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> ChatHead {
        let chat = try resolveChat(parameters, now: now)
        guard chat.kind != .private else { return chat }
        let bot = member(botID, in: chat.id, now: now)
        let word = chat.kind == .group ? "group" : chat.kind.rawValue
        if bot.status == .kicked { throw .forbidden("bot was kicked from the \(word) chat") }
        guard bot.isPresent else { throw .forbidden("bot is not a member of the \(word) chat") }
        return chat
    }

    func requirePerson(_ parameters: Parameters) throws(MethodError) -> Int64 {
        guard let id = parameters.int("user_id"), id > 0 else { throw .badRequest("invalid user_id specified") }
        guard persons[id] != nil || isFast else { throw .badRequest("user not found") }
        return id
    }
}
