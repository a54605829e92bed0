// Request targets and the small grammars beside them: authority, percent-encoding, decimal numbers.

/// A target's path and query.
struct HTTPTarget {
    typealias Bytes = UnsafeBufferPointer<UInt8>.SubSequence

    var path: String
    var query: String?

    init(path: String, query: String?) {
        self.path = path
        self.query = query
    }

    /// Origin-form, absolute-form, or `*` for OPTIONS. The bytes are visible ASCII.
    init?(_ bytes: Bytes, method: HTTPMethod) {
        guard !bytes.contains(UInt8(ascii: "#")), let first = bytes.first else { return nil }
        if first == UInt8(ascii: "*") {
            guard bytes.count == 1, method == .options else { return nil }
            self.init(path: "*", query: nil)
            return
        }
        var rest = bytes
        if first != UInt8(ascii: "/") {
            guard let after = Self.afterAuthority(bytes) else { return nil }
            rest = after
        }
        let mark = rest.firstIndex(of: UInt8(ascii: "?"))
        guard let path = Self.decoded(rest[..<(mark ?? rest.endIndex)]) else { return nil }
        self.init(
            path: path.isEmpty ? "/" : path,
            query: mark.map { String(decoding: rest[($0 + 1)...], as: UTF8.self) })
    }

    /// What follows `http://authority`.
    private static func afterAuthority(_ bytes: Bytes) -> Bytes? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let count = scheme.utf8CodeUnitCount
            guard bytes.count > count, HTTPByte.equals(bytes.prefix(count), scheme) else { continue }
            let rest = bytes.dropFirst(count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            guard isAuthority(rest[..<end]) else { return nil }
            return rest[end...]
        }
        return nil
    }

    /// Percent-decoding; nil for a broken escape, a control character or bytes that are not UTF-8.
    private static func decoded(_ bytes: Bytes) -> String? {
        guard bytes.contains(UInt8(ascii: "%")) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            var byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.endIndex, let high = HTTPByte.hex(bytes[index + 1]),
                    let low = HTTPByte.hex(bytes[index + 2])
                else { return nil }
                byte = high << 4 | low
                guard byte >= 0x20, byte != 0x7F else { return nil }
                index += 2
            }
            result.append(byte)
            index += 1
        }
        return String(validating: result, as: UTF8.self)
    }

    /// `host [":" port]` (RFC 3986 §3.2.2) without user information; empty is none.
    static func isAuthority(_ bytes: Bytes) -> Bool {
        var host = bytes
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), end > bytes.startIndex + 1 else { return false }
            let literal = bytes[(bytes.startIndex + 1)..<end]
            guard literal.allSatisfy({ HTTPByte.hex($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return false }
            return isPort(bytes[(end + 1)...])
        }
        if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            guard isPort(bytes[colon...]) else { return false }
            host = bytes[..<colon]
        }
        guard !host.isEmpty else { return false }
        return host.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"): true
            case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("): true
            case UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: "="): true
            default: false
            }
        }
    }

    private static func isPort(_ bytes: Bytes) -> Bool {
        guard let first = bytes.first else { return true }
        guard first == UInt8(ascii: ":"), bytes.count <= 6 else { return false }
        var port = 0
        for byte in bytes.dropFirst() {
            guard 48...57 ~= byte else { return false }
            port = port * 10 + Int(byte - 48)
        }
        return port <= 65535
    }

    /// Digits only; a number beyond any limit stays beyond any limit.
    static func decimal(_ bytes: Bytes) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var value = 0
        for byte in bytes {
            guard 48...57 ~= byte else { return nil }
            let (product, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isOverSum) = product.addingReportingOverflow(Int(byte - 48))
            value = isOver || isOverSum ? Int.max : sum
        }
        return value
    }
}
