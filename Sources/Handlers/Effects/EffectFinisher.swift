// The end of an attempt, as it is stored; an end that could not be stored is repeated from memory, never its call.

import Domain
import EventLoop
import JSON
import Observability
import Storage

/// Stores what attempts came to.
@IO
final class EffectFinisher {
    private static let remembered = 10_000

    private struct Ending {
        let effect: Effect
        let result: EffectResult
        let note: String?
    }

    private let services: Services
    private var unfinished: [Int64: Ending] = [:]

    init(services: Services) { self.services = services }

    /// Effects whose call was made and whose end is not stored yet: they must not be performed again.
    var ids: [Int64] { Array(unfinished.keys) }

    func isUnfinished(_ effect: Effect) -> Bool { unfinished[effect.id] != nil }

    /// Stores an end. True: something may be due because of it.
    func finish(_ effect: Effect, _ result: EffectResult, _ trace: AttemptTrace?) async -> Bool {
        let ending = Ending(effect: effect, result: result, note: trace?.note(effect, result))
        do throws(StoreError) { return try await store(ending) } catch {
            if unfinished.count < Self.remembered { unfinished[effect.id] = ending }
            if case .refused(let code) = error {
                Log.error("effect_not_finished", .name(effect.kind.rawValue), .error(code))
            }
            return false
        }
    }

    /// Tries those again that could not be stored; stops at the first that finds the store away.
    func repeatAll() async {
        for ending in unfinished.values.sorted(by: { $0.effect.id < $1.effect.id }) {
            do throws(StoreError) { _ = try await store(ending) } catch {
                guard case .refused = error else { return }
            }
        }
    }

    private func store(_ ending: Ending) async throws(StoreError) -> Bool {
        let effect = ending.effect
        let outcome = try await services.store.finish(effect, ending.result, note: ending.note)
        if outcome == .lostLease, effect.kind == .restrict, ending.result.mayHaveActed { try await audit(effect) }
        unfinished[effect.id] = nil
        if case .done(_, let follow) = ending.result, follow.contains(where: { $0.delayMilliseconds <= 0 }) {
            return true
        }
        return outcome != .finished
    }

    /// Others may have released the person meanwhile: a mute without an open row is lifted by this.
    @inline(never)
    private func audit(_ effect: Effect) async throws(StoreError) {
        guard let user = effect.user else { return }
        var record = Record(update: nil)
        record.effects = [.recheck(user, in: effect.chat, audits: true, source: .message)]
        _ = try await services.store.record(record)
    }
}

/// What an attempt was, for the trace of its decision.
struct AttemptTrace {
    /// The class of what went wrong.
    let failure: String?
    let milliseconds: Int64

    /// One entry of `decisions.effects`; without `attempts` it was the first, without `class` nothing went wrong.
    fileprivate func note(_ effect: Effect, _ result: EffectResult) -> String? {
        guard effect.decision != nil else { return nil }
        var word = "waiting"
        if case .done = result { word = failure == nil ? "done" : "failed" }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("kind")
            writer.string(effect.kind.rawValue)
            writer.key("result")
            writer.string(word)
            writer.key("ms")
            writer.int(milliseconds)
            if let failure {
                writer.key("class")
                writer.string(failure)
            }
            // Else it was in the decision's group.
            if effect.chat.value > 0 {
                writer.key("chat")
                writer.int(effect.chat.value)
            }
            if effect.attempts > 0 {
                writer.key("attempts")
                writer.int(effect.attempts + 1)
            }
        }
        return writer.text
    }
}

extension EffectResult {
    /// Whether Telegram may have done what the effect asks for.
    fileprivate var mayHaveActed: Bool {
        switch self {
        case .done: true
        case .again(_, _, let unsent): !unsent
        }
    }
}
