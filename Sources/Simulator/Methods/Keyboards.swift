// Buttons under messages: what Telegram takes and what it refuses.

import JSON

extension World {
    private static let buttonKinds = [
        "callback_data", "url", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat", "copy_text", "pay", "callback_game",
    ]

    /// The inline keyboard, checked; other kinds of markup leave no trace in a message.
    func keyboard(_ parameters: Parameters) throws(MethodError) -> JSONValue? {
        guard let markup = try parameters.document("reply_markup") else { return nil }
        guard case .object = markup else { throw .badRequest("object expected as reply markup") }
        if let rows = markup["keyboard"] { try checkReplyKeyboard(rows) }
        guard let rows = markup["inline_keyboard"] else { return nil }
        var count = 0
        for row in rows.array ?? [] {
            guard let buttons = row.array else {
                throw .badRequest("can't parse inline keyboard button: Expected an Array of InlineKeyboardButton")
            }
            for button in buttons { try checkInlineButton(button) }
            count += buttons.count
        }
        guard count <= 100 else { throw .badRequest("reply markup is too long") }
        return count == 0 ? nil : .object([("inline_keyboard", rows)])
    }

    private func checkInlineButton(_ button: JSONValue) throws(MethodError) {
        guard button["text"]?.string?.isEmpty == false else {
            throw .badRequest("can't parse inline keyboard button: Text button expected")
        }
        if let data = button["callback_data"]?.string, !(1...64).contains(data.utf8.count) {
            throw .badRequest("BUTTON_DATA_INVALID")
        }
        if let url = button["url"]?.string, !Self.isButtonURL(url) {
            throw .badRequest("inline keyboard button URL '\(url)' is invalid: Wrong HTTP URL")
        }
        guard Self.buttonKinds.contains(where: { button[$0] != nil }) else {
            throw .badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        }
    }

    private func checkReplyKeyboard(_ rows: JSONValue) throws(MethodError) {
        guard let rows = rows.array else {
            throw .badRequest("can't parse reply keyboard markup: Field \"keyboard\" must be of type Array")
        }
        for row in rows {
            guard let buttons = row.array else {
                throw .badRequest("can't parse keyboard button: Expected an Array of KeyboardButton")
            }
            for button in buttons where (button.string ?? button["text"]?.string)?.isEmpty != false {
                throw .badRequest("can't parse keyboard button: Text button expected")
            }
        }
    }

    private static func isButtonURL(_ url: String) -> Bool {
        ["http://", "https://", "tg://"].contains { url.lowercased().hasPrefix($0) } && !url.contains(" ")
    }
}
