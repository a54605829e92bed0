// JSON: reads and writes RFC 8259 over bytes. Pure, no isolation; knows no Telegram.
//
// Invariants of the room:
// - Strict: what the grammar does not allow is an error, also in values that are skipped.
// - Text is valid UTF-8: broken sequences and lone surrogates are malformed.
// - Of members with the same name the last one counts.

/// Why a document could not be read as asked.
public enum JSONError: Error, Equatable, Sendable {
    /// The grammar does not allow the byte at that offset, or the document ends there.
    case malformed(at: Int)
    /// Arrays and objects are nested deeper than the reader allows.
    case tooDeep
    /// A tree of more values than `JSONValue` accepts.
    case tooLarge
    /// The value at that offset is well formed so far, but of another kind than asked for.
    case typeMismatch(at: Int)
    /// The number at that offset does not fit the type asked for.
    case outOfRange(at: Int)
}

/// What kind of value comes next.
public enum JSONKind: Equatable, Sendable {
    /// `{…}`
    case object
    /// `[…]`
    case array
    /// `"…"`
    case string
    /// A number, whole or not.
    case number
    /// `true` or `false`
    case bool
    /// `null`
    case null
}
