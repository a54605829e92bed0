// approveChatJoinRequest: lets somebody in who asked. Needs the right to invite.

import Domain
import JSON

extension BotAPI {
    /// Approves a request. That there is none (any more) is a success.
    public func approveChatJoinRequest(
        of user: UserID, in chat: ChatID, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("approveChatJoinRequest", chat: chat, user: user)
        do throws(BotAPIError) {
            try await call(method, context)
        } catch {
            let words = error.text.uppercased()
            if words.contains("HIDE_REQUESTER_MISSING") || words.contains("USER_ALREADY_PARTICIPANT") { return }
            throw error
        }
    }
}
