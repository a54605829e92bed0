// Looking at a person again: after they left or joined a channel, after a check that failed, after a mute whose
// outcome is unclear.

import Domain
import EventLoop
import Gate
import JSON
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func recheck(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let user = effect.user else { return .done() }
        let hold = try await fromStore { () async throws(StoreError) in
            try await services.store.openHold(of: user, in: effect.chat)
        }
        let messages = (effect.value("messages")?.array ?? []).compactMap { $0.int.map { MessageID($0) } }
        let isAudit = effect.value("audit")?.bool == true
        let pair = PairOrder.Pair(chat: effect.chat, user: user)
        if hold == nil, messages.isEmpty, !isAudit, case .fresh(false) = services.caches.presence.lookup(pair) {
            return .done()  // seen outside the group a moment ago
        }
        let group = try await group(effect.chat)
        guard hold != nil || group?.isProtected == true || isAudit else { return .done() }
        // Asked afresh: what others restricted must be a fact of the decision, and a mute of ours must be seen.
        let member = try await fromTelegram { () async throws(BotAPIError) in
            try await services.api.getChatMember(user, in: effect.chat, context(effect))
        }
        services.notes.note(
            ProcessNotes.Name(name: member.user.fullName, language: member.user.languageCode), of: user)
        services.caches.presence.set(pair, member.isMember)
        if isAudit, hold == nil, member.status == .restricted,
            member.permissions?.isEmpty == true
        {
            // Fully muted without an open row: the mute came from a replica that was stopped meanwhile.
            try await keepLease(effect)
            try await fromTelegram { () async throws(BotAPIError) in
                try await services.api.restrictChatMember(user, in: effect.chat, permissions: .all, context(effect))
            }
            return .done()
        }
        if member.status == .kicked, let hold {
            // Banned, and its update is still on its way or was lost: to lift the mute would undo the ban.
            _ = try await fromStore { () async throws(StoreError) in
                try await services.store.record(
                    AdministratorDecision.closing(hold, for: .restricted, .adminRestricted, group))
            }
            services.workers.wake()
            return .done()
        }
        guard let group, group.isProtected || hold != nil else { return .done() }
        return try await decide(effect, group, member, hold, messages)
    }

    private func decide(
        _ effect: Effect, _ group: ProtectedGroup, _ member: ChatMember, _ hold: Hold?, _ messages: [MessageID]
    ) async throws(EffectFailure) -> AttemptOutcome {
        let source = effect.value("source")?.string.flatMap(VerificationSource.init(rawValue:)) ?? .message
        let user = member.user.id
        let inquiry = Inquiry(services: services, group: group, user: user, source: source, occasion: .recheck)
        inquiry.facts.sender = member.user.isBot ? .bot : .person
        // In a discussion group people write without being members.
        inquiry.facts.isInGroup = member.isMember || !messages.isEmpty
        inquiry.facts.hasOpenHold = hold != nil
        inquiry.facts.freshForMilliseconds = 60_000
        if member.isAdministrator { inquiry.facts.admin = .yes }
        let decision = await inquiry.decide(patienceMilliseconds: 7000)
        if decision.reason == Reason.checkFailed.rawValue, let pause = inquiry.retryAfterMilliseconds {
            return .wait(milliseconds: pause, failure: "RetryAfter")
        }
        inquiry.log(decision)
        inquiry.markUnreachable()
        if decision.reason == Reason.checkFailed.rawValue, !effect.hasTriedForLong {
            return .again(
                afterMilliseconds: effect.backoffMilliseconds, counts: true, unsent: true, failure: "CheckFailed")
        }
        var record = Record(update: nil)
        record.decision = inquiry.row(decision, update: nil)
        switch decision {
        case .hold(let missing):
            if let hold {
                // The lift under way comes first; then they are held anew.
                if hold.state == .lifting { return .wait(milliseconds: 2000) }
                guard hold.channels != missing else { return .done() }
                try await fromStore { () async throws(StoreError) in
                    try await services.store.setChannels(missing, of: hold.id)
                }
                return .done(follow: hold.warning.map { [.edit($0, in: group.id)] } ?? [])
            }
            guard services.enforcement(of: group) == .enforced else {
                if let row = record.decision { services.log.offer(.decision(row)) }
                return .done()
            }
            record.hold = HoldWish(
                group: group.id, user: user, channels: missing, source: source,
                priorPermissions: PriorPermissions(member)?.json)
            record.effects = messages.map { .delete($0, in: group.id) }
            record.effects += [.restrict(user, in: group.id), .prompt(in: group.id)]
        case .release where hold?.state == .lifting: return .done()  // that release has its decision
        case .release(let reason):
            record.releases = [ReleaseWish(group: group.id, user: user, reason: reason)]
        case .ignore(.admin) where hold != nil:
            record.releases = [ReleaseWish(group: group.id, user: user, reason: .admin)]
        case .ignore, .allow, .need, .delete, .approve, .wait: return .done()
        }
        let final = record
        let outcome = try await fromStore { () async throws(StoreError) in try await services.store.record(final) }
        if case .recorded(let recorded) = outcome { services.workers.perform(recorded.effects) }
        services.workers.wake()
        return .done()
    }
}
