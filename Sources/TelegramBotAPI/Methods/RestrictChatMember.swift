// restrictChatMember: mutes and un-mutes, in supergroups only. Lifting is every right given.

import Domain
import JSON

extension BotAPI {
    /// Sets exactly these rights; `untilDate` (seconds since 1970) under 30 s or over 366 days ahead means for ever.
    public func restrictChatMember(
        _ user: UserID, in chat: ChatID, permissions: ChatPermissions, untilDate: Int64? = nil,
        _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("restrictChatMember", chat: chat, user: user) { writer in
            writer.key("permissions")
            permissions.write(to: &writer)
            // Without it some rights imply others (https://core.telegram.org/bots/api#restrictchatmember).
            writer.key("use_independent_chat_permissions")
            writer.bool(true)
            guard let untilDate else { return }
            writer.key("until_date")
            writer.int(untilDate)
        }
        try await call(method, context)
    }
}
