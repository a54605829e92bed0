// Muting a held person. What others had restricted is stored before ours is set (verification.md 6.2, outbox.md 5).

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func restrict(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let ledger = effect.ledger, let user = effect.user,
            let hold = try await fromStore({ () async throws(StoreError) in try await services.store.hold(ledger) }),
            hold.state == .intended
        else { return .done() }
        // On all other paths the state was a fact of the decision and is in the row already.
        if hold.source == .message, hold.priorPermissions == nil,
            let closed = try await prepare(hold, effect)
        {
            return .done([.closed(ledger, closed)])
        }
        do throws(BotAPIError) {
            _ = services.notes.restricted.claim(PairOrder.Pair(chat: effect.chat, user: user))
            try await services.api.restrictChatMember(user, in: effect.chat, permissions: .none, context(effect))
            return .done([.held(ledger)])
        } catch {
            return try refused(error, hold, effect)
        }
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
        let isRepeated = effect.isTakenOver || effect.attempts > 0
        if isRepeated, !permissions.contains(.sendMessages) { return nil }
        let prior = PriorPermissions(permissions: permissions, untilSeconds: member.untilDate)
        try await fromStore { () async throws(StoreError) in try await services.store.setPrior(prior.json, of: hold.id)
        }
        return nil
    }

    private func refused(_ error: BotAPIError, _ hold: Hold, _ effect: Effect) throws(EffectFailure) -> AttemptOutcome {
        switch error.errorClass {
        case .userIsAdmin:
            services.caches.admins.forget(hold.group)
            return .done([.closed(hold.id, .admin)])
        case .adminRightsMissing, .badRequest, .chatNotFound:
            HandlerMetrics.effects.add(effect.kind.rawValue, "failed")
            var follow = [EffectWish.notice(.rightLost([.restrictMembers]), in: hold.group)]
            if services.notes.refusals.claim(PairOrder.Pair(chat: hold.group, user: hold.user)) {
                follow.append(.refusalNote(hold))
            }
            return .done([.closed(hold.id, .refused)], follow: follow)
        case .userUnknown:
            return .done([.closed(hold.id, .failed)])
        case .retryAfter, .chatMigrated, .unauthorized, .botKicked:
            throw .api(error)
        case .botBlocked, .messageGone, .queryExpired, .topicGone, .conflict, .serverError, .networkError,
            .unknownError:
            guard effect.ageMilliseconds > 600_000 else { throw .api(error) }
            HandlerMetrics.effects.add(effect.kind.rawValue, "failed")
            return .done([.closed(hold.id, .failed)])
        }
    }
}
