// The fast mode's answers: the calls of a busy gate without looking at rights, limits or history.

import EventLoop
import JSON

/// Answers the calls that benchmarks make by the million with the least work.
///
/// What needs the world (chats, administrators, people placed by a control) is not answered here: it takes the
/// usual way. Nothing is kept but counts.
struct FastAnswers {
    private static let done = Array(#"{"ok":true,"result":true}"#.utf8)

    private var nextMessageID: Int64 = 1_000_000
    private let bot: [UInt8]

    init(world: World) { bot = world.userObject(world.botID).encoded() }

    /// The body of a 200, or nothing: then the call takes the usual way.
    mutating func answer(_ method: String, _ body: [UInt8], _ world: World) -> [UInt8]? {
        switch method {
        case "getChatMember": return member(body, world)
        case "deleteMessage", "deleteMessages", "restrictChatMember", "answerCallbackQuery",
            "approveChatJoinRequest", "declineChatJoinRequest":
            return Self.done
        case "sendMessage", "editMessageText", "editMessageReplyMarkup":
            return message(body, world)
        default: return nil
        }
    }

    /// Members of groups are all; subscribed to channels are those with even ids (docs/simulator.md).
    private func member(_ body: [UInt8], _ world: World) -> [UInt8]? {
        guard let call = Call(body), let chat = call.chat, let user = call.user, world.chats[chat]?.members[user] == nil
        else { return nil }
        let status = world.member(user, in: chat, now: Timestamp(seconds: 0)).status
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("ok")
            writer.bool(true)
            writer.key("result")
            writer.object { writer in
                writer.key("user")
                writer.object { writer in
                    writer.key("id")
                    writer.int(user)
                    writer.key("is_bot")
                    writer.bool(false)
                    writer.key("first_name")
                    writer.string("Somebody")
                }
                writer.key("status")
                writer.string(status.rawValue)
            }
        }
        return writer.bytes
    }

    /// The message as sent: no markup is parsed and nothing is kept.
    private mutating func message(_ body: [UInt8], _ world: World) -> [UInt8]? {
        guard let call = Call(body), let chat = call.chat, world.chats[chat]?.migratedTo == nil else { return nil }
        let id = call.message ?? nextMessageID
        if call.message == nil { nextMessageID += 1 }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("ok")
            writer.bool(true)
            writer.key("result")
            writer.object { writer in
                writer.key("message_id")
                writer.int(id)
                writer.key("from")
                writer.raw(bot)
                writer.key("chat")
                writer.object { writer in
                    writer.key("id")
                    writer.int(chat)
                    writer.key("type")
                    writer.string(chat > 0 ? "private" : "supergroup")
                }
                writer.key("date")
                writer.int(WallClock.now.seconds)
                if let text = call.text {
                    writer.key("text")
                    writer.raw(Array(body[text]))
                }
            }
        }
        return writer.bytes
    }

    /// What these methods need of a JSON body; forms take the usual way.
    private struct Call {
        var chat: Int64?
        var user: Int64?
        var message: Int64?
        var text: Range<Int>?

        init?(_ body: [UInt8]) {
            guard body.first == UInt8(ascii: "{") else { return nil }
            var reader = JSONReader(body)
            do throws(JSONError) {
                try reader.readObject { (reader, key) throws(JSONError) in
                    switch key {
                    case "chat_id": chat = try reader.readInt64()
                    case "user_id": user = try reader.readInt64()
                    case "message_id": message = try reader.readInt64()
                    case "text": text = try reader.skipRaw()
                    default: try reader.skip()
                    }
                }
            } catch {
                return nil
            }
        }
    }
}
