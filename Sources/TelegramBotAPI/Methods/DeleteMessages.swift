// deleteMessages: up to a hundred messages of one chat; those that are gone already are passed over.

import Domain
import JSON

extension BotAPI {
    /// Deletes up to 100 messages; more are cut off.
    public func deleteMessages(
        _ messages: [MessageID], in chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("deleteMessages", chat: chat) { writer in
            writer.key("message_ids")
            writer.array { writer in
                for message in messages.prefix(100) { writer.int(message.value) }
            }
        }
        try await call(method, context)
    }
}
