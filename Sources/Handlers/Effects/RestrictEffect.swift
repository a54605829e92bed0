// Muting a held person. What others had restricted is stored before ours is set.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func restrict(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let ledger = effect.ledger, let user = effect.user, let hold = try await hold(of: effect, ledger),
            hold.state == .intended
        else { return .done() }
        let group = try await group(effect.chat)
        // A hold decided before protection went off, or a channel was dropped, and stored after it is not among those
        // that were released then. A group that is not there has moved under our hands: Telegram will say so, and the
        // hold goes along.
        let isProtecting = group?.stillHolds(for: hold.channels) ?? true
        if !effect.mayBeDone {
            if !isProtecting { return .done([.closed(ledger, .unprotected)]) }
            if let group, let stop = stop(in: group) { return .done([.closed(ledger, .admin)], failure: stop) }
        }
        do throws(EffectFailure) {
            // On all other paths the state was a fact of the decision and is in the row already.
            if hold.source == .message, hold.priorPermissions == nil,
                let closed = try await prepare(hold, effect)
            {
                return .done([.closed(ledger, closed)])
            }
            try await keepLease(effect)
            _ = services.notes.restricted.claim(PairOrder.Pair(chat: effect.chat, user: user))
            try await fromTelegram { () async throws(BotAPIError) in
                try await services.api.restrictChatMember(user, in: effect.chat, permissions: .none, context(effect))
            }
            // An attempt before may have muted, so the row must not just close: who is held now is freed by its rules.
            let follow = isProtecting ? [] : [EffectWish.recheck(user, in: effect.chat, source: .message)]
            return .done([.held(ledger)], follow: follow)
        } catch {
            guard case .api(let error) = error else { throw error }
            return try refused(error, hold, effect)
        }
    }

    /// A release since the record waits for this effect's end, so what was recorded a moment ago need not be read.
    private func hold(of effect: Effect, _ ledger: LedgerID) async throws(EffectFailure) -> Hold? {
        if let hold = effect.freshHold { return hold }
        return try await fromStore { () async throws(StoreError) in try await services.store.hold(ledger) }
    }

    /// Reads what the person may do now. A reason: the hold must not be.
    private func prepare(_ hold: Hold, _ effect: Effect) async throws(EffectFailure) -> ReleaseReason? {
        let member: ChatMember
        do throws(BotAPIError) {
            member = try await services.api.getChatMember(hold.user, in: hold.group, context(effect))
        } catch {
            // Whoever Telegram does not know here has no restriction that could be lost.
            guard error.errorClass == .userUnknown else { throw .api(error) }
            return nil
        }
        services.notes.note(
            ProcessNotes.Name(name: member.user.fullName, language: member.user.languageCode), of: hold.user)
        if member.isAdministrator {
            services.caches.admins.forget(hold.group)
            return .admin
        }
        if member.status == .kicked { return .adminRestricted }
        guard member.status == .restricted, let permissions = member.permissions else { return nil }
        // Who is fully muted cannot have written: at a repetition the mute is our own of an attempt before.
        // Whoever lacks some permissions has them from others.
        if effect.mayBeDone, permissions.isEmpty { return nil }
        let prior = PriorPermissions(permissions: permissions, untilSeconds: member.untilDate)
        try await fromStore { () async throws(StoreError) in try await services.store.setPrior(prior.json, of: hold.id)
        }
        return nil
    }

    private func refused(_ error: BotAPIError, _ hold: Hold, _ effect: Effect) throws(EffectFailure) -> AttemptOutcome {
        let failure = error.errorClass.rawValue
        switch error.errorClass {
        case .userIsAdmin:
            services.caches.admins.forget(hold.group)
            return .done([.closed(hold.id, .admin)], failure: failure)
        case .adminRightsMissing, .badRequest, .chatNotFound:
            var follow = [EffectWish.notice(.rightLost([.restrictMembers]), in: hold.group)]
            if services.notes.refusals.claim(PairOrder.Pair(chat: hold.group, user: hold.user)) {
                follow.append(.note(.refused, about: hold.user, in: hold.group, number: hold.id.value))
            }
            return .done([.closed(hold.id, .refused)], follow: follow, failure: failure)
        case .userUnknown:
            return .done([.closed(hold.id, .failed)], failure: failure)
        case .retryAfter, .chatMigrated, .unauthorized, .botKicked:
            throw .api(error)
        case .botBlocked, .messageGone, .queryExpired, .topicGone, .conflict, .serverError, .networkError,
            .unknownError:
            guard effect.hasTriedForLong else { throw .api(error) }
            return .done([.closed(hold.id, .failed)], failure: failure)
        }
    }
}

extension Effect {
    /// Whether an attempt before, here or by a replica that is gone, may have done what it asks for.
    fileprivate var mayBeDone: Bool { isTakenOver || attempts > 0 }
}
