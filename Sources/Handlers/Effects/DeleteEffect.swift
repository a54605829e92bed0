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
    func deleteTogether(_ effects: [Effect]) async -> [Result<AttemptOutcome, EffectFailure>] {
        guard let first = effects.first else { return [] }
        do throws(BotAPIError) {
            let context = CallContext(groupID: first.chat)
            try await services.api.deleteMessages(effects.compactMap(\.message), in: first.chat, context)
            return effects.map { _ in .success(.done()) }
        } catch {
            guard !error.isTransient, error.errorClass != .botKicked, error.errorClass != .chatMigrated else {
                return effects.map { _ in .failure(.api(error)) }
            }
        }
        var results: [Result<AttemptOutcome, EffectFailure>] = []
        for effect in effects {
            do throws(EffectFailure) { results.append(.success(try await delete(effect))) } catch {
                results.append(.failure(error))
            }
        }
        return results
    }
}
