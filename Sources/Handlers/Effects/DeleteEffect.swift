// Deleting messages: one, or all that are due in a chat with one call.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectPerformer {
    func delete(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let message = effect.message else { return .done() }
        if mayBeStopped(effect), let stop = try await stop(of: effect) { return .done(failure: stop) }
        try await remove(message, in: effect.chat, context(effect))
        return .done()
    }

    /// Whether the group's configuration, if it is in memory, stops a decided deletion. What tidies up after the bot
    /// goes on.
    private func mayBeStopped(_ effect: Effect) -> Bool {
        guard effect.decision != nil else { return false }
        switch services.caches.groups.lookup(effect.chat) {
        case .fresh(let group), .stale(let group): return group.map { stop(in: $0) != nil } ?? false
        case .missing: return true
        }
    }

    /// The word for why a decided deletion is not to be any more.
    private func stop(of effect: Effect) async throws(EffectFailure) -> String? {
        try await group(effect.chat).flatMap { stop(in: $0) }
    }

    /// Deletions of one chat. A batch that is refused is repeated one by one: one bad id must not keep the others.
    ///
    /// - Throws: what concerns all of them: a pause, no answer, a chat that is gone.
    func deleteTogether(_ effects: [Effect]) async throws(EffectFailure) -> [Result<AttemptOutcome, EffectFailure>] {
        guard let first = effects.first else { return [] }
        guard !effects.contains(where: mayBeStopped) else { return try await deleteApart(effects) }
        do throws(BotAPIError) {
            try await services.api.deleteMessages(effects.compactMap(\.message), in: first.chat, context(first))
            return effects.map { _ in .success(.done()) }
        } catch {
            guard error.code == 400, error.errorClass != .chatMigrated else { throw .api(error) }
        }
        return try await deleteApart(effects)
    }

    private func deleteApart(_ effects: [Effect]) async throws(EffectFailure) -> [Result<AttemptOutcome, EffectFailure>]
    {
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
