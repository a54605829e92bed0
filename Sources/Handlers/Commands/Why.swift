// /why: the last decisions about a person, in plain words.

import Domain
import EventLoop
import JSON
import Observability
import Storage
import TelegramBotAPI

struct Why: Command {
    static let name = CommandName.why
    static let audience = Audience.groupAdmins
    private static let shown = 3

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.notProtected)] }
        switch try await PersonArgument(tools: tools).find(call, word: call.arguments.first) {
        case .person(let person): return [try await answer(person, group)]
        case .unknown(let word): return [Reply(.personUnknown(word, command: Self.name))]
        case .several(let people): return [Reply(.personSeveral(PersonArgument.list(people), command: Self.name))]
        case .missing: return [Reply(.whyUsage)]
        }
    }

    private func answer(_ person: User, _ group: ProtectedGroup) async throws(CommandError) -> Reply {
        let rows = try await stored { () async throws(StoreError) in
            try await tools.store.decisions(about: person.id, in: group.id, limit: Self.shown)
        }
        let hold = try await stored { () async throws(StoreError) in
            try await tools.store.openHold(of: person.id, in: group.id)
        }
        let mention = HTML.mention(person.id, name: person.fullName)
        let state = if let hold { PersonState(hold) } else { await tools.stateWithoutHold(of: person.id, in: group.id) }
        guard !rows.isEmpty || hold != nil else { return Reply(.whyNothing(mention, state)) }
        var lines: [Text] = [.whyPerson(mention, state)]
        for row in rows {
            do throws(JSONError) {
                lines.append(.decision(try DecisionTrace(row, channels: group.channels)))
            } catch {
                // Written by another version: that it is there is told, and where it can be read.
                lines.append(.decisionUnreadable(row.id))
            }
        }
        return Reply(parts: lines.map { .text($0) }, keyboard: keyboard(person.id, group, isHeld: hold != nil))
    }

    private func keyboard(_ person: UserID, _ group: ProtectedGroup, isHeld: Bool) -> InlineKeyboard {
        let language = Languages.named(group.params.language)
        let target = "\(person.value):\(group.id.value)"
        var row: [InlineButton] = []
        if isHeld { row.append(InlineButton(language.label(.release), .callback("release:\(target)"))) }
        if group.exemptions[person] != .some(nil) {
            row.append(InlineButton(language.label(.exempt), .callback("exempt:\(target)")))
        }
        return InlineKeyboard([row])
    }
}

extension CommandTools {
    /// Somebody whom the bot does not hold may be restricted by an administrator: Telegram knows.
    func stateWithoutHold(of person: UserID, in group: ChatID) async -> PersonState {
        do throws(BotAPIError) {
            let member = try await telegram.member(person, of: group, for: group)
            if member.status == .kicked { return .restrictedByAdmin }
            let isMuted = member.status == .restricted && member.permissions?.contains(.sendMessages) != true
            return isMuted ? .restrictedByAdmin : .notHeld
        } catch {
            return .notHeld  // that much is known without Telegram
        }
    }
}
