// A name for messages as the simulator keeps them, beside those that the bot reads.

import JSON
import Simulator

typealias BotMessage = Message

extension Message {
    /// Label and data or address of each button, row by row.
    var buttonRows: [String] {
        (replyMarkup?["inline_keyboard"]?.array ?? []).map { row in
            (row.array ?? []).map { button in
                "\(button["text"]?.string ?? "") > \(button["callback_data"]?.string ?? button["url"]?.string ?? "")"
            }.joined(separator: " | ")
        }
    }
}
