// What goes into a client and what comes out of it, and how a transfer fails.

/// One request. The URL is used as given: encode it before.
public struct HTTPClientRequest: Sendable {
    /// `GET` or `POST`; anything else is sent as written.
    public var method: String
    /// `http` or `https`; may hold a secret, so it is never logged.
    public var url: String
    /// Header lines besides those that HTTP itself needs.
    public var headers: [(String, String)]
    /// Sent with its length; empty for none.
    public var body: [UInt8]
    /// From the call to the last byte of the reply.
    public var timeoutMilliseconds: Int64
    /// For name, connection and TLS together.
    public var connectTimeoutMilliseconds: Int64
    /// A longer reply body is an error.
    public var maximumReplyBytes: Int

    /// A request with the usual limits.
    public init(
        method: String, url: String, headers: [(String, String)] = [], body: [UInt8] = [],
        timeoutMilliseconds: Int64, connectTimeoutMilliseconds: Int64 = 3000, maximumReplyBytes: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.maximumReplyBytes = maximumReplyBytes
    }
}

/// A complete reply, whatever its status.
public struct HTTPClientResponse: Sendable {
    /// The final status, 100 to 599.
    public let status: Int
    /// The body as sent; no content encoding is asked for.
    public let body: [UInt8]
    /// From the start of the transfer to its end.
    public let latencyMilliseconds: Int64
    let head: [UInt8]

    /// A reply made by hand, for tests of what reads replies.
    public init(status: Int, body: [UInt8], latencyMilliseconds: Int64 = 0, head: [UInt8] = []) {
        self.status = status
        self.body = body
        self.latencyMilliseconds = latencyMilliseconds
        self.head = head
    }

    /// The first value of a header, its name given in lower case.
    public func header(_ lowerName: String) -> String? {
        let name = Array(lowerName.utf8)
        for line in head.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            let matches = line[..<colon].elementsEqual(name) { byte, wanted in
                (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == wanted
            }
            guard matches else { continue }
            var value = line[(colon + 1)...]
            while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
            while let last = value.last, last == 0x20 || last == 0x09 || last == 0x0D { value.removeLast() }
            return String(decoding: value, as: UTF8.self)
        }
        return nil
    }
}

/// Why there is no reply. Never holds the URL.
public enum HTTPClientError: Error, Equatable, Sendable {
    /// The host's name has no address.
    case resolve
    /// No connection within its time limit.
    case connect
    /// The handshake failed or the certificate was refused.
    case tls
    /// The time limit passed after the request had begun.
    case timedOut
    /// The connection ended before the reply was complete, or the reply broke the protocol.
    case cut
    /// The reply was longer than allowed.
    case tooLarge
    /// The caller's task was cancelled, or the client closed.
    case cancelled
    /// libcurl had no memory.
    case outOfMemory
    /// Nothing was tried, for the reason given.
    case refused(StaticReason)

    /// Whether the other side cannot have seen the request.
    public var certainlyUnsent: Bool {
        switch self {
        case .resolve, .connect, .tls, .outOfMemory, .refused: true
        case .timedOut, .cut, .tooLarge, .cancelled: false
        }
    }
}

/// A reason from the source text, so that it cannot hold a secret.
public struct StaticReason: Equatable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The words.
    public let description: String
    /// The words as a literal.
    public init(stringLiteral value: StaticString) { description = value.description }
}
