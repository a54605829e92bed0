// getChatMember: what somebody is in a chat. Only reliable where the bot is an administrator.

import Domain
import JSON

extension BotAPI {
    /// Somebody's state in a chat. With retries, a person unknown to Telegram is asked for once more after a second.
    public func getChatMember(
        _ user: UserID, in chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> ChatMember {
        var method = BotMethod("getChatMember", chat: chat, user: user) { (reader) throws(JSONError) in
            try ChatMember(reading: &reader)
        }
        method.asksMembership = true
        return try await call(method, context)
    }
}
