// Writes a document front to back into bytes; places the commas, escapes the text.

/// Appends JSON to bytes, without white space.
///
/// Members are `key` followed by one value; the caller owes that order.
public struct JSONWriter: Sendable {
    /// The bytes written, and room behind them: a piece is copied in at once, not byte by byte.
    private var storage: [UInt8]
    private var used = 0
    /// Whether the next value or key follows one in the same container.
    private var needsComma = false

    /// A writer without bytes; `capacity` of them need no further memory.
    public init(capacity: Int = 512) { storage = [UInt8](repeating: 0, count: max(capacity, 1)) }

    /// What was written so far.
    public var bytes: [UInt8] { storage.withUnsafeBufferPointer { Array($0.prefix(used)) } }

    /// What was written so far, as text.
    public var text: String {
        storage.withUnsafeBufferPointer { String(decoding: $0.prefix(used), as: UTF8.self) }
    }

    /// Writes an object; `body` writes its members.
    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes an array; `body` writes its elements.
    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes a member's name.
    ///
    /// - Precondition: no byte of it needs an escape. Names are our own words, so they are copied as they are.
    public mutating func key(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        assert(name.withUTF8Buffer { $0.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5C } })
        append(atMost: count + 4) { [needsComma] place in
            var next = place
            if needsComma {
                next[0] = UInt8(ascii: ",")
                next += 1
            }
            next[0] = UInt8(ascii: "\"")
            (next + 1).update(from: name.utf8Start, count: count)
            next += count + 1
            next[0] = UInt8(ascii: "\"")
            next[1] = UInt8(ascii: ":")
            return next + 2 - place
        }
        needsComma = false
    }

    /// Writes a member's name that is not known beforehand.
    public mutating func key(dynamic name: String) {
        string(name)
        append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a whole number.
    public mutating func int(_ value: Int64) {
        append(atMost: 1 + Digits.maximumBytes) { [needsComma] place in
            var next = place
            if needsComma {
                next[0] = UInt8(ascii: ",")
                next += 1
            }
            next += Digits.write(value, to: next)
            return next - place
        }
        needsComma = true
    }

    /// Writes a whole number.
    public mutating func int(_ value: Int) { int(Int64(value)) }

    /// Writes a number with the fewest digits that read back the same; `null` for infinity and NaN.
    public mutating func double(_ value: Double) {
        beginValue()
        var text = value.isFinite ? value.description : "null"
        text.withUTF8 { append($0) }
    }

    /// Writes text.
    public mutating func string(_ value: String) {
        beginValue()
        var value = value
        value.withUTF8 { appendQuoted($0) }
    }

    /// Writes text given as UTF-8; broken sequences become U+FFFD.
    public mutating func string(bytes text: [UInt8]) {
        beginValue()
        text.withUnsafeBufferPointer { appendQuoted($0) }
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) {
        beginValue()
        append(value ? "true" : "false")
    }

    /// Writes `null`.
    public mutating func null() {
        beginValue()
        append("null")
    }

    /// Writes a value that is JSON already; it is not checked.
    public mutating func raw(_ json: [UInt8]) {
        beginValue()
        json.withUnsafeBufferPointer { append($0) }
    }

    /// Writes a literal that is JSON already; it is not checked.
    public mutating func raw(_ json: StaticString) {
        beginValue()
        append(json)
    }

    /// Writes a tree.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let values): array { writer in for element in values { writer.value(element) } }
        case .object(let members):
            object { writer in
                for member in members {
                    writer.key(dynamic: member.key)
                    writer.value(member.value)
                }
            }
        }
    }

    // MARK: - Private

    private mutating func enclose(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        beginValue()
        append(open)
        needsComma = false
        body(&self)
        append(close)
        needsComma = true
    }

    @inline(__always)
    private mutating func beginValue() {
        if needsComma { append(UInt8(ascii: ",")) }
        needsComma = true
    }

    /// Appends text in quotes. Runs that need no escape are copied as they are.
    private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>) {
        append(UInt8(ascii: "\""))
        var runStart = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte >= 0x80 {
                let length = utf8SequenceLength(text, at: index)
                if length > 0 {
                    index += length
                    continue
                }
            } else if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                index += 1
                continue
            }
            append(UnsafeBufferPointer(rebasing: text[runStart..<index]))
            appendEscape(byte)
            index += 1
            runStart = index
        }
        append(UnsafeBufferPointer(rebasing: text[runStart..<text.count]))
        append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append(#"\""#)
        case UInt8(ascii: "\\"): append(#"\\"#)
        case 0x08: append(#"\b"#)
        case 0x09: append(#"\t"#)
        case 0x0A: append(#"\n"#)
        case 0x0C: append(#"\f"#)
        case 0x0D: append(#"\r"#)
        case 0x80...: append("\u{FFFD}")
        default:
            append(#"\u00"#)
            for digit in [byte >> 4, byte & 0x0F] { append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
    }

    // MARK: - Bytes

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        append(atMost: 1) { place in
            place[0] = byte
            return 1
        }
    }

    @inline(__always)
    private mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        guard let source = text.baseAddress else { return }
        append(atMost: text.count) { place in
            place.update(from: source, count: text.count)
            return text.count
        }
    }

    /// Has `fill` write up to `count` bytes behind those written, and say how many it wrote.
    @inline(__always)
    private mutating func append(atMost count: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Int) {
        if storage.count - used < count { grow(by: count) }
        let used = used
        self.used += storage.withUnsafeMutableBufferPointer { buffer in
            // Never empty, so it has an address; there is room for `count` bytes from here on.
            guard let base = buffer.baseAddress else { return 0 }
            return fill(base + used)
        }
    }

    @inline(never)
    private mutating func grow(by count: Int) {
        storage.append(contentsOf: repeatElement(0, count: max(storage.count, count)))
    }
}
