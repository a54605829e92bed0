// Letting somebody in who asked to join; a request that is gone is as good as done.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func approve(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let user = effect.user else { return .done() }
        do throws(BotAPIError) {
            try await services.api.approveChatJoinRequest(of: user, in: effect.chat, context(effect))
        } catch {
            guard error.errorClass == .badRequest || error.errorClass == .userUnknown else { throw .api(error) }
        }
        return .done()
    }
}
