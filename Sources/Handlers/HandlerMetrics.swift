// What updates and effects count. All families of the room exist from the first scrape.

import Domain
import EventLoop
import Observability

/// Counters and histograms of this room.
@IO
enum HandlerMetrics {
    static let kinds = [
        "message", "edited_message", "callback_query", "chat_member", "my_chat_member", "chat_join_request",
        "pre_checkout_query", "subscription", "other",
    ]
    static let updates = CounterFamily(
        "nezuko_webhook_updates_total", help: "Updates by type and what became of them.", labels: ["type", "result"],
        values: combinations([kinds, ["handled", "duplicate", "ignored", "failed", "rejected"]]))
    /// Held, since a search by labels costs as much as the decision: messages that memory decided.
    static let ignoredMessages = updates.child("message", "ignored")
    static let handledMessages = updates.child("message", "handled")
    static let rejected = CounterFamily(
        "nezuko_updates_rejected_total", help: "Updates that were not accepted.", labels: ["reason"],
        values: combinations([["secret", "too_large", "undecodable", "overload", "draining", "database"]]))
    static let verificationSeconds = HistogramFamily(
        "nezuko_verification_seconds", help: "Time of a decision about a person.",
        buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5], labels: ["cached"],
        values: combinations([["true", "false"]]))
    static let verifications = CounterFamily(
        "nezuko_verifications_total", help: "Decisions about people.", labels: ["status", "source"],
        values: combinations([["verified", "restricted", "error"], ["message", "join", "leave", "return", "button"]]))
    static let verifiedMessages = verifications.child("verified", "message")
    static let restrictedMessages = verifications.child("restricted", "message")
    static let cachedSeconds = verificationSeconds.child("true")
    static let askedSeconds = verificationSeconds.child("false")
    static let lag = Histogram(
        "nezuko_update_lag_seconds", help: "From a message's date to its arrival.",
        buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600])
    static let messageTypes = CounterFamily(
        "nezuko_message_types_total", help: "Messages by type.", labels: ["message_type"],
        values: combinations([["text", "media", "command", "callback", "service", "payment"]]))
    static let texts = messageTypes.child("text")
    static let cacheHits = CounterFamily(
        "nezuko_cache_hits_total", help: "Answers from memory.", labels: ["cache"],
        values: combinations([["verify", "admins", "group", "presence"]]))
    // Series of the hot path, looked up once.
    static let verifyHits = cacheHits.child("verify")
    static let adminsHits = cacheHits.child("admins")
    static let groupHits = cacheHits.child("group")
    static let cacheMisses = CounterFamily(
        "nezuko_cache_misses_total", help: "Questions that memory could not answer.", labels: ["cache"],
        values: combinations([["verify", "admins", "group", "presence"]]))
    static let verifyMisses = cacheMisses.child("verify")
    static let effects = CounterFamily(
        "nezuko_effects_total", help: "Attempts at effects.", labels: ["kind", "result"],
        values: combinations([EffectKind.allCases.map(\.rawValue), ["done", "retried", "taken_over", "failed"]]))
    static let pendingEffects = GaugeFamily(
        "nezuko_pending_effects", help: "Effects that are not done.", labels: ["lane"],
        values: combinations([["1", "2", "3", "4"]]))
    static let oldestEffect = Gauge(
        "nezuko_oldest_pending_effect_seconds", help: "Age of the oldest due effect of lanes 1 and 2.")
}

/// Every combination of the labels' values.
func combinations(_ values: [[String]]) -> [[String]] {
    values.reduce([[]]) { rows, next in rows.flatMap { row in next.map { row + [$0] } } }
}

extension Services {
    /// Makes this room's metrics present at the first scrape.
    public static func registerMetrics() {
        _ = (HandlerMetrics.updates, HandlerMetrics.rejected, HandlerMetrics.verificationSeconds)
        _ = (HandlerMetrics.verifications, HandlerMetrics.lag, HandlerMetrics.messageTypes)
        _ = (HandlerMetrics.cacheHits, HandlerMetrics.cacheMisses, HandlerMetrics.effects)
        _ = (HandlerMetrics.pendingEffects, HandlerMetrics.oldestEffect)
        ServiceGauges.registerMetrics()
        UptimeTicks.registerMetrics()
        NewsWatch.registerMetrics()
        WebhookWatch.registerMetrics()
        JobIntake.registerMetrics(jobs: JobName.allCases.map(\.rawValue))
        Commands.registerMetrics()
    }
}
