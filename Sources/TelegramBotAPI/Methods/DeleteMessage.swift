// deleteMessage: one message, younger than 48 hours.

import Domain
import JSON

extension BotAPI {
    /// Deletes a message. `.messageGone` means that nothing is left to be done.
    public func deleteMessage(
        _ message: MessageID, in chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("deleteMessage", chat: chat) { writer in
            writer.key("message_id")
            writer.int(message.value)
        }
        try await call(method, context)
    }
}
