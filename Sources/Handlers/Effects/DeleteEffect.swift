// Deleting messages: one, or all that are due in a chat with one call.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func delete(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let message = effect.message else { return .done() }
        try await remove(message, in: effect.chat, context(effect))
        return .done()
    }

    /// Deletions of one chat. A batch that is refused is repeated one by one: one bad id must not keep the others.
    ///
    /// - Throws: what concerns all of them: a pause, no answer, a chat that is gone.
    func deleteTogether(_ effects: [Effect]) async throws(EffectFailure) -> [Result<AttemptOutcome, EffectFailure>] {
        guard let first = effects.first else { return [] }
        do throws(BotAPIError) {
            try await services.api.deleteMessages(effects.compactMap(\.message), in: first.chat, context(first))
            return effects.map { _ in .success(.done()) }
        } catch {
            guard error.code == 400, error.errorClass != .chatMigrated else { throw .api(error) }
        }
        var results: [Result<AttemptOutcome, EffectFailure>] = []
        for effect in effects {
            do throws(EffectFailure) {
                try await keepLease(effect)
                results.append(.success(try await delete(effect)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }
}
