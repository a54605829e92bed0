// /release: an administrator frees a person whom the bot holds.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Release: Command {
    static let name = CommandName.release
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.notProtected)] }
        switch try await PersonArgument(tools: tools).find(call, word: call.arguments.first) {
        case .person(let person): return [Reply(try await release(person, in: group, by: call.user?.id))]
        case .unknown(let word): return [Reply(.personUnknown(word, command: Self.name))]
        case .several(let people): return [Reply(.personSeveral(PersonArgument.list(people), command: Self.name))]
        case .missing: return [Reply(.releaseUsage)]
        }
    }

    /// Frees the person and says how far that came. `admin` nil: an anonymous administrator.
    func release(_ person: User, in group: ProtectedGroup, by admin: UserID?) async throws(CommandError) -> Text {
        let mention = HTML.mention(person.id, name: person.fullName)
        let open = try await stored { () async throws(StoreError) in
            try await tools.store.openHold(of: person.id, in: group.id)
        }
        guard let hold = open else {
            let state = await tools.stateWithoutHold(of: person.id, in: group.id)
            return .releaseNotHeld(mention, isRestricted: state == .restrictedByAdmin)
        }
        let progress = try await stored { () async throws(StoreError) in
            // First, so that a failure between leaves the row open and the word can be said again.
            try await tools.services.exemptForADay(
                person.id, in: group.id, audit: AuditRow(.release, by: admin, .user(person.id, in: group.id)))
            return try await tools.services.release(hold, in: group)
        }
        let names = group.channels.filter { hold.channels.contains($0.id) }.map(Naming.channel)
        let since = UTC.shown(hold.heldAtSeconds * 1_000_000)
        if progress == .done { return .released(mention, since: since, missing: names) }
        var missing: [BotRight] = []
        do throws(BotAPIError) { missing = try await tools.missingRights(in: group.id) } catch {
            missing = []  // without an answer no right is blamed; the lift is tried again in any case
        }
        return .releaseUnderWay(mention, since: since, missing: missing)
    }
}
