// editMessageText: changes a message of ours in place.

import Domain
import JSON

extension BotAPI {
    /// Changes text and buttons; without a keyboard the buttons go. "Not modified" is a success.
    public func editMessageText(
        _ message: MessageID, in chat: ChatID, text: String, keyboard: InlineKeyboard? = nil,
        _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("editMessageText", chat: chat) { writer in
            writer.key("message_id")
            writer.int(message.value)
            writer.htmlText(text)
            guard let keyboard else { return }
            writer.key("reply_markup")
            keyboard.write(to: &writer)
        }
        do throws(BotAPIError) {
            try await call(method, context)
        } catch {
            if error.saysNotModified { return }
            throw error
        }
    }
}

extension BotAPIError {
    /// The message is already as it was to become.
    var saysNotModified: Bool {
        errorClass == .messageGone && text.lowercased().contains("message is not modified")
    }
}
