// answerCallbackQuery, answerPreCheckoutQuery, and the command menus.

import EventLoop
import JSON

extension World {
    /// How long the bot may take to answer a button press, in seconds.
    static let callbackLife: Int64 = 15

    mutating func answerCallbackQuery(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        guard let query = parameters.string("callback_query_id"), !query.isEmpty else {
            throw .badRequest("query_id is empty")
        }
        let text = parameters.string("text")
        if let text, text.utf16.count > 200 { throw .badRequest("MESSAGE_TOO_LONG") }
        if isFast, callbacks[query] == nil { return .bool(true) }
        guard let callback = callbacks[query],
            now.microseconds - callback.at.microseconds <= Self.callbackLife * 1_000_000
        else {
            throw .badRequest("query is too old and response timeout expired or query id is invalid")
        }
        answers.append(
            CallbackAnswer(
                queryID: query, userID: callback.userID, text: text, showsAlert: parameters.bool("show_alert")))
        if answers.count > 10_000 { answers.removeFirst(1000) }
        note(.answered(person: name(of: callback.userID), text: text ?? ""))
        return .bool(true)
    }

    /// Somebody is about to pay: the bot has ten seconds to agree. Gives the query's id.
    public mutating func checkOut(_ person: Int64, payload: String, stars: Int64, now: Timestamp) -> String {
        let query = String(random.next() >> 1)
        preCheckouts[query] = now
        var fields = Fields()
        fields.add("id", query)
        fields.add("from", userObject(person))
        fields.add("currency", "XTR")
        fields.add("total_amount", stars)
        fields.add("invoice_payload", payload)
        tell("pre_checkout_query", .payments(person), fields.object, lives: 150, now: now)
        return query
    }

    mutating func answerPreCheckoutQuery(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        guard let query = parameters.string("pre_checkout_query_id"), let asked = preCheckouts[query],
            now.microseconds - asked.microseconds <= 10_000_000
        else {
            throw .badRequest("query is too old and response timeout expired or query id is invalid")
        }
        if !parameters.bool("ok"), parameters.string("error_message")?.isEmpty != false {
            throw .badRequest("ERROR_TEXT_EMPTY")
        }
        preCheckouts[query] = nil
        return .bool(true)
    }

    // MARK: - Command menus

    mutating func setMyCommands(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        let list = try parameters.document("commands")?.array ?? []
        guard list.count <= 100 else { throw .badRequest("BOT_COMMANDS_TOO_MUCH") }
        for command in list {
            let name = command["command"]?.string ?? ""
            let isName =
                (1...32).contains(name.utf8.count)
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
            guard isName else { throw .badRequest("BOT_COMMAND_INVALID") }
            guard (1...256).contains(command["description"]?.string?.utf16.count ?? 0) else {
                throw .badRequest("BOT_COMMAND_DESCRIPTION_INVALID")
            }
        }
        commands[try menuKey(parameters)] = .array(list)
        return .bool(true)
    }

    func getMyCommands(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        commands[try menuKey(parameters)] ?? .array([])
    }

    mutating func deleteMyCommands(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        commands[try menuKey(parameters)] = nil
        return .bool(true)
    }

    /// Scope and language in one text.
    private func menuKey(_ parameters: Parameters) throws(MethodError) -> String {
        let scope = try parameters.document("scope")
        let language = parameters.string("language_code") ?? ""
        guard language.isEmpty || language.utf8.count == 2 else {
            throw .badRequest("invalid language code specified")
        }
        let type = scope?["type"]?.string ?? "default"
        let needsChat = type == "chat" || type == "chat_administrators" || type == "chat_member"
        let kinds = ["default", "all_private_chats", "all_group_chats", "all_chat_administrators"]
        guard needsChat || kinds.contains(type) else { throw .badRequest("unsupported BotCommandScope type specified") }
        var key = type + "/" + language
        if needsChat {
            guard let chat = scope?["chat_id"]?.int, chats[chat] != nil || persons[chat] != nil else {
                throw .badRequest("chat not found")
            }
            key += "/\(chat)/\(scope?["user_id"]?.int ?? 0)"
        }
        return key
    }
}
