// /exempt: lets a person write in any case, or ends that (commands.md 2).

import Domain
import EventLoop
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
        guard let person = await target(call, word: words.first) else {
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
        var record = Record(update: nil)
        record.releases = [ReleaseWish(group: group.id, user: person.id, reason: .admin)]
        let wish = record
        let outcome = try await stored { () async throws(StoreError) in try await tools.store.record(wish) }
        if case .recorded(let recorded) = outcome, recorded.released > 0 { tools.start(recorded.effects) }
        return [Reply(.exempted(mention))]
    }

    /// By reply, by a mention that carries the person, or by id. A bare @name says nothing about an id.
    private func target(_ call: CommandCall, word: String?) async -> User? {
        for entity in call.message.entities {
            if case .textMention(let user) = entity.kind { return user }
        }
        if let word {
            guard let number = Int64(word), number > 0, number < 1 << 52 else { return nil }
            let id = UserID(number)
            do throws(BotAPIError) {
                return try await tools.telegram.member(id, of: call.chat.id, for: call.chat.id).user
            } catch {
                return User(id: id)  // Telegram need not know them here for the exemption to be right.
            }
        }
        guard let reply = call.message.replyTo, reply.senderChat == nil else { return nil }
        return reply.from
    }
}
