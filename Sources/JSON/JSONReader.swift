// The pull scanner: the caller asks for the values it wants, in the document's order, and skips the rest.

/// Reads one document from front to back without building a tree.
///
/// After an error the reader's place is not defined: drop it.
public struct JSONReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0
    /// How many more arrays and objects may be open at once.
    private var depth: Int

    /// A reader at the first byte, or at a value whose place another reader told. Holds the array, does not copy it.
    public init(_ bytes: [UInt8], from offset: Int = 0, maximumDepth: Int = 64) {
        precondition(offset >= 0, "A reader begins inside its bytes")
        self.bytes = bytes
        self.offset = offset
        depth = maximumDepth
    }

    /// The byte offset of what is read next.
    public var position: Int { offset }

    /// The kind of the next value, judged by its first byte. Takes nothing but white space.
    public mutating func peek() throws(JSONError) -> JSONKind {
        switch try nextByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw .malformed(at: offset)
        }
    }

    // MARK: - Containers

    /// Reads an object, calling `member` at each value. What `member` did not touch is skipped.
    ///
    /// A name may come twice; the later call counts.
    public mutating func readObject(
        _ member: (inout JSONReader, JSONKey) throws(JSONError) -> Void
    ) throws(JSONError) {
        try open(.object)
        if try nextByte() == UInt8(ascii: "}") {
            offset += 1
        } else {
            repeat {
                let key = try readKey()
                let start = offset
                try member(&self, key)
                if offset == start { try skip() }
            } while try !isEnd(UInt8(ascii: "}"))
        }
        depth += 1
    }

    /// Reads an array, calling `element` at each value. What `element` did not touch is skipped.
    public mutating func readArray(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
        try open(.array)
        if try nextByte() == UInt8(ascii: "]") {
            offset += 1
        } else {
            repeat {
                _ = try nextByte()
                let start = offset
                try element(&self)
                if offset == start { try skip() }
            } while try !isEnd(UInt8(ascii: "]"))
        }
        depth += 1
    }

    // MARK: - Values

    /// Reads a string; escapes are decoded, U+0000 is allowed.
    public mutating func readString() throws(JSONError) -> String {
        try want(.string)
        return try scan { (scan, buffer) throws(JSONError) in
            let text = try scan.string()
            if text.hasEscapes { return String(decoding: scan.unescaped(text), as: UTF8.self) }
            return String(decoding: UnsafeBufferPointer(rebasing: buffer[text.start..<text.end]), as: UTF8.self)
        }
    }

    /// Reads a whole number. One with a fraction or an exponent is a type mismatch, even `1.0`.
    public mutating func readInt64() throws(JSONError) -> Int64 {
        try want(.number)
        return try scan { (scan, buffer) throws(JSONError) in
            let number = try scan.number()
            guard number.isInteger else { throw .typeMismatch(at: number.start) }
            let isNegative = buffer[number.start] == UInt8(ascii: "-")
            var value: Int64 = 0
            for index in (number.start + (isNegative ? 1 : 0))..<number.end {
                let digit = Int64(buffer[index] - 0x30)
                let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
                // Built towards the sign, since the smallest number has no positive twin.
                let (sum, carry) =
                    isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
                if overflow || carry { throw .outOfRange(at: number.start) }
                value = sum
            }
            return value
        }
    }

    /// Reads a number. One beyond the range of `Double` is out of range; one too small is zero.
    public mutating func readDouble() throws(JSONError) -> Double {
        try want(.number)
        return try scan { (scan, buffer) throws(JSONError) in
            let number = try scan.number()
            let text = String(decoding: UnsafeBufferPointer(rebasing: buffer[number.start..<number.end]), as: UTF8.self)
            guard let value = Double(text), value.isFinite else { throw .outOfRange(at: number.start) }
            return value
        }
    }

    /// Reads `true` or `false`.
    public mutating func readBool() throws(JSONError) -> Bool {
        try want(.bool)
        let isTrue = try nextByte() == UInt8(ascii: "t")
        try scan { (scan, _) throws(JSONError) in try scan.literal(isTrue ? "true" : "false") }
        return isTrue
    }

    /// Reads `null`.
    public mutating func readNull() throws(JSONError) {
        try want(.null)
        try scan { (scan, _) throws(JSONError) in try scan.literal("null") }
    }

    /// Goes behind the next value, which is checked like one that is read.
    public mutating func skip() throws(JSONError) {
        let depth = depth
        try scan { (scan, _) throws(JSONError) in try scan.value(depth: depth) }
    }

    /// Goes behind the next value and says which bytes it has.
    public mutating func skipRaw() throws(JSONError) -> Range<Int> {
        _ = try nextByte()
        let start = offset
        try skip()
        return start..<offset
    }

    /// Ends the document: only white space may be left.
    public mutating func finish() throws(JSONError) {
        let byte = scan { (scan, _) throws(Never) in scan.next() }
        if byte != nil { throw .malformed(at: offset) }
    }

    // MARK: - Private

    /// Runs `body` over the bytes and takes over its place.
    @inline(__always)
    private mutating func scan<Result, Failure: Error>(
        _ body: (inout JSONScan, UnsafeBufferPointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var end = offset
        let start = offset
        let result = try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in
            var scan = JSONScan(buffer, offset: start)
            let result = try body(&scan, buffer)
            end = scan.offset
            return result
        }
        offset = end
        return result
    }

    @inline(__always)
    private mutating func nextByte() throws(JSONError) -> UInt8 {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            offset += 1
        }
        throw .malformed(at: offset)
    }

    @inline(__always)
    private mutating func want(_ kind: JSONKind) throws(JSONError) {
        guard try peek() == kind else { throw .typeMismatch(at: offset) }
    }

    private mutating func open(_ kind: JSONKind) throws(JSONError) {
        try want(kind)
        guard depth > 0 else { throw .tooDeep }
        depth -= 1
        offset += 1
    }

    /// Reads a name, its colon and the white space before the value.
    private mutating func readKey() throws(JSONError) -> JSONKey {
        guard try nextByte() == UInt8(ascii: "\"") else { throw .malformed(at: offset) }
        let bytes = bytes
        return try scan { (scan, _) throws(JSONError) in
            let text = try scan.string()
            try scan.expect(UInt8(ascii: ":"))
            _ = scan.next()
            guard text.hasEscapes else {
                return JSONKey(bytes: bytes, start: text.start, count: text.end - text.start)
            }
            let name = scan.unescaped(text)
            return JSONKey(bytes: name, start: 0, count: name.count)
        }
    }

    private mutating func isEnd(_ closing: UInt8) throws(JSONError) -> Bool {
        let byte = try nextByte()
        guard byte == UInt8(ascii: ",") || byte == closing else { throw .malformed(at: offset) }
        offset += 1
        return byte == closing
    }
}
