// What becomes of effects when Telegram refuses or does not answer: pauses of chats, the refused token, chats that
// are gone or have moved.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Knows who has to wait, and turns a failure into an outcome.
@IO
final class EffectFailures {
    private static let refusedMilliseconds: Int64 = 60_000

    private let services: Services
    private let pauses = ChatPauses()
    private var haltedUntil: Instant?

    init(services: Services) { self.services = services }

    /// Whether the token was refused a moment ago.
    var isHalted: Bool { haltedUntil != nil }

    /// Whether effects of that chat have to wait for a pause that Telegram asked for.
    func isPaused(_ chat: ChatID) -> Bool { isHalted || pauses.remainingMilliseconds(chat) > 0 }

    /// How long an effect must wait before any call; `nil`: it may go, perhaps as the probe after a pause.
    func waitMilliseconds(_ chat: ChatID) -> Int64? {
        if let haltedUntil { return max(1000, haltedUntil.milliseconds(since: Loop.shared.current())) }
        return pauses.claim(chat)
    }

    /// Telegram answered in that chat: a pause that ended is over.
    func answered(_ chat: ChatID) { pauses.succeeded(chat) }

    /// What the failure of an attempt means for the effect, and for others.
    func outcome(of failure: EffectFailure, _ effect: Effect) async -> AttemptOutcome {
        switch failure {
        case .store: .again(afterMilliseconds: 1000, counts: false, unsent: true, failure: "Store")
        case .leaseLost: .dropped
        case .later(let milliseconds): .wait(milliseconds: milliseconds, failure: "RetryAfter")
        case .api(let error): await outcome(of: error, effect)
        }
    }

    private func outcome(of error: BotAPIError, _ effect: Effect) async -> AttemptOutcome {
        let failure = error.errorClass.rawValue
        switch error.errorClass {
        case .retryAfter:
            let milliseconds = (error.retryAfterSeconds ?? 1) * 1000
            await pause(effect.chat, milliseconds)
            return .wait(milliseconds: milliseconds, failure: failure)
        case .unauthorized:
            halt()
            return .wait(milliseconds: Self.refusedMilliseconds, failure: failure)
        case .serverError, .networkError, .conflict, .unknownError:
            pauses.failed(effect.chat)
            return .again(
                afterMilliseconds: effect.backoffMilliseconds, counts: true, unsent: error.certainlyNotDone,
                failure: failure)
        case .botKicked where effect.chat.isGroup:
            await forget(effect.chat)
            return .dropped
        case .chatMigrated:
            guard let new = error.migrateToChatID else { break }
            let hasMoved = await Migration(services: services).move(effect.chat, to: new)
            return .wait(milliseconds: hasMoved ? 0 : 1000, failure: failure)
        case .botKicked, .botBlocked, .adminRightsMissing, .userIsAdmin, .chatNotFound, .userUnknown, .messageGone,
            .queryExpired, .topicGone, .badRequest:
            break
        }
        // A refusal is never tried again; kinds that must do something about it did it before this.
        pauses.succeeded(effect.chat)
        Log.warning("effect_refused", .name(effect.kind.rawValue), .chatID(effect.chat.value), .error(failure))
        return .done(failure: failure)
    }

    /// One statement puts off all effects of the chat.
    private func pause(_ chat: ChatID, _ milliseconds: Int64) async {
        pauses.pause(chat, milliseconds: milliseconds)
        do throws(StoreError) { try await services.store.push(chat, milliseconds: milliseconds) } catch {
            return  // each of them learns of the pause by itself
        }
    }

    private func forget(_ chat: ChatID) async {
        services.caches.groups.forget(chat)
        do throws(StoreError) { try await services.store.botRemoved(from: chat) } catch {
            return  // the row stays under our lease; its next attempt comes here again
        }
        await services.tell("group:\(chat.value)")
    }

    // MARK: - A refused token

    private func halt() {
        guard haltedUntil == nil else { return }
        Log.error("token_refused")
        haltedUntil = Loop.shared.current().adding(milliseconds: Self.refusedMilliseconds)
    }

    /// False while no call may be made; when the pause is over one `getMe` goes first.
    func tokenIsGood() async -> Bool {
        guard let until = haltedUntil else { return true }
        guard until <= Loop.shared.current() else { return false }
        do throws(BotAPIError) {
            _ = try await services.api.getMe()
            haltedUntil = nil
            return true
        } catch {
            let isRefused = error.errorClass == .unauthorized
            haltedUntil = Loop.shared.current().adding(milliseconds: isRefused ? Self.refusedMilliseconds : 5000)
            return false
        }
    }
}
