// A stored decision as it is told to people: by `/why` in a group, by `nezuko why` on a terminal.

import Domain
import EventLoop
import Gate
import JSON
import Storage

/// Why something was decided.
public enum DecisionReason: Equatable, Sendable {
    /// A rule by which nothing is done, or a message goes.
    case rule(Reason)
    /// What ended a hold.
    case release(ReleaseReason)
    /// Channels are missing.
    case notSubscribed
    /// The person was held already, so only the message went.
    case alreadyHeld
    /// A word of another version.
    case other(String)

    init(_ word: String, outcome: String) {
        if outcome == "release", let reason = ReleaseReason(rawValue: word) {
            self = .release(reason)
        } else if let reason = Reason(rawValue: word) {
            self = .rule(reason)
        } else {
            self =
                switch word {
                case "not_subscribed": .notSubscribed
                case "already_held": .alreadyHeld
                default: .other(word)
                }
        }
    }
}

/// What was known of a person in one channel, and how.
public struct TracedChannel: Equatable, Sendable {
    /// Where the answer came from.
    public enum Origin: Equatable, Sendable {
        /// From memory; its age.
        case memory(ageMilliseconds: Int64)
        /// Telegram was asked; how long it took.
        case asked(milliseconds: Int64)
        /// Not recorded.
        case unknown
    }

    /// As the channel is named now.
    public var name: String
    /// The answer; `nil`: not looked up, others decided.
    public var fact: MembershipFact?
    /// Where it came from.
    public var origin: Origin
}

/// The last attempt at one effect of a decision.
public struct TracedEffect: Equatable, Sendable {
    /// How an attempt ended.
    public enum Result: String, Sendable {
        /// Telegram did it.
        case done
        /// It could not be done for good.
        case failed
        /// It is tried again.
        case waiting
    }

    /// What was to be done; `nil`: of another version.
    public var kind: EffectKind?
    /// How it ended.
    public var result: Result
    /// The class of what went wrong.
    public var failure: String?
    /// How long the attempt took.
    public var milliseconds: Int64
    /// Which attempt it was, from 1.
    public var attempts: Int64
}

/// One decision, ready to be put into words.
public struct DecisionTrace: Equatable, Sendable {
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    public var moment: String
    /// What led to it.
    public var occasion: Occasion
    /// The stored outcome.
    public var outcome: String
    /// Why.
    public var reason: DecisionReason
    /// Whether anything was done.
    public var enforcement: Enforcement
    /// The required channels in their order.
    public var channels: [TracedChannel]
    /// What was done, the last attempt at each effect.
    public var effects: [TracedEffect]
    /// The rule set that decided.
    public var ruleVersion: Int

    /// The trace of a row. `channels` are the group's as they are now, for their names.
    ///
    /// - Throws: `JSONError` for facts that this version cannot read.
    public init(_ row: StoredDecision, channels known: [RequiredChannel]) throws(JSONError) {
        let stored = try StoredFacts(row.facts)
        moment = UTC.shown(row.atMicroseconds)
        occasion = stored.facts.occasion
        outcome = row.outcome
        reason = DecisionReason(stored.reason, outcome: row.outcome)
        enforcement = stored.enforcement
        ruleVersion = row.ruleVersion
        channels = stored.facts.group.channels.map { id in
            let origin: TracedChannel.Origin =
                if let age = stored.cachedMilliseconds[id] { .memory(ageMilliseconds: age) } else {
                    stored.askedMilliseconds[id].map { .asked(milliseconds: $0) } ?? .unknown
                }
            return TracedChannel(
                name: known.first { $0.id == id }.map(Naming.channel) ?? String(id.value),
                fact: stored.facts.memberships[id], origin: origin)
        }
        effects = Self.lastAttempts(row.effects)
    }

    /// Each attempt has its entry; who asks wants to know how each effect stands.
    private static func lastAttempts(_ text: String) -> [TracedEffect] {
        let entries: [JSONValue]
        do throws(JSONError) { entries = try JSONValue(parsing: Array(text.utf8)).array ?? [] } catch { return [] }
        var effects: [TracedEffect] = []
        for entry in entries {
            guard let result = entry["result"]?.string.flatMap(TracedEffect.Result.init(rawValue:)) else { continue }
            let effect = TracedEffect(
                kind: entry["kind"]?.string.flatMap(EffectKind.init(rawValue:)), result: result,
                failure: entry["class"]?.string, milliseconds: entry["ms"]?.int ?? 0,
                attempts: entry["attempts"]?.int ?? 1)
            if let known = effects.firstIndex(where: { $0.kind == effect.kind }) {
                effects[known] = effect
            } else {
                effects.append(effect)
            }
        }
        return effects
    }
}

/// How a person stands in a group now.
public enum PersonState: Equatable, Sendable {
    /// Held by the bot.
    case held(since: String, isTold: Bool, presses: Int)
    /// A lift is on its way.
    case releasing
    /// Held, and the bot cannot lift it: it is out of the group.
    case orphaned
    /// Not held by the bot.
    case notHeld
    /// Not held by the bot, and restricted or banned by an administrator.
    case restrictedByAdmin

    /// The state of an open row.
    public init(_ hold: Hold) {
        switch hold.state {
        case .intended, .held:
            self = .held(
                since: UTC.shown(hold.heldAtSeconds * 1_000_000), isTold: hold.isTold, presses: hold.presses)
        case .lifting: self = .releasing
        case .orphaned: self = .orphaned
        case .closed: self = .notHeld
        }
    }
}

/// Moments as people read them.
enum UTC {
    /// `2026-11-22 10:32:13 UTC`.
    static func shown(_ microseconds: Int64) -> String {
        let text = SQLTime.text(Timestamp(microseconds: microseconds))
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + " UTC"
    }
}
