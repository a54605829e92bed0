// A member's name, compared without making a string of it.

public import Glibc

/// The name of an object's member, still in the document's bytes.
public struct JSONKey: Sendable {
    /// The document, or the decoded name when it was written with escapes.
    @usableFromInline let bytes: [UInt8]
    @usableFromInline let start: Int
    @usableFromInline let count: Int

    init(bytes: [UInt8], start: Int, count: Int) {
        self.bytes = bytes
        self.start = start
        self.count = count
    }

    /// Whether the name is that literal, byte for byte. Inlinable: decoders compare each name with a dozen literals,
    /// and most differ in length.
    @inlinable
    public static func == (key: JSONKey, literal: StaticString) -> Bool {
        guard key.count == literal.utf8CodeUnitCount else { return false }
        return key.bytes.withUnsafeBufferPointer { buffer in
            guard key.count > 0, let base = buffer.baseAddress else { return true }
            return memcmp(base + key.start, literal.utf8Start, key.count) == 0
        }
    }

    /// Lets `switch key { case "message": … }` compare bytes.
    @inlinable
    public static func ~= (pattern: StaticString, key: JSONKey) -> Bool { key == pattern }

    /// The name as text; for names that are not known beforehand.
    public func string() -> String {
        String(decoding: bytes[start..<start + count], as: UTF8.self)
    }
}
