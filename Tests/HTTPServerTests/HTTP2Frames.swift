// HTTP/2 by hand, for clients that do what no library would: frames to send, and frames read back.

import CNghttp2

/// Frames as bytes.
enum HTTP2Frames {
    /// What a client sends first: the preface and empty settings.
    static let opening = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags]
            + number(stream) + payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    /// A header block of literals that touch no table (RFC 7541 §6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0x00] + text($0.0) + text($0.1) }
    }

    /// Length as an integer with a prefix of 7 bits, then the bytes as they are.
    private static func text(_ text: String) -> [UInt8] {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        var length: [UInt8] = []
        if bytes.count < 127 {
            length = [UInt8(bytes.count)]
        } else {
            length = [127]
            var rest = bytes.count - 127
            while rest >= 128 {
                length.append(UInt8(rest & 127) | 128)
                rest >>= 7
            }
            length.append(UInt8(rest))
        }
        return length + bytes
    }

    static func head(_ method: String = "GET", _ path: String = "/") -> [(String, String)] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "x")]
    }

    /// A whole head in one frame.
    static func request(_ fields: [(String, String)] = head(), stream: UInt32 = 1, isLast: Bool = true) -> [UInt8] {
        frame(1, flags: isLast ? 5 : 4, stream: stream, block(fields))
    }
}

/// What a server sent, frame by frame.
struct HTTP2Reply {
    struct Frame {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]
    }

    private(set) var frames: [Frame] = []
    /// Status of each answered stream.
    private(set) var statuses: [UInt32: Int] = [:]
    /// Code of each reset stream.
    private(set) var resets: [UInt32: UInt8] = [:]
    /// Code of the last GOAWAY; nil without one.
    private(set) var goAway: UInt8?
    /// Bodies by stream.
    private(set) var bodies: [UInt32: Int] = [:]

    init(_ bytes: [UInt8]) {
        var inflater: OpaquePointer?
        nghttp2_hd_inflate_new(&inflater)
        defer { nghttp2_hd_inflate_del(inflater) }
        var index = 0
        while index + 9 <= bytes.count {
            let length = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            guard index + 9 + length <= bytes.count else { break }
            let stream = bytes[index + 5..<index + 9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let frame = Frame(
                type: bytes[index + 3], flags: bytes[index + 4], stream: stream,
                payload: Array(bytes[index + 9..<index + 9 + length]))
            frames.append(frame)
            switch frame.type {
            case 0: bodies[stream, default: 0] += length
            case 1: statuses[stream] = Self.status(frame.payload, inflater)
            case 3: resets[stream] = frame.payload[3]
            case 7: goAway = frame.payload[7]
            default: break
            }
            index += 9 + length
        }
    }

    private static func status(_ block: [UInt8], _ inflater: OpaquePointer?) -> Int? {
        var rest = block
        var result: Int?
        while !rest.isEmpty {
            var field = nghttp2_nv()
            var flags: Int32 = 0
            let used = rest.withUnsafeBufferPointer {
                nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
            }
            guard used >= 0 else { return nil }
            if flags & 2 != 0 {
                let name = String(decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self)
                let value = UnsafeBufferPointer(start: field.value, count: field.valuelen)
                if name == ":status" { result = Int(String(decoding: value, as: UTF8.self)) }
            }
            rest.removeFirst(used)
            if flags & 1 != 0 { break }
        }
        nghttp2_hd_inflate_end_headers(inflater)
        return result
    }
}
