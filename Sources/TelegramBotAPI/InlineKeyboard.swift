// Buttons under a message.

/// Rows of buttons under a message.
public struct InlineKeyboard: Equatable, Sendable {
    /// One button.
    public enum Button: Equatable, Sendable {
        /// Opens an address: text, URL.
        case url(String, String)
        /// Sends its data back: text, at most 64 bytes of data.
        case callback(String, String)
    }

    /// The buttons, row by row.
    public var rows: [[Button]]

    /// A keyboard with the given rows.
    public init(rows: [[Button]]) { self.rows = rows }
}
