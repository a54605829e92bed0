// `chat_member`: a person's state in a required channel or a protected group changed.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

/// Sorts changes of membership; a required chat may be a protected group too, then both apply, the channel's first.
@IO
struct ChatMemberHandler {
    let services: Services

    func handle(_ change: ChatMemberUpdated, update: UpdateID) async throws(UpdateFailure) -> Handled {
        var effects = try await channelChanged(change, update)
        if change.old.isAdministrator || change.new.isAdministrator {
            services.caches.admins.forget(change.chat.id)
            await services.tell("admins:\(change.chat.id.value)")
        }
        guard change.chat.isGroup, let group = try await services.configuration(change.chat.id) else {
            return effects.isEmpty ? .nothing : .recorded(effects, group: nil)
        }
        let user = change.new.user
        services.caches.presence.set(PairOrder.Pair(chat: group.id, user: user.id), change.new.isMember)
        let handled: Handled
        if !change.old.isMember, change.new.isMember {
            handled = try await JoinHandler(services: services).joined(
                user, in: group.id, state: change.new, update: update)
        } else {
            handled = try await AdministratorDecision(services: services).changed(change, update: update)
        }
        guard case .recorded(let own, _) = handled else {
            return effects.isEmpty ? handled : .recorded(effects, group: group.id)
        }
        effects += own
        return .recorded(effects, group: group.id)
    }

    /// Leaving and re-joining a required channel.
    private func channelChanged(_ change: ChatMemberUpdated, _ update: UpdateID) async throws(UpdateFailure) -> [Effect]
    {
        guard let old = change.old.membership, let new = change.new.membership, old != new else { return [] }
        let (user, channel) = (change.new.user.id, change.chat.id)
        let groups = try await services.reading { () async throws(StoreError) in
            try await services.store.groups(requiring: channel)
        }
        services.caches.verdicts.note(new, of: user, in: channel)
        guard !groups.isEmpty, !change.new.user.isBot else { return [] }
        await services.tell("verify:\(user.value):\(channel.value):\(new == .member ? 1 : 0)")
        var record = Record(update: nil)
        switch new {
        case .notMember:
            record.effects = groups.map { group in
                .recheck(user, in: group, source: .leave, delayMilliseconds: services.notes.rechecks.takeTurn())
            }
        case .member:
            let holds = try await services.reading { () async throws(StoreError) in
                try await services.store.openHolds(of: user)
            }
            record.effects = holds.filter { $0.channels.contains(channel) }.map { hold in
                .recheck(
                    user, in: hold.group, source: .return, delayMilliseconds: services.notes.rechecks.takeTurn())
            }
        }
        guard !record.effects.isEmpty else { return [] }
        guard case .recorded(let effects, _) = try await services.record(record) else { return [] }
        services.workers.wake()
        return effects
    }
}
