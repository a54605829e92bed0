// setMessageReaction, and people who react.

import EventLoop
import JSON

extension World {
    mutating func setMessageReaction(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let id = parameters.int("message_id"), stands(id, in: chat.id) else {
            throw .badRequest("message to react not found")
        }
        let reactions = try parameters.document("reaction")?.array ?? []
        guard reactions.count <= 1 else { throw .badRequest("REACTIONS_TOO_MANY") }
        for reaction in reactions where reaction["type"]?.string != "emoji" || reaction["emoji"]?.string == nil {
            throw .badRequest("REACTION_INVALID")
        }
        chats[chat.id]?.messages[id]?.reactions[botID] = reactions.isEmpty ? nil : reactions
        return .bool(true)
    }

    /// Somebody reacts to a message with an emoji, or takes the reaction back (`nil`).
    public mutating func react(
        _ person: Int64, message: Int64, in chat: Int64, emoji: String?, now: Timestamp
    ) throws(Refusal) {
        guard let reacted = chats[chat]?.messages[message], !reacted.isGone, persons[person] != nil else {
            throw .unknown
        }
        guard chats[chat]?.kind == .private || permissions(of: person, in: chat, now: now).contains(.react) else {
            throw .restricted
        }
        let new: [JSONValue] = emoji.map { [.object([("type", .string("emoji")), ("emoji", .string($0))])] } ?? []
        let old = reacted.reactions[person] ?? []
        guard old != new else { return }
        chats[chat]?.messages[message]?.reactions[person] = new.isEmpty ? nil : new
        // The bot is told in groups that it runs, and in private.
        guard chats[chat]?.kind == .private || member(botID, in: chat, now: now).isAdmin else { return }
        var fields = Fields()
        fields.add("chat", chatObject(chat))
        fields.add("message_id", message)
        fields.add("user", userObject(person))
        fields.add("date", now.seconds)
        fields.add("old_reaction", .array(old))
        fields.add("new_reaction", .array(new))
        tell("message_reaction", .chat(chat), fields.object, lives: 86_400, now: now)
    }
}
