// HTTP/1.1 framing (RFC 9112) as a resumable state machine over bytes: no socket, no clock, no policy.
// Lines of the head are read in HTTP1Head; what to do about a request is the connection's.

import Glibc

/// Why bytes are no request; with it the connection ends.
struct HTTP1Failure: Error, Equatable {
    var status: Int
    var reason: Rejection

    static let framing = HTTP1Failure(status: 400, reason: .framing)
    static let host = HTTP1Failure(status: 400, reason: .host)
    static let requestLine = HTTP1Failure(status: 414, reason: .requestLine)
    static let headers = HTTP1Failure(status: 431, reason: .headers)
    static let body = HTTP1Failure(status: 413, reason: .body)
    static let method = HTTP1Failure(status: 501, reason: .method)
    static let coding = HTTP1Failure(status: 501, reason: .framing)
    static let version = HTTP1Failure(status: 505, reason: .framing)
}

/// Turns bytes, in any fragmentation, into heads and bodies, refusing by default.
///
/// After `.head` the caller decides with `acceptBody` or `discardBody`; after `.failed` nothing more may be fed.
struct HTTP1Parser {
    enum Event {
        /// All bytes were taken.
        case needsMore
        case head(HTTPRequestHead)
        /// The body's end; a discarded body is empty.
        case body([UInt8], isDiscarded: Bool)
        case failed(HTTP1Failure)
    }

    private enum State {
        case requestLine, header, decision
        case body(left: Int)
        case chunkSize, chunkData(left: Int), chunkEnd, trailer
        case complete, failed
    }

    private let limits: HTTPLimits
    private var state = State.requestLine
    private var head = HTTP1Head()
    /// The line being received; holds a whole head while there is one.
    private var block: [UInt8] = []
    private var lineStart = 0
    private var emptyLines = 0
    private var headerBytes = 0
    private var headerLines = 0
    private var extensionBytes = 0
    private var body: [UInt8] = []
    private var bodyLimit = 0
    private var isDiscarding = false
    private var isChunked = false
    private var contentLength = 0

    init(limits: HTTPLimits) { self.limits = limits }

    /// Bytes held for the present request.
    var bufferedBytes: Int { block.count + body.count }

    /// Whether part of a head has come, or none of a request.
    var isInHead: Bool { if case .header = state { true } else { block.count > 0 } }

    /// Whether nothing of a next request has come.
    var isBetweenRequests: Bool { if case .requestLine = state { block.isEmpty } else { false } }

    /// Whether a body is to come after the present head.
    var expectsBody: Bool { isChunked || contentLength > 0 }

    /// Lets the body come, or says that its declared length is over the limit.
    mutating func acceptBody(limit: Int) throws(HTTP1Failure) {
        guard contentLength <= limit else {
            state = .failed
            throw .body
        }
        bodyLimit = limit
        if contentLength > 0 { body.reserveCapacity(min(contentLength, 1 << 16)) }
        state = isChunked ? .chunkSize : contentLength > 0 ? .body(left: contentLength) : .complete
    }

    /// Reads over a body of declared length without keeping it.
    mutating func discardBody() {
        isDiscarding = true
        state = contentLength > 0 ? .body(left: contentLength) : .complete
    }

    /// Takes bytes from `input` at `position` until there is something to say.
    mutating func feed(_ input: UnsafeRawBufferPointer, at position: inout Int) -> Event {
        do throws(HTTP1Failure) {
            while let event = try step(input, &position) {
                if case .needsMore = event { continue }
                return event
            }
            return .needsMore
        } catch {
            state = .failed
            return .failed(error)
        }
    }

    /// One step, `.needsMore` when another may follow; nil when bytes are missing.
    private mutating func step(_ input: UnsafeRawBufferPointer, _ position: inout Int) throws(HTTP1Failure) -> Event? {
        switch state {
        case .requestLine:
            guard try takeLine(input, &position, limit: limits.requestLine, over: .requestLine) else { return nil }
            return try requestLineCame()
        case .header:
            guard try takeLine(input, &position, limit: limits.headerLine, over: .headers) else { return nil }
            return try headerCame()
        case .body(let left):
            guard position < input.count else { return nil }
            let taken = take(input, &position, atMost: left)
            state = taken == left ? .complete : .body(left: left - taken)
            return .needsMore
        case .chunkSize:
            guard try takeLine(input, &position, limit: 4096, over: .framing) else { return nil }
            try chunkSizeCame()
            return .needsMore
        case .chunkData(let left):
            guard position < input.count else { return nil }
            let taken = take(input, &position, atMost: left)
            state = taken == left ? .chunkEnd : .chunkData(left: left - taken)
            return .needsMore
        case .chunkEnd:
            guard try takeLine(input, &position, limit: 0, over: .framing) else { return nil }
            guard lineEnd == 0 else { throw .framing }
            clearLine(to: .chunkSize)
            return .needsMore
        case .trailer:
            guard try takeLine(input, &position, limit: limits.headerLine, over: .headers) else { return nil }
            try trailerCame()
            return .needsMore
        case .complete:
            let event = Event.body(body, isDiscarded: isDiscarding)
            startOver()
            return event
        case .decision, .failed:
            preconditionFailure("The parser was fed before the head was decided on, or after a failure")
        }
    }

    // MARK: - Lines

    /// Index of the present line's CR.
    private var lineEnd: Int { block.count - 2 }

    /// Appends to the line until its LF; checks its length, its CR and that no other CR is in it.
    private mutating func takeLine(
        _ input: UnsafeRawBufferPointer, _ position: inout Int, limit: Int, over: HTTP1Failure
    ) throws(HTTP1Failure) -> Bool {
        let left = input.count - position
        guard left > 0, let base = input.baseAddress else { return false }
        let from = base + position
        let found = memchr(from, 10, left)
        let count = found.map { UnsafeRawPointer($0) - from + 1 } ?? left
        let lineCount = block.count - lineStart + count
        // A line of `limit` bytes, its CR and, once found, its LF.
        guard lineCount <= limit + (found == nil ? 1 : 2) else { throw over }
        if case .header = state {
            guard headerBytes + lineCount <= limits.headerBytes + 2 else { throw over }
        } else if case .trailer = state {
            guard headerBytes + lineCount <= limits.headerBytes + 2 else { throw over }
        }
        if block.isEmpty { block.reserveCapacity(min(max(left, 64), 1024)) }
        block.append(contentsOf: UnsafeRawBufferPointer(start: from, count: count))
        position += count
        if case .requestLine = state, lineStart == 0 { try checkStart() }
        guard found != nil else { return false }
        guard lineCount >= 2, block[block.count - 2] == 13 else { throw .framing }
        return true
    }

    /// Refuses at once what cannot become a request line, such as a TLS handshake.
    private func checkStart() throws(HTTP1Failure) {
        if block[0] == 13 {
            guard block.count < 2 || block[1] == 10 else { throw .framing }
        } else {
            guard HTTPByte.isToken(block[0]) else { throw .framing }
        }
    }

    private mutating func clearLine(to next: State) {
        block.removeAll(keepingCapacity: true)
        state = next
    }

    // MARK: - The head

    private mutating func requestLineCame() throws(HTTP1Failure) -> Event {
        if lineEnd == 0 {
            emptyLines += 1
            guard emptyLines <= 2 else { throw .framing }
            clearLine(to: .requestLine)
            return .needsMore
        }
        try head.readRequestLine(block, 0..<lineEnd)
        lineStart = block.count
        state = .header
        return .needsMore
    }

    private mutating func headerCame() throws(HTTP1Failure) -> Event {
        if lineEnd > lineStart {
            headerLines += 1
            headerBytes += block.count - lineStart
            guard headerLines <= limits.headerLines else { throw .headers }
            try head.readHeader(&block, lineStart..<lineEnd)
            lineStart = block.count
            return .needsMore
        }
        let result = try head.finish(block)
        isChunked = result.isChunked
        contentLength = result.contentLength ?? 0
        head = HTTP1Head()
        block = []
        lineStart = 0
        headerBytes = 0
        headerLines = 0
        state = .decision
        return .head(result)
    }

    // MARK: - The body

    private mutating func take(_ input: UnsafeRawBufferPointer, _ position: inout Int, atMost limit: Int) -> Int {
        let count = min(limit, input.count - position)
        if !isDiscarding {
            body.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[position..<position + count]))
        }
        position += count
        return count
    }

    /// `1*HEXDIG [ ";" extension ]`: no space, sign or prefix before or after the digits.
    private mutating func chunkSizeCame() throws(HTTP1Failure) {
        var size = 0
        var digits = 0
        while digits < lineEnd, let value = HTTPByte.hex(block[digits]) {
            digits += 1
            guard digits <= 15 else { throw .framing }
            size = size << 4 | Int(value)
        }
        guard digits > 0 else { throw .framing }
        if digits < lineEnd {
            guard block[digits] == UInt8(ascii: ";") else { throw .framing }
            for byte in block[digits..<lineEnd] where !HTTPByte.isValue(byte) { throw .framing }
            extensionBytes += lineEnd - digits
            guard extensionBytes <= limits.chunkExtensionBytes else { throw .framing }
        }
        guard size <= bodyLimit - body.count else { throw .body }
        clearLine(to: size == 0 ? .trailer : .chunkData(left: size))
    }

    /// Trailers are checked and forgotten.
    private mutating func trailerCame() throws(HTTP1Failure) {
        guard lineEnd > 0 else {
            clearLine(to: .complete)
            return
        }
        headerLines += 1
        headerBytes += block.count
        guard headerLines <= limits.headerLines else { throw .headers }
        _ = try HTTP1Head.field(&block, 0..<lineEnd)
        clearLine(to: .trailer)
    }

    private mutating func startOver() {
        block.removeAll(keepingCapacity: true)
        body = []
        emptyLines = 0
        headerBytes = 0
        headerLines = 0
        extensionBytes = 0
        isDiscarding = false
        isChunked = false
        contentLength = 0
        state = .requestLine
    }
}
