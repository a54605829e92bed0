// What can be asked over HTTP about the simulated world: its whole state, one member, one message, the calls.

import EventLoop
import JSON

extension Simulator {
    /// Answers a question; nothing if no question has that name.
    func ask(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "state": state()
        case "calls": callsGiven(of: input.text("method"))
        case "answers": answersGiven()
        case "member": try memberGiven(input.id("user"), in: input.id("chat"))
        case "message": [("stands", .bool(stands(try input.id("message"), in: try input.id("chat"))))]
        case "botMessages": botMessagesGiven(in: try input.id("chat"))
        default: nil
        }
    }

    private func state() -> Given {
        var chats: [JSONValue] = []
        for id in world.chatOrder {
            guard let chat = world.chats[id] else { continue }
            let standing = chat.messages.values.count { !$0.isGone }
            let restricted = chat.order.filter { member($0, in: id).status == .restricted }
            chats.append(
                .object([
                    ("id", .int(id)), ("title", .string(chat.title)), ("type", .string(chat.kind.rawValue)),
                    ("members", .int(Int64(chat.memberCount))), ("standing", .int(Int64(standing))),
                    ("restricted", .array(restricted.map { .int($0) })),
                    ("administrators", .array(chat.order.filter { member($0, in: id).isAdmin }.map { .int($0) })),
                ]))
        }
        let counts = deliveryCounts
        return [
            ("bot_id", .int(world.botID)), ("chats", .array(chats)),
            ("people", .array(world.people.map { .int($0) })), ("webhook", .string(delivery.webhook?.url ?? "")),
            ("pending", .int(Int64(counts.pending))), ("in_flight", .int(Int64(delivery.inFlightCount))),
            ("delivered", .int(Int64(counts.delivered))), ("failed", .int(Int64(counts.failed))),
            ("calls", .int(Int64(callCount()))),
        ]
    }

    private func callsGiven(of method: String?) -> Given {
        let chosen = calls.filter { method == nil || $0.method == method }
        let list = chosen.suffix(2000).map { call in
            var fields = Fields()
            fields.add("method", call.method)
            fields.add("chat_id", call.chatID)
            fields.add("user_id", call.userID)
            fields.add("message_id", call.messageID)
            fields.add("text", call.text)
            fields.add("status", Int64(call.status))
            fields.add("description", call.description)
            fields.flag("fault", call.isFault)
            return fields.object
        }
        return [("count", .int(Int64(callCount(of: method)))), ("calls", .array(list))]
    }

    private func answersGiven() -> Given {
        let list = callbackAnswers.suffix(1000).map { answer in
            var fields = Fields()
            fields.add("query_id", answer.queryID)
            fields.add("user", answer.userID)
            fields.add("text", answer.text)
            fields.add("alert", .bool(answer.showsAlert))
            return fields.object
        }
        return [("answers", .array(list))]
    }

    private func memberGiven(_ person: Int64, in chat: Int64) -> Given {
        let record = member(person, in: chat)
        return [
            ("status", .string(record.status.rawValue)), ("is_present", .bool(record.isPresent)),
            ("permissions", .array(permissions(of: person, in: chat).allowed.map { .string($0) })),
        ]
    }

    private func botMessagesGiven(in chat: Int64) -> Given {
        let list = botMessages(in: chat).map { world.messageObject($0, in: chat) }
        return [("messages", .array(list))]
    }
}
