// Header fields as they came: one block of bytes and where each field lies in it. Strings on demand.

import Glibc

/// Header fields in the order received; names are in lower case.
public struct HTTPHeaders: Sendable {
    struct Field: Sendable {
        var name: Range<Int32>
        var value: Range<Int32>
    }

    private var bytes: [UInt8]
    private var fields: [Field]

    /// No fields.
    public init() { self.init(bytes: [], fields: []) }

    /// Fields that lie in `bytes`, whose names are already in lower case.
    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    /// How many fields there are; repeated names count each time.
    public var count: Int { fields.count }

    /// Adds a field at the end.
    public mutating func append(name: String, value: String) {
        let start = Int32(bytes.count)
        bytes.append(contentsOf: name.utf8.map(HTTPByte.lowercased))
        let middle = Int32(bytes.count)
        bytes.append(contentsOf: value.utf8)
        fields.append(Field(name: start..<middle, value: middle..<Int32(bytes.count)))
    }

    mutating func append(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) {
        let start = Int32(bytes.count)
        bytes.append(contentsOf: name)
        let middle = Int32(bytes.count)
        bytes.append(contentsOf: value)
        fields.append(Field(name: start..<middle, value: middle..<Int32(bytes.count)))
    }

    /// The first value under `name`, which is in lower case.
    public subscript(name: String) -> String? {
        for field in fields where matches(field, name) { return text(field.value) }
        return nil
    }

    /// All values under `name`, which is in lower case, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { matches($0, name) }.map { text($0.value) }
    }

    /// Whether there is one field of that name, in lower case, and its value is one of `secrets`. How long it takes
    /// tells nothing of where they differ.
    public func carries(_ name: String, oneOf secrets: [[UInt8]]) -> Bool {
        var found: Range<Int32>?
        for field in fields where matches(field, name) {
            guard found == nil else { return false }
            found = field.value
        }
        guard let found else { return false }
        var isOne = false
        bytes.withUnsafeBufferPointer { own in
            let value = UnsafeBufferPointer(rebasing: own[Int(found.lowerBound)..<Int(found.upperBound)])
            for secret in secrets {
                var difference = secret.count ^ value.count
                for index in 0..<min(secret.count, value.count) { difference |= Int(secret[index] ^ value[index]) }
                if difference == 0 { isOne = true }
            }
        }
        return isOne
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        var name = name
        return name.withUTF8 { wanted in
            guard wanted.count == field.name.count, let start = wanted.baseAddress else { return false }
            return bytes.withUnsafeBufferPointer { own in
                own.baseAddress.map { memcmp($0 + Int(field.name.lowerBound), start, wanted.count) == 0 } ?? false
            }
        }
    }

    private func text(_ range: Range<Int32>) -> String {
        String(decoding: bytes[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)
    }
}

/// Classes of bytes in HTTP, as bit masks: a table would be looked up through a lazy global.
enum HTTPByte {
    /// A byte of a method or a header's name (RFC 9110 §5.6.2).
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        let mask: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return mask >> UInt64(byte & 63) & 1 == 1
    }

    /// A byte of a header's value: visible, space, tab, or beyond ASCII.
    @inline(__always)
    static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == 0x09 }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// Whether `bytes` are `word`, which is in lower case, in any case of letters.
    static func equals(_ bytes: UnsafeBufferPointer<UInt8>.SubSequence, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        var at = word.utf8Start
        for byte in bytes {
            guard lowercased(byte) == at.pointee else { return false }
            at += 1
        }
        return true
    }
}
