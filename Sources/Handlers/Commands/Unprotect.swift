// /unprotect: turns the gate of a group off, or drops one of its channels.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

struct Unprotect: Command {
    static let name = CommandName.unprotect
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.notProtected)] }
        guard let word = call.arguments.first else { return try await disable(group, by: call.user?.id) }
        if word.lowercased() == "purge" { return [PurgeButton.question(group)] }
        guard let reference = ChannelArgument.parse(word), let channel = await find(reference, in: group) else {
            return [Reply(.channelNotLinked(word))]
        }
        let left = try await stored { () async throws(StoreError) in
            try await tools.store.unlink(
                channel.id, as: .unprotected(group.id),
                audit: AuditRow(.unprotect, by: call.user?.id, .channel(channel.id, in: group.id)))
        }
        await tools.forget(group.id)
        tools.start([])
        let name = Naming.channel(channel)
        switch left {
        case nil: return [Reply(.channelNotLinked(name))]
        case 0: return [Reply(.lastChannelRemoved(name))]
        case .some(let left): return [Reply(.channelRemoved(name, left: left))]
        }
    }

    private func disable(_ group: ProtectedGroup, by admin: UserID?) async throws(CommandError) -> [Reply] {
        guard group.isEnabled else { return [Reply(.alreadyDisabled)] }
        // One transaction with the lifts: dying after it loses nothing, waking only hurries.
        let held = try await stored { () async throws(StoreError) in
            try await tools.store.disable(
                as: .unprotected(group.id), audit: AuditRow(.unprotect, by: admin, .group(group.id)))
        }
        await tools.forget(group.id)
        tools.start([])
        return [Reply(.disabled(releasing: held))]
    }

    /// By the stored name; a channel that was renamed since is asked for.
    private func find(_ reference: ChatReference, in group: ProtectedGroup) async -> RequiredChannel? {
        if let channel = ChannelArgument.find(reference, in: group.channels) { return channel }
        guard case .name = reference else { return nil }
        do throws(BotAPIError) {
            let chat = try await tools.telegram.chat(reference, for: group.id)
            return group.channels.first { $0.id == chat.id }
        } catch {
            return nil
        }
    }
}

extension DecisionRow {
    /// Why people are released of whom nothing is asked any more; the same for each of them.
    public static func unprotected(_ group: ChatID) -> DecisionRow {
        var facts = Facts(.recheck, group: GroupFacts(nil))
        facts.hasOpenHold = true
        let decision = Gate.decide(facts)
        return DecisionRow(
            update: nil, group: group, user: nil, ruleVersion: Gate.ruleVersion, outcome: decision.outcome,
            facts: facts.encoded(reason: decision.reason))
    }
}
