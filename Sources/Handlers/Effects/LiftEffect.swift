// Giving a person their rights back: those they had before, or all.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func lift(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let ledger = effect.ledger,
            let hold = try await fromStore({ () async throws(StoreError) in try await services.store.hold(ledger) }),
            hold.state == .lifting
        else { return .done() }
        let prior = hold.priorPermissions.flatMap { PriorPermissions(parsing: $0) }
        let (permissions, until) = prior?.restored(atSeconds: WallClock.now.seconds) ?? (.all, nil)
        try await keepLease(effect)
        do throws(BotAPIError) {
            try await services.api.restrictChatMember(
                hold.user, in: hold.group, permissions: permissions, untilDate: until, context(effect))
        } catch {
            switch error.errorClass {
            case .userIsAdmin, .userUnknown, .badRequest: break  // there is nothing of ours left to lift
            case .adminRightsMissing, .chatNotFound: return unlifted(effect, hold, error)
            case .retryAfter, .chatMigrated, .unauthorized, .botKicked: throw .api(error)
            case .botBlocked, .messageGone, .queryExpired, .topicGone, .conflict, .serverError, .networkError,
                .unknownError:
                guard effect.hasTriedForLong else { throw .api(error) }
                return unlifted(effect, hold, error)
            }
        }
        services.events?.released(hold.user, in: hold.group, reason: "lifted")
        let follow = hold.warning.map { [EffectWish.edit($0, in: hold.group)] } ?? []
        return .done([.lifted(ledger)], follow: follow)
    }

    /// It stays recorded and is tried hourly: nobody may stay muted for ever.
    private func unlifted(_ effect: Effect, _ hold: Hold, _ error: BotAPIError) -> AttemptOutcome {
        Log.error("unlifted", .chatID(hold.group.value), .userID(hold.user.value))
        HandlerMetrics.effects.add(effect.kind.rawValue, "failed")
        return .again(
            afterMilliseconds: 3_600_000, counts: true, unsent: true, failure: error.errorClass.rawValue)
    }
}
