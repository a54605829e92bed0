// How tests write a value that they read from a database.

import Storage

extension SQLValue {
    /// Numbers and texts as they are, nothing as a dash.
    public var shown: String {
        switch self {
        case .null: "-"
        case .int(let number): String(number)
        case .text(let text): text
        default: "\(self)"
        }
    }
}
