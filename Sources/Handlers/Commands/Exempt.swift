// /exempt: lets a person write in any case, or ends that.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

struct Exempt: Command {
    static let name = CommandName.exempt
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.notProtected)] }
        let isOff = call.arguments.last?.lowercased() == "off"
        let words = isOff ? Array(call.arguments.dropLast()) : call.arguments
        guard let person = try await target(call, word: words.first) else {
            return [Reply(words.first.map { .exemptUnknown($0) } ?? .exemptUsage)]
        }
        let mention = HTML.mention(person.id, name: person.fullName)
        if isOff {
            try await stored { () async throws(StoreError) in
                try await tools.store.removeExemption(of: person.id, in: group.id)
            }
            await tools.forget(group.id)
            return [Reply(.exemptionEnded(mention))]
        }
        let isExempt = try await stored { () async throws(StoreError) in
            try await tools.store.exempt(person.id, in: group.id, untilSeconds: nil, reason: "admin")
        }
        guard isExempt else { return [Reply(.exemptionsFull)] }
        await tools.forget(group.id)
        try await free(person.id, group)
        return [Reply(.exempted(mention))]
    }

    /// A held person is freed by the same word.
    private func free(_ user: UserID, _ group: ProtectedGroup) async throws(CommandError) {
        let open = try await stored { () async throws(StoreError) in
            try await tools.store.openHold(of: user, in: group.id)
        }
        guard let hold = open else { return }
        var record = Record(update: nil)
        record.decision = AdministratorDecision.decide(.freed, about: hold, group, update: nil).1
        record.releases = [ReleaseWish(group: group.id, user: user, reason: .admin)]
        let wish = record
        let outcome = try await stored { () async throws(StoreError) in try await tools.store.record(wish) }
        if case .recorded(let recorded) = outcome { tools.start(recorded.effects) }
    }

    /// By a mention that carries the person, by name or id, or by reply.
    private func target(_ call: CommandCall, word: String?) async throws(CommandError) -> User? {
        for entity in call.message.entities {
            if case .textMention(let user) = entity.kind { return user }
        }
        if let word {
            if word.hasPrefix("@") { return try await named(String(word.dropFirst()), call) }
            guard let number = Int64(word), number > 0, number < 1 << 52 else { return nil }
            return await member(UserID(number), call)
        }
        guard let reply = call.message.replyTo, reply.senderChat == nil else { return nil }
        return reply.from
    }

    /// Telegram tells bots nobody's id by a name: known are those who wrote to the bot and have the name still.
    private func named(_ name: String, _ call: CommandCall) async throws(CommandError) -> User? {
        let known = try await stored { () async throws(StoreError) in try await tools.store.person(named: name) }
        guard let known else { return nil }
        let user = await member(known, call)
        return user.username?.lowercased() == name.lowercased() ? user : nil
    }

    private func member(_ id: UserID, _ call: CommandCall) async -> User {
        do throws(BotAPIError) {
            return try await tools.telegram.member(id, of: call.chat.id, for: call.chat.id).user
        } catch {
            return User(id: id)  // Telegram need not know them here for the exemption to be right.
        }
    }
}
