// getChatAdministrators: who may decide in a chat; other bots are left out by Telegram, save the caller.

import Domain
import JSON

extension BotAPI {
    /// The chat's owner and administrators.
    public func getChatAdministrators(
        _ chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> [ChatMember] {
        let method = BotMethod("getChatAdministrators", chat: chat) { (reader) throws(JSONError) in
            var members: [ChatMember] = []
            try reader.readArray { (reader) throws(JSONError) in members.append(try ChatMember(reading: &reader)) }
            return members
        }
        return try await call(method, context)
    }
}
