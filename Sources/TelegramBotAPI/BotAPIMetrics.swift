// What is counted about calls.

import EventLoop
import Observability

/// The counters of this room. Labels come from closed sets: method names of our own, results of a closed set.
@IO
public enum BotAPIMetrics {
    /// The methods that this room has.
    public static let methods = [
        "answerCallbackQuery", "answerPreCheckoutQuery", "approveChatJoinRequest", "createChatInviteLink",
        "deleteMessage", "deleteMessages", "deleteWebhook", "editMessageReplyMarkup", "editMessageText", "getChat",
        "getChatAdministrators", "getChatMember", "getChatMemberCount", "getMe", "getUpdates", "getWebhookInfo",
        "restrictChatMember", "sendMessage", "setMyCommands", "setWebhook",
    ]
    private static let results = [
        "ok", "Unauthorized", "NetworkError", "RetryAfter", "ChatNotFound", "Forbidden", "BadRequest",
        "TelegramError", "UnknownError",
    ]
    private static let calls = CounterFamily(
        "nezuko_api_calls_total", help: "Bot API attempts by outcome.", labels: ["method", "result"],
        values: methods.flatMap { method in results.map { [method, $0] } })
    private static let seconds = HistogramFamily(
        "nezuko_api_call_seconds", help: "Time of Bot API attempts.",
        buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10], labels: ["method"], values: methods.map { [$0] })
    private static let delays = CounterFamily(
        "nezuko_api_delays_total", help: "Messages that waited for a budget.", labels: ["bucket"],
        values: MessageBudget.Bucket.allCases.map { [$0.rawValue] })

    /// The series of a method's usual outcome, looked up once.
    private static let usual = Dictionary(
        uniqueKeysWithValues: methods.map { ($0, (ok: calls.child($0, "ok"), seconds: seconds.child($0))) })

    /// Makes the families appear at the first scrape.
    public static func registerMetrics() {
        _ = (calls, seconds, delays)
        ErrorMetrics.register(.telegramAPI, operations: methods)
    }

    /// A message has to wait for a budget; called by whoever makes it wait, once a message.
    public static func countDelay(_ bucket: MessageBudget.Bucket) { delays.add(bucket.rawValue) }

    static func record(_ attempt: Attempt, seconds elapsed: Double) {
        if attempt.success, let cells = usual[attempt.method] {
            cells.ok.add()
            return cells.seconds.observe(seconds: elapsed)
        }
        let isUnauthorized = attempt.errorClass == BotAPIErrorClass.unauthorized.rawValue
        calls.add(attempt.method, isUnauthorized ? "Unauthorized" : attempt.errorType ?? "ok")
        seconds.observe(seconds: elapsed, attempt.method)
        if !attempt.success { ErrorMetrics.count(.telegramAPI, operation: attempt.method) }
    }
}
