// The table of methods, and the checks that most of them share. What a method does is in the file of its subject.

import EventLoop
import JSON

extension World {
    /// Performs a method call of the bot. Names are taken in any case, as Telegram does.
    ///
    /// Webhook methods and `getUpdates` belong to the delivery and are unknown here.
    public mutating func apply(_ method: String, _ parameters: Parameters, now: Timestamp) -> Reply {
        do throws(MethodError) {
            return Reply(outcome: .result(try perform(method.lowercased(), parameters, now: now)))
        } catch {
            return Reply(outcome: .failure(error))
        }
    }

    private mutating func perform(
        _ method: String, _ parameters: Parameters, now: Timestamp
    ) throws(MethodError) -> JSONValue {
        switch method {
        case "getme": getMe()
        case "getchat": try getChat(parameters, now: now)
        case "getchatmember": try getChatMember(parameters, now: now)
        case "getchatadministrators": try getChatAdministrators(parameters, now: now)
        case "getchatmembercount": try getChatMemberCount(parameters, now: now)
        case "deletemessage": try deleteMessage(parameters, now: now)
        case "deletemessages": try deleteMessages(parameters, now: now)
        case "restrictchatmember": try restrictChatMember(parameters, now: now)
        case "sendmessage": try sendMessage(parameters, now: now)
        case "editmessagetext": try editMessageText(parameters, now: now)
        case "editmessagereplymarkup": try editMessageReplyMarkup(parameters, now: now)
        case "answercallbackquery": try answerCallbackQuery(parameters, now: now)
        case "approvechatjoinrequest": try answerJoinRequest(parameters, isApproved: true, now: now)
        case "declinechatjoinrequest": try answerJoinRequest(parameters, isApproved: false, now: now)
        case "answerchatjoinrequestquery": try answerJoinQuery(parameters, now: now)
        case "answerprecheckoutquery": try answerPreCheckoutQuery(parameters, now: now)
        case "createchatinvitelink": try createChatInviteLink(parameters, now: now)
        case "setmycommands": try setMyCommands(parameters)
        case "getmycommands": try getMyCommands(parameters)
        case "deletemycommands": try deleteMyCommands(parameters)
        default: throw .methodNotFound
        }
    }

    // MARK: - Shared checks

    /// The chat that `chat_id` means, if it exists for the bot.
    func resolveChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> Chat {
        guard let text = parameters.string("chat_id"), !text.isEmpty else { throw .badRequest("chat_id is empty") }
        let id: Int64
        if text.hasPrefix("@") {
            guard let found = chat(named: String(text.dropFirst())) else { throw .badRequest("chat not found") }
            id = found
        } else {
            guard let number = Int64(text) else { throw .badRequest("chat not found") }
            id = number
        }
        guard let chat = chats[id] else {
            if let person = persons[id], !person.isBot {
                return Chat(id: id, kind: .private, title: person.name, username: person.username)
            }
            throw .badRequest("chat not found")
        }
        if let new = chat.migratedTo { throw .migrated(to: new) }
        guard chat.kind != .private else { return chat }
        // A chat that the bot never entered exists for it only if it is public.
        guard chat.members[botID] != nil || chat.username != nil || isFast else { throw .badRequest("chat not found") }
        return chat
    }

    /// The chat, if the bot is there.
    func enterChat(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> Chat {
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
