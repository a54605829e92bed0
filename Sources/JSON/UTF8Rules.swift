// UTF-8 as RFC 3629 has it, for the reader and the writer.

/// The length of the well-formed sequence of two to four bytes at `start`; 0 when there is none.
func utf8SequenceLength(_ buffer: UnsafeBufferPointer<UInt8>, at start: Int) -> Int {
    func continues(_ distance: Int, from lowest: UInt8 = 0x80, to highest: UInt8 = 0xBF) -> Bool {
        start + distance < buffer.count && buffer[start + distance] >= lowest && buffer[start + distance] <= highest
    }
    switch buffer[start] {
    case 0xC2...0xDF: return continues(1) ? 2 : 0
    case 0xE0: return continues(1, from: 0xA0) && continues(2) ? 3 : 0
    case 0xED: return continues(1, to: 0x9F) && continues(2) ? 3 : 0
    case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
    case 0xF0: return continues(1, from: 0x90) && continues(2) && continues(3) ? 4 : 0
    case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
    case 0xF4: return continues(1, to: 0x8F) && continues(2) && continues(3) ? 4 : 0
    default: return 0
    }
}

/// Appends a scalar value, which is no surrogate.
func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3F) }
    switch scalar {
    case 0..<0x80: bytes.append(UInt8(scalar))
    case 0x80..<0x800: bytes += [0xC0 | UInt8(scalar >> 6), tail(0)]
    case 0x800..<0x10000: bytes += [0xE0 | UInt8(scalar >> 12), tail(6), tail(0)]
    default: bytes += [0xF0 | UInt8(scalar >> 18 & 0x07), tail(12), tail(6), tail(0)]
    }
}
