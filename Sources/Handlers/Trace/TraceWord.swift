// How a traced decision is put together in words: the order is the same in every language, the words are its own.

import Domain
import Gate

/// A word or phrase of a trace; plain text, in the middle of a line.
public enum TraceWord: Equatable, Sendable {
    /// What led to the decision.
    case occasion(Occasion)
    /// What was decided, by the stored word; `isDone` false: it would have been.
    case outcome(String, isDone: Bool)
    /// Why.
    case reason(DecisionReason)
    /// What was known of the person in a channel; `nil`: not looked up.
    case standing(MembershipFact?)
    /// The answer came from memory and was that old.
    case fromMemory(ageSeconds: Int64)
    /// Telegram was asked and took that long.
    case asked(milliseconds: Int64)
    /// What was to be done.
    case effect(EffectKind?)
    /// How that ended.
    case result(TracedEffect.Result, failure: String?, milliseconds: Int64, attempts: Int64)
    /// How a person stands now.
    case state(PersonState)
}

extension DecisionTrace {
    /// A heading line, a line for each channel, a line for each effect.
    func markup(in language: any Catalogue) -> Markup {
        let verdict = language.word(.outcome(outcome, isDone: enforcement == .enforced))
        let occasion = language.word(.occasion(occasion))
        var lines: [Markup] = ["\n<b>\(moment)</b>\n\(occasion) → \(verdict): \(language.word(.reason(reason)))"]
        for channel in channels {
            var line: Markup = "• \(channel.name): \(language.word(.standing(channel.fact)))"
            switch channel.origin {
            case .memory(let age): line = "\(line) (\(language.word(.fromMemory(ageSeconds: age / 1000))))"
            case .asked(let milliseconds): line = "\(line) (\(language.word(.asked(milliseconds: milliseconds))))"
            case .unknown: break
            }
            lines.append(line)
        }
        for effect in effects {
            let result = language.word(
                .result(
                    effect.result, failure: effect.failure, milliseconds: effect.milliseconds,
                    attempts: effect.attempts))
            lines.append("→ \(language.word(.effect(effect.kind))): \(result)")
        }
        return .joined(lines, separator: "\n")
    }
}
