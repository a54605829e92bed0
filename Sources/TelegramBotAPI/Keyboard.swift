// The buttons beneath a message.

import JSON

/// One button beneath a message.
public struct InlineButton: Equatable, Sendable {
    /// What a press does.
    public enum Action: Equatable, Sendable {
        /// Sends us a callback query with 1 to 64 bytes of data.
        case callback(String)
        /// Opens an address.
        case url(String)
    }

    /// What it says.
    public var text: String
    /// What it does.
    public var action: Action

    /// A button with the given facts.
    public init(_ text: String, _ action: Action) {
        self.text = text
        self.action = action
    }
}

/// Rows of buttons.
public struct InlineKeyboard: Equatable, Sendable, ExpressibleByArrayLiteral {
    /// From top to bottom, each from left to right.
    public var rows: [[InlineButton]]

    /// A keyboard of these rows.
    public init(_ rows: [[InlineButton]] = []) { self.rows = rows }
    /// A keyboard of these rows.
    public init(arrayLiteral rows: [InlineButton]...) { self.rows = rows }

    /// The `InlineKeyboardMarkup`.
    public func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("inline_keyboard")
            writer.array { writer in
                for row in rows {
                    writer.array { writer in
                        for button in row { button.write(to: &writer) }
                    }
                }
            }
        }
    }
}

extension InlineButton {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("text")
            writer.string(text)
            switch action {
            case .callback(let data):
                writer.key("callback_data")
                writer.string(data)
            case .url(let address):
                writer.key("url")
                writer.string(address)
            }
        }
    }
}
