// getChat: title, username and link of a chat, by id or by public name.

import Domain
import JSON

extension BotAPI {
    /// The chat with an id.
    public func getChat(_ chat: ChatID, _ context: CallContext = CallContext()) async throws(BotAPIError) -> Chat {
        let method = BotMethod("getChat", chat: chat) { (reader) throws(JSONError) in try Chat(reading: &reader) }
        return try await call(method, context)
    }

    /// The chat with a public name, given without `@`.
    public func getChat(
        named username: String, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> Chat {
        let method = BotMethod("getChat") { writer in
            writer.key("chat_id")
            writer.string("@\(username)")
        } decode: { (reader) throws(JSONError) in
            try Chat(reading: &reader)
        }
        return try await call(method, context)
    }
}
