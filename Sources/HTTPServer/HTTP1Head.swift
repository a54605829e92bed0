// The request line and header lines of HTTP/1: what each may look like and what they mean together.

/// A head being read, line by line. Lines come whole, without their ends.
struct HTTP1Head {
    private var method = HTTPMethod.get
    private var target = HTTPTarget(path: "", query: nil)
    private var version = HTTPVersion.http11
    private var fields: [HTTPHeaders.Field] = []
    private var hosts = 0
    private var contentLength: Int?
    private var codings = 0
    private var isChunked = false
    private var isClose = false
    private var isKeepAlive = false
    private var expectation = HTTPRequestHead.Expectation.none

    /// `method SP target SP HTTP/1.x`, with exactly these spaces.
    mutating func readRequestLine(_ block: [UInt8], _ range: Range<Int>) throws(HTTP1Failure) {
        let failure = block.withUnsafeBufferPointer { all -> HTTP1Failure? in
            let line = all[range]
            guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), last > first else {
                return .framing
            }
            let method = line[..<first]
            let target = line[(first + 1)..<last]
            for byte in method where !HTTPByte.isToken(byte) { return .framing }
            for byte in target where byte <= 0x20 || byte >= 0x7F { return .framing }
            guard !method.isEmpty, !target.isEmpty else { return .framing }
            if let failure = readVersion(line[(last + 1)...]) { return failure }
            guard let known = HTTPMethod(token: method), known != .connect, known != .trace else { return .method }
            self.method = known
            guard let parsed = HTTPTarget(target, method: known) else { return .framing }
            self.target = parsed
            return nil
        }
        if let failure { throw failure }
    }

    private mutating func readVersion(_ text: UnsafeBufferPointer<UInt8>.SubSequence) -> HTTP1Failure? {
        let bytes = Array(text)
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), bytes[6] == UInt8(ascii: "."),
            48...57 ~= bytes[5], 48...57 ~= bytes[7]
        else { return .framing }
        switch (bytes[5], bytes[7]) {
        case (49, 49): version = .http11
        case (49, 48): version = .http10
        default: return .version
        }
        return nil
    }

    /// One `name: value` line; its name is put in lower case in `block`.
    mutating func readHeader(_ block: inout [UInt8], _ range: Range<Int>) throws(HTTP1Failure) {
        let field = try Self.field(&block, range)
        fields.append(field)
        let failure = block.withUnsafeBufferPointer { all -> HTTP1Failure? in
            let name = all[Int(field.name.lowerBound)..<Int(field.name.upperBound)]
            let value = all[Int(field.value.lowerBound)..<Int(field.value.upperBound)]
            return noteMeaning(name, value)
        }
        if let failure { throw failure }
    }

    /// Where name and value of a line lie; refuses folds, spaces before the colon and control characters.
    static func field(_ block: inout [UInt8], _ range: Range<Int>) throws(HTTP1Failure) -> HTTPHeaders.Field {
        var end = range.lowerBound
        let isGood = block.withUnsafeMutableBufferPointer { bytes in
            while end < range.upperBound, HTTPByte.isToken(bytes[end]) {
                bytes[end] = HTTPByte.lowercased(bytes[end])
                end += 1
            }
            guard end > range.lowerBound, end < range.upperBound, bytes[end] == UInt8(ascii: ":") else { return false }
            for index in (end + 1)..<range.upperBound where !HTTPByte.isValue(bytes[index]) { return false }
            return true
        }
        guard isGood else { throw .framing }
        var start = end + 1
        var stop = range.upperBound
        while start < stop, HTTPByte.isSpace(block[start]) { start += 1 }
        while stop > start, HTTPByte.isSpace(block[stop - 1]) { stop -= 1 }
        return HTTPHeaders.Field(name: Int32(range.lowerBound)..<Int32(end), value: Int32(start)..<Int32(stop))
    }

    private mutating func noteMeaning(
        _ name: UnsafeBufferPointer<UInt8>.SubSequence, _ value: UnsafeBufferPointer<UInt8>.SubSequence
    ) -> HTTP1Failure? {
        switch name.count {
        case 4 where HTTPByte.equals(name, "host"):
            hosts += 1
            guard hosts == 1, HTTPTarget.isAuthority(value) else { return .host }
        case 6 where HTTPByte.equals(name, "expect"):
            expectation = HTTPByte.equals(value, "100-continue") ? .proceed : .unknown
        case 10 where HTTPByte.equals(name, "connection"):
            for token in value.split(separator: UInt8(ascii: ",")) {
                let word = token.drop(while: HTTPByte.isSpace)
                let trimmed = word.prefix { !HTTPByte.isSpace($0) }
                if HTTPByte.equals(trimmed, "close") { isClose = true }
                if HTTPByte.equals(trimmed, "keep-alive") { isKeepAlive = true }
            }
        case 14 where HTTPByte.equals(name, "content-length"):
            guard let length = HTTPTarget.decimal(value) else { return .framing }
            // Repeated with one value it is harmless, with several it is an attack (RFC 9112 §6.3).
            guard contentLength == nil || contentLength == length else { return .framing }
            contentLength = length
        case 17 where HTTPByte.equals(name, "transfer-encoding"):
            codings += 1
            isChunked = HTTPByte.equals(value, "chunked")
        default: break
        }
        return nil
    }

    /// The whole head, once the empty line came.
    func finish(_ block: [UInt8]) throws(HTTP1Failure) -> HTTPRequestHead {
        guard codings == 0 || contentLength == nil else { throw .framing }
        guard codings == 0 || version == .http11 else { throw .framing }
        guard codings == 0 || (codings == 1 && isChunked) else { throw .coding }
        guard hosts == 1 || version == .http10 else { throw .host }
        var head = HTTPRequestHead(
            method: method, path: target.path, query: target.query,
            headers: HTTPHeaders(bytes: block, fields: fields), version: version, contentLength: contentLength)
        head.isChunked = codings == 1
        // HTTP/1.0 is answered and closed, whatever it asks for.
        head.keepsAlive = version == .http11 && !isClose
        head.expectation = version == .http11 ? expectation : .none
        return head
    }
}

extension HTTPMethod {
    init?(token: UnsafeBufferPointer<UInt8>.SubSequence) {
        switch token.count {
        case 3 where token.elementsEqual("GET".utf8): self = .get
        case 3 where token.elementsEqual("PUT".utf8): self = .put
        case 4 where token.elementsEqual("POST".utf8): self = .post
        case 4 where token.elementsEqual("HEAD".utf8): self = .head
        case 5, 6, 7: self.init(rawValue: String(decoding: token, as: UTF8.self))
        default: return nil
        }
    }
}
