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
        let person: User
        switch try await PersonArgument(tools: tools).find(call, word: words.first) {
        case .person(let found): person = found
        case .unknown(let word): return [Reply(.personUnknown(word, command: Self.name))]
        case .several(let people): return [Reply(.personSeveral(PersonArgument.list(people), command: Self.name))]
        case .missing: return [Reply(.exemptUsage)]
        }
        let mention = HTML.mention(person.id, name: person.fullName)
        if isOff {
            try await stored { () async throws(StoreError) in
                try await tools.store.removeExemption(
                    of: person.id, in: group.id,
                    audit: AuditRow(.exemptOff, by: call.user?.id, .user(person.id, in: group.id)))
            }
            await tools.forget(group.id)
            return [Reply(.exemptionEnded(mention))]
        }
        guard try await exempt(person.id, in: group, by: call.user?.id) else { return [Reply(.exemptionsFull)] }
        return [Reply(.exempted(mention))]
    }

    /// Exempts a person for good; a held one is freed by the same word. False: the list is full.
    /// `admin` nil: an anonymous administrator.
    func exempt(
        _ person: UserID, in group: ProtectedGroup, by admin: UserID?
    ) async throws(CommandError) -> Bool {
        try await stored { () async throws(StoreError) in
            let isExempt = try await tools.store.exempt(
                person, in: group.id, untilSeconds: nil, reason: "admin",
                audit: AuditRow(.exempt, by: admin, .user(person, in: group.id)))
            guard isExempt else { return false }
            await tools.forget(group.id)
            if let hold = try await tools.store.openHold(of: person, in: group.id) {
                _ = try await tools.services.release(hold, in: group)
            }
            return true
        }
    }
}
