// How an attempt at an effect fails, and what becomes of the effect then (outbox.md 6).

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Why an attempt did not end in a result.
enum EffectFailure: Error {
    /// Telegram's word.
    case api(BotAPIError)
    /// The database did not answer.
    case store(StoreError)
}

/// What an attempt came to.
enum AttemptOutcome: Equatable {
    /// To be stored.
    case result(EffectResult)
    /// The row is gone with its chat: nothing to store.
    case dropped

    static func done(_ changes: [LedgerChange] = [], follow: [EffectWish] = []) -> AttemptOutcome {
        .result(.done(changes, follow: follow))
    }

    /// Not now: a budget or a pause.
    static func wait(milliseconds: Int64) -> AttemptOutcome {
        .result(.again(afterMilliseconds: milliseconds, counts: false, unsent: true))
    }
}

/// Calls a store function inside an effect.
@IO
func fromStore<Value: Sendable>(
    _ work: @IO () async throws(StoreError) -> Value
) async throws(EffectFailure) -> Value {
    do throws(StoreError) { return try await work() } catch { throw .store(error) }
}

/// Calls Telegram inside an effect.
@IO
func fromTelegram<Value: Sendable>(
    _ work: @IO () async throws(BotAPIError) -> Value
) async throws(EffectFailure) -> Value {
    do throws(BotAPIError) { return try await work() } catch { throw .api(error) }
}

extension Effect {
    /// 1, 2, 4 … 60 s.
    var backoffMilliseconds: Int64 { min(60_000, 1000 << Int64(min(attempts, 6))) }
}
