// getChatMemberCount: how many people are in a chat.

import Domain
import JSON

extension BotAPI {
    /// How many people are in a chat.
    public func getChatMemberCount(
        _ chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> Int64 {
        let method = BotMethod("getChatMemberCount", chat: chat) { (reader) throws(JSONError) in
            try reader.readInt64()
        }
        return try await call(method, context)
    }
}
