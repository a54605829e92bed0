// From the bytes of a webhook body to an `Update`. Pure; unknown members and kinds are skipped.

import Domain
import JSON

extension Update {
    /// Reads one update. JSON of a shape that Telegram does not send is told apart from what is no JSON,
    /// since the first is answered 200 at once: sent again, it would be no better.
    public init(parsing bytes: [UInt8]) throws(UpdateError) {
        do throws(JSONError) {
            var reader = JSONReader(bytes)
            try self.init(reading: &reader, bytes)
            try reader.finish()
        } catch {
            throw Self.isJSON(bytes) ? .oddShape : .notJSON
        }
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        do throws(JSONError) {
            var reader = JSONReader(bytes)
            try reader.skip()
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    init(reading reader: inout JSONReader, _ bytes: [UInt8]) throws(JSONError) {
        var id: UpdateID?
        var kind = Kind.other
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "update_id": id = UpdateID(try reader.readInt64())
            case "message": kind = .message(try Message(reading: &reader, bytes))
            case "edited_message": kind = .editedMessage(try Message(reading: &reader, bytes))
            case "callback_query": kind = .callbackQuery(try CallbackQuery(reading: &reader, bytes))
            case "chat_member": kind = .chatMember(try ChatMemberUpdated(reading: &reader))
            case "my_chat_member": kind = .myChatMember(try ChatMemberUpdated(reading: &reader))
            case "chat_join_request": kind = .chatJoinRequest(try ChatJoinRequest(reading: &reader))
            case "pre_checkout_query": kind = .preCheckoutQuery(try PreCheckoutQuery(reading: &reader))
            case "subscription": kind = .subscription(try SubscriptionChange(reading: &reader))
            default: try reader.skip()
            }
        }
        self.init(id: try reader.need(id), kind: kind)
    }
}

extension CallbackQuery {
    init(reading reader: inout JSONReader, _ bytes: [UInt8]) throws(JSONError) {
        var id: String?
        var from: User?
        var message: Message?
        var data: String?
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "id": id = try reader.readString()
            case "from": from = try User(reading: &reader)
            case "message": message = try Message(reading: &reader, bytes)
            case "data": data = try reader.readString()
            default: try reader.skip()
            }
        }
        self.init(id: try reader.need(id), from: try reader.need(from), message: message, data: data)
    }
}

extension ChatMemberUpdated {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var chat: Chat?
        var from: User?
        var date: Int64?
        var old: ChatMember?
        var new: ChatMember?
        var link: String?
        var viaRequest = false
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "chat": chat = try Chat(reading: &reader)
            case "from": from = try User(reading: &reader)
            case "date": date = try reader.readInt64()
            case "old_chat_member": old = try ChatMember(reading: &reader)
            case "new_chat_member": new = try ChatMember(reading: &reader)
            case "invite_link": link = try reader.readInviteLink()
            case "via_join_request": viaRequest = try reader.readBool()
            default: try reader.skip()
            }
        }
        self.init(
            chat: try reader.need(chat), from: try reader.need(from), date: try reader.need(date),
            old: try reader.need(old), new: try reader.need(new), inviteLink: link, viaJoinRequest: viaRequest)
    }
}

extension ChatJoinRequest {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var chat: Chat?
        var from: User?
        var userChat: Int64?
        var date: Int64?
        var link: String?
        var query: String?
        try reader.readObject { (reader, key) throws(JSONError) in
            if try reader.skipNull() { return }
            switch key {
            case "chat": chat = try Chat(reading: &reader)
            case "from": from = try User(reading: &reader)
            case "user_chat_id": userChat = try reader.readID()
            case "date": date = try reader.readInt64()
            case "invite_link": link = try reader.readInviteLink()
            case "query_id": query = try reader.readString()
            default: try reader.skip()
            }
        }
        self.init(
            chat: try reader.need(chat), from: try reader.need(from), userChatID: ChatID(try reader.need(userChat)),
            date: try reader.need(date), inviteLink: link, queryID: query)
    }
}

extension PreCheckoutQuery {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var id: String?
        var from: User?
        var currency = ""
        var amount: Int64 = 0
        var payload = ""
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "id": id = try reader.readString()
            case "from": from = try User(reading: &reader)
            case "currency": currency = try reader.readString()
            case "total_amount": amount = try reader.readInt64()
            case "invoice_payload": payload = try reader.readString()
            default: try reader.skip()
            }
        }
        self.init(
            id: try reader.need(id), from: try reader.need(from), currency: currency, totalAmount: amount,
            payload: payload)
    }
}

extension SubscriptionChange {
    init(reading reader: inout JSONReader) throws(JSONError) {
        var user: User?
        var payload = ""
        var state = ""
        try reader.readObject { (reader, key) throws(JSONError) in
            switch key {
            case "user": user = try User(reading: &reader)
            case "invoice_payload": payload = try reader.readString()
            case "state": state = try reader.readString()
            default: try reader.skip()
            }
        }
        self.init(user: try reader.need(user), payload: payload, state: state)
    }
}

extension JSONReader {
    /// A chat's or person's id: within 52 bits, as Telegram promises.
    mutating func readID() throws(JSONError) -> Int64 {
        let start = position
        let value = try readInt64()
        guard value.magnitude < 1 << 52 else { throw .outOfRange(at: start) }
        return value
    }

    /// Takes the next value if it is `null`, which stands for an absent member.
    mutating func skipNull() throws(JSONError) -> Bool {
        guard try peek() == .null else { return false }
        try readNull()
        return true
    }

    /// A member without which the object has no meaning.
    func need<Value>(_ value: Value?) throws(JSONError) -> Value {
        guard let value else { throw .typeMismatch(at: position) }
        return value
    }

    /// The link itself out of a `ChatInviteLink`.
    mutating func readInviteLink() throws(JSONError) -> String? {
        var link: String?
        try readObject { (reader, key) throws(JSONError) in
            if key == "invite_link" { link = try reader.readString() } else { try reader.skip() }
        }
        return link
    }
}
