// One HTTP/2 request: what has come of it and what of its answer has gone.

import EventLoop

/// A stream's request and reply.
@IO
final class HTTP2Stream {
    enum Phase {
        /// Head or body are coming.
        case receiving
        /// The handler has it.
        case handling
        /// The answer is being sent; what still comes is thrown away.
        case replying
    }

    let id: Int32
    var phase = Phase.receiving
    let began: Instant
    var progressed: Instant

    // The head, field by field.
    var method: HTTPMethod?
    var isMethodUnknown = false
    var target: HTTPTarget?
    var isMalformed = false
    var hasHost = false
    var headers = HTTPHeaders()
    /// Size of the header list as RFC 9113 §6.5.2 counts it.
    var headerListBytes = 0
    var headerLines = 0
    var contentLength: Int?

    var head: HTTPRequestHead?
    var bodyLimit = 0
    var body: [UInt8] = []
    var hasEnded = false

    var reply: [UInt8] = []
    var replied = 0

    init(id: Int32, now: Instant) {
        self.id = id
        began = now
        progressed = now
    }

    /// Notes one field; what is wrong with it shows in `isMalformed`.
    func add(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>, limits: HTTPLimits) {
        headerListBytes += name.count + value.count + 32
        guard headerListBytes <= limits.headerBytes, value.count <= limits.headerLine else { return }
        let word = name[...]
        if word.first == UInt8(ascii: ":") {
            addPseudo(word, value[...])
            return
        }
        headerLines += 1
        if HTTPByte.equals(word, "host") {
            guard !hasHost || HTTPByte.equals(word, "host") && headers["host"] == nil,
                HTTPTarget.isAuthority(value[...])
            else {
                isMalformed = true
                return
            }
            hasHost = true
        } else if HTTPByte.equals(word, "content-length") {
            guard let length = HTTPTarget.decimal(value[...]) else {
                isMalformed = true
                return
            }
            contentLength = length
        }
        headers.append(name: name, value: value)
    }

    private func addPseudo(
        _ name: UnsafeBufferPointer<UInt8>.SubSequence, _ value: UnsafeBufferPointer<UInt8>.SubSequence
    ) {
        if HTTPByte.equals(name, ":method") {
            method = HTTPMethod(token: value)
            isMethodUnknown = method == nil
        } else if HTTPByte.equals(name, ":path") {
            let isStar = value.count == 1 && value.first == UInt8(ascii: "*")
            let isVisible = value.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isVisible, isStar || value.first == UInt8(ascii: "/") else {
                isMalformed = true
                return
            }
            target = HTTPTarget(value, method: isStar ? .options : .get)
            if target == nil { isMalformed = true }
        } else if HTTPByte.equals(name, ":authority") {
            guard HTTPTarget.isAuthority(value) else {
                isMalformed = true
                return
            }
            headers.append(name: "host", value: String(decoding: value, as: UTF8.self))
        }
    }

    /// The head, once all fields came; nil when it is malformed.
    func makeHead() -> HTTPRequestHead? {
        guard let method, let target, !isMalformed, method != .connect else { return nil }
        if target.path == "*", method != .options { return nil }
        var head = HTTPRequestHead(
            method: method, path: target.path, query: target.query, headers: headers, version: .http2,
            contentLength: contentLength)
        head.isChunked = contentLength == nil && !hasEnded
        return head
    }
}
