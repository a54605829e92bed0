// answerCallbackQuery: ends the spinner of a pressed button.

import Domain
import JSON

extension BotAPI {
    /// Answers a press with at most 200 characters; `isAlert` shows them in a box that must be closed.
    public func answerCallbackQuery(
        _ id: String, text: String? = nil, isAlert: Bool = false, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("answerCallbackQuery") { writer in
            writer.key("callback_query_id")
            writer.string(id)
            guard let text else { return }
            writer.key("text")
            writer.string(String(text.prefix(200)))
            writer.key("show_alert")
            writer.bool(isAlert)
        }
        try await call(method, context)
    }
}
