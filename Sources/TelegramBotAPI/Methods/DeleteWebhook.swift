// deleteWebhook: ends delivery, so that getUpdates works. Waiting updates are kept.

import Domain
import JSON

extension BotAPI {
    /// Ends delivery to the webhook.
    public func deleteWebhook(_ context: CallContext = CallContext()) async throws(BotAPIError) {
        let method = BotMethod("deleteWebhook") { writer in
            writer.key("drop_pending_updates")
            writer.bool(false)
        }
        try await call(method, context)
    }
}
