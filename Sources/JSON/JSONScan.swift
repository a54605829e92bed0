// The byte level of the reader: one value's grammar over a buffer, without making Swift values.
// In release builds the buffer's subscript is unchecked, so every access stands behind a comparison with `count`.

/// A place in a buffer. Made for one call of the reader and never kept.
struct JSONScan {
    /// What a string's bytes need before they are text.
    struct Text {
        let start: Int
        let end: Int
        let hasEscapes: Bool
    }

    /// Where a number lies, and whether it has a fraction or an exponent.
    struct Number {
        let start: Int
        let end: Int
        let isInteger: Bool
    }

    private let buffer: UnsafeBufferPointer<UInt8>
    private let count: Int
    var offset: Int

    init(_ buffer: UnsafeBufferPointer<UInt8>, offset: Int) {
        self.buffer = buffer
        count = buffer.count
        self.offset = offset
    }

    /// The next byte that is not white space, left in place; nil at the end.
    @inline(__always)
    mutating func next() -> UInt8? {
        while offset < count {
            let byte = buffer[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        return nil
    }

    /// Takes one structural byte, after white space.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard next() == byte else { throw .malformed(at: offset) }
        offset += 1
    }

    // MARK: - Literals and numbers

    mutating func literal(_ word: StaticString) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        for index in 0..<length {
            guard offset + index < count, buffer[offset + index] == word.utf8Start[index] else {
                throw .malformed(at: offset + index)
            }
        }
        offset += length
    }

    mutating func number() throws(JSONError) -> Number {
        let start = offset
        var isInteger = true
        if offset < count, buffer[offset] == UInt8(ascii: "-") { offset += 1 }
        guard offset < count else { throw .malformed(at: offset) }
        if buffer[offset] == UInt8(ascii: "0") {
            offset += 1
            if offset < count, isDigit(buffer[offset]) { throw .malformed(at: offset) }
        } else {
            try digits()
        }
        if offset < count, buffer[offset] == UInt8(ascii: ".") {
            isInteger = false
            offset += 1
            try digits()
        }
        if offset < count, buffer[offset] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            offset += 1
            if offset < count, buffer[offset] == UInt8(ascii: "+") || buffer[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            try digits()
        }
        return Number(start: start, end: offset, isInteger: isInteger)
    }

    private mutating func digits() throws(JSONError) {
        let start = offset
        while offset < count, isDigit(buffer[offset]) { offset += 1 }
        if offset == start { throw .malformed(at: offset) }
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    // MARK: - Strings

    /// Checks a string from its opening quote on and goes behind the closing one.
    mutating func string() throws(JSONError) -> Text {
        offset += 1
        let start = offset
        var hasEscapes = false
        while true {
            skipPlain()
            guard offset < count else { throw .malformed(at: offset) }
            let byte = buffer[offset]
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return Text(start: start, end: offset - 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            case 0..<0x20:
                throw .malformed(at: offset)
            case 0x80...:
                let length = utf8SequenceLength(buffer, at: offset)
                guard length > 0 else { throw .malformed(at: offset) }
                offset += length
            default:
                offset += 1
            }
        }
    }

    /// Passes ASCII that needs no look, eight bytes at a time.
    @inline(__always)
    private mutating func skipPlain() {
        guard let base = buffer.baseAddress else { return }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while count - offset >= 8 {
            let word = UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self)
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            // A high bit stays where a byte is a quote, a backslash, below 0x20 or above 0x7F. Borrows can only
            // raise false alarms, which the byte-wise look settles.
            let found = ((quotes &- ones) | (slashes &- ones) | (word &- ones &* 0x20) | word) & highs
            guard found == 0 else {
                offset += found.trailingZeroBitCount / 8
                return
            }
            offset += 8
        }
    }

    private mutating func escape() throws(JSONError) {
        guard offset + 1 < count else { throw .malformed(at: count) }
        switch buffer[offset + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 2
        case UInt8(ascii: "u"):
            let unit = try hexUnit(at: offset + 2)
            let isHigh = unit & 0xFC00 == 0xD800
            if unit & 0xFC00 == 0xDC00 { throw .malformed(at: offset) }
            if isHigh {
                guard offset + 7 < count, buffer[offset + 6] == UInt8(ascii: "\\"),
                    buffer[offset + 7] == UInt8(ascii: "u"),
                    try hexUnit(at: offset + 8) & 0xFC00 == 0xDC00
                else { throw .malformed(at: offset) }
            }
            offset += isHigh ? 12 : 6
        default:
            throw .malformed(at: offset + 1)
        }
    }

    private func hexUnit(at start: Int) throws(JSONError) -> UInt32 {
        guard start + 4 <= count else { throw .malformed(at: count) }
        var unit: UInt32 = 0
        for index in start..<start + 4 {
            guard let digit = hexDigit(buffer[index]) else { throw .malformed(at: index) }
            unit = unit << 4 | digit
        }
        return unit
    }

    /// The text of a checked string with escapes, as UTF-8.
    func unescaped(_ text: Text) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.end - text.start)
        var index = text.start
        while index < text.end {
            let byte = buffer[index]
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                index += 1
                continue
            }
            let kind = buffer[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                var scalar = checkedUnit(at: index)
                index += 4
                if scalar & 0xFC00 == 0xD800 {
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + checkedUnit(at: index + 2) & 0x3FF
                    index += 6
                }
                appendUTF8(scalar, to: &result)
            default: result.append(kind)
            }
        }
        return result
    }

    /// Four hexadecimal digits that `escape` has seen before.
    private func checkedUnit(at start: Int) -> UInt32 {
        var unit: UInt32 = 0
        for index in start..<start + 4 { unit = unit << 4 | (hexDigit(buffer[index]) ?? 0) }
        return unit
    }

    // MARK: - Any value

    /// Checks one value and goes behind it. `depth` is how many levels may still be opened.
    mutating func value(depth: Int) throws(JSONError) {
        guard let byte = next() else { throw .malformed(at: offset) }
        switch byte {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: _ = try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONError) {
        guard depth > 0 else { throw .tooDeep }
        offset += 1
        if next() == UInt8(ascii: "}") {
            offset += 1
            return
        }
        while true {
            guard next() == UInt8(ascii: "\"") else { throw .malformed(at: offset) }
            _ = try string()
            try expect(UInt8(ascii: ":"))
            try value(depth: depth - 1)
            if try isEnd(UInt8(ascii: "}")) { return }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) {
        guard depth > 0 else { throw .tooDeep }
        offset += 1
        if next() == UInt8(ascii: "]") {
            offset += 1
            return
        }
        while true {
            try value(depth: depth - 1)
            if try isEnd(UInt8(ascii: "]")) { return }
        }
    }

    /// After a member or element: takes a comma (false) or the closing byte (true).
    @inline(__always)
    mutating func isEnd(_ closing: UInt8) throws(JSONError) -> Bool {
        let byte = next()
        guard byte == UInt8(ascii: ",") || byte == closing else { throw .malformed(at: offset) }
        offset += 1
        return byte == closing
    }
}

private func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte) - 0x30
    case 0x41...0x46: UInt32(byte) - 0x37
    case 0x61...0x66: UInt32(byte) - 0x57
    default: nil
    }
}
