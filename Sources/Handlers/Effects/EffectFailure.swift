// How an attempt at an effect fails, and what it came to.

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
    /// A pause that is not the effect's own chat's.
    case later(milliseconds: Int64)
    /// The lease has too little left and cannot be renewed: somebody else's turn.
    case leaseLost
}

/// What an attempt came to.
enum AttemptOutcome: Equatable {
    /// To be stored. `failure`: the class of what went wrong, for the trace.
    case result(EffectResult, failure: String?)
    /// The row is gone with its chat, or not ours: nothing to store.
    case dropped

    static func done(
        _ changes: [LedgerChange] = [], follow: [EffectWish] = [], failure: String? = nil
    ) -> AttemptOutcome {
        .result(.done(changes, follow: follow), failure: failure)
    }

    /// Not now: a budget or a pause.
    static func wait(milliseconds: Int64, failure: String? = nil) -> AttemptOutcome {
        .again(afterMilliseconds: milliseconds, counts: false, unsent: true, failure: failure)
    }

    static func again(
        afterMilliseconds milliseconds: Int64, counts: Bool, unsent: Bool, failure: String?
    ) -> AttemptOutcome {
        .result(.again(afterMilliseconds: milliseconds, counts: counts, unsent: unsent), failure: failure)
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

    /// Whether the pauses between its attempts came to 10 min: 1, 2, 4, 8, 16, 32 s, then a minute each.
    /// Time spent in pauses that Telegram asked for, or without a process, does not count.
    var hasTriedForLong: Bool { attempts >= 15 }

    /// Whether a message for it went out twice already, as far as anybody can know. A third would help nobody.
    /// Attempts that certainly sent nothing were taken back from `sends`, which counts the present one too.
    var isPerhapsSentTwice: Bool { sends > 2 }
}

extension ChatID {
    /// Groups and channels have negative ids.
    var isGroup: Bool { value < 0 }
}
