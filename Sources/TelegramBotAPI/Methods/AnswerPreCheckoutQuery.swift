// answerPreCheckoutQuery: our word on a payment, within ten seconds.

import Domain
import JSON

extension BotAPI {
    /// Lets a payment go on, or refuses it with a text for the person.
    public func answerPreCheckoutQuery(
        _ id: String, refusal: String?, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("answerPreCheckoutQuery") { writer in
            writer.key("pre_checkout_query_id")
            writer.string(id)
            writer.key("ok")
            writer.bool(refusal == nil)
            guard let refusal else { return }
            writer.key("error_message")
            writer.string(refusal)
        }
        try await call(method, context)
    }
}
