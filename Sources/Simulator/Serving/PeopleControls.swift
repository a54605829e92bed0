// What people do besides writing: they send files and places, choose chats, vote, react, ask inline, and pay.

import EventLoop
import JSON

extension Simulator {
    /// Does what the control of that name says; nothing if the name is another.
    func performMore(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "send":
            return [("message_id", .int(try personSends(input)))]
        case "shareChat":
            return [("message_id", .int(try personShares(input.id("user"), chat: input.id("chat"))))]
        case "vote":
            let chosen = (input.list("options") ?? []).compactMap(\.int).map { Int($0) }
            let (user, message, chat) = (try input.id("user"), try input.id("message"), try input.id("chat"))
            try world.vote(user, message: message, in: chat, options: chosen, now: WallClock.now)
        case "react":
            let (user, message, chat) = (try input.id("user"), try input.id("message"), try input.id("chat"))
            try world.react(user, message: message, in: chat, emoji: input.text("emoji"), now: WallClock.now)
        case "askInline":
            let query = try world.askInline(input.id("user"), input.text("text") ?? "", now: WallClock.now)
            settle()
            return [("query_id", .string(query))]
        case "chooseInline":
            try world.chooseInline(
                input.text("query_id") ?? "", result: input.text("result") ?? "", now: WallClock.now)
        case "checkOut":
            let query = world.checkOut(
                try input.id("user"), payload: input.text("payload") ?? "", stars: input.number("stars") ?? 1,
                now: WallClock.now)
            settle()
            return [("query_id", .string(query))]
        default: return nil
        }
        settle()
        return []
    }

    /// Somebody chooses a chat for the bot, by the button that asks for one. Gives the message's id.
    @discardableResult
    public func personShares(_ person: Int64, chat: Int64) throws(Refusal) -> Int64 {
        defer { settle() }
        return try world.shareChat(person, chat, now: WallClock.now)
    }

    /// Somebody sends a file, a place or a contact, in a group or (without `chat`) to the bot. Gives the message's id.
    private func personSends(_ input: ControlInput) throws(Refusal) -> Int64 {
        defer { settle() }
        let person = try input.id("user")
        let word = input.text("kind") ?? "photo"
        let media: (key: String, value: JSONValue)
        let permission: Permissions
        if let kind = MediaKind(rawValue: word) {
            let file = world.addSample(kind, name: kind == .photo ? nil : input.text("file_name"))
            media = (word, World.mediaObject(file))
            permission = kind.permission
        } else if word == "location" {
            media = (word, .object([("latitude", .double(52.52)), ("longitude", .double(13.405))]))
            permission = .sendMessages
        } else if word == "contact" {
            let name = world.persons[person]?.name ?? ""
            let contact: [(key: String, value: JSONValue)] = [
                ("phone_number", .string("+10000000000")), ("first_name", .string(name)), ("user_id", .int(person)),
            ]
            media = (word, .object(contact))
            permission = .sendMessages
        } else {
            throw .unknown
        }
        let (caption, answered) = (input.text("caption") ?? "", input.number("reply_to"))
        guard let chat = input.number("chat"), chat != person else {
            return try world.writeToBot(person, caption, answers: answered, media: media, now: WallClock.now)
        }
        return try world.write(
            person, in: chat, caption, answers: answered, media: media, needs: permission, now: WallClock.now)
    }
}
