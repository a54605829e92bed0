// getChatAdministrators: who may decide in a chat. Other bots are asked for too: they may restrict people as we do.

import Domain
import JSON

extension BotAPI {
    /// The chat's owner and administrators.
    public func getChatAdministrators(
        _ chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> [ChatMember] {
        let method = BotMethod("getChatAdministrators", chat: chat) { writer in
            writer.key("return_bots")
            writer.bool(true)
        } decode: { (reader) throws(JSONError) in
            var members: [ChatMember] = []
            try reader.readArray { (reader) throws(JSONError) in members.append(try ChatMember(reading: &reader)) }
            return members
        }
        return try await call(method, context)
    }
}
