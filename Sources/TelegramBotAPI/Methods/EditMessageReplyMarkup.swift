// editMessageReplyMarkup: changes or takes away the buttons of a message of ours.

import Domain
import JSON

extension BotAPI {
    /// Changes the buttons; `nil` takes them away. "Not modified" is a success.
    public func editMessageReplyMarkup(
        _ message: MessageID, in chat: ChatID, keyboard: InlineKeyboard?, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("editMessageReplyMarkup", chat: chat) { writer in
            writer.key("message_id")
            writer.int(message.value)
            writer.key("reply_markup")
            (keyboard ?? InlineKeyboard()).write(to: &writer)
        }
        do throws(BotAPIError) {
            try await call(method, context)
        } catch {
            if error.saysNotModified { return }
            throw error
        }
    }
}
