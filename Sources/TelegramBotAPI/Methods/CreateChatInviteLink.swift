// createChatInviteLink: a named link of our own, which leaves the primary one alone.

import Domain
import JSON

extension BotAPI {
    /// Makes a link and gives its address. Not repeatable: each call makes another one.
    public func createChatInviteLink(
        _ chat: ChatID, name: String, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> String {
        var method = BotMethod("createChatInviteLink", chat: chat) { writer in
            writer.key("name")
            writer.string(String(name.prefix(32)))
        } decode: { (reader) throws(JSONError) in
            try reader.need(try reader.readInviteLink())
        }
        method.isRepeatable = false
        return try await call(method, context)
    }
}
