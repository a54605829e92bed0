// What passes between the room and its users: heads, requests, responses.

/// The methods known to the room; others get 501.
public enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case patch = "PATCH"
    case options = "OPTIONS"
    case connect = "CONNECT"
    case trace = "TRACE"
}

/// The protocol a request came by.
public enum HTTPVersion: Sendable {
    case http10, http11, http2
}

/// A request without its body.
public struct HTTPRequestHead: Sendable {
    /// The method.
    public var method: HTTPMethod
    /// The target's path, percent-decoded, without the query; `*` for `OPTIONS *`.
    public var path: String
    /// What stands after the `?`, not decoded.
    public var query: String?
    /// The header fields, names in lower case.
    public var headers: HTTPHeaders
    /// The protocol.
    public var version: HTTPVersion
    /// The declared length of the body; nil when there is none or it is chunked.
    public var contentLength: Int?

    var isChunked = false
    var keepsAlive = true
    var expectation = Expectation.none

    enum Expectation: Sendable { case none, proceed, unknown }

    /// A head made by hand, for handlers' tests.
    public init(
        method: HTTPMethod, path: String, query: String? = nil, headers: HTTPHeaders = .init(),
        version: HTTPVersion = .http11, contentLength: Int? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.version = version
        self.contentLength = contentLength
    }
}

/// A whole request.
public struct HTTPRequest: Sendable {
    /// Method, path and headers.
    public var head: HTTPRequestHead
    /// The body without any framing; empty when there is none.
    public var body: [UInt8]

    /// A request made by hand, for handlers' tests.
    public init(head: HTTPRequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}

/// An answer. `Content-Length` and `Connection` are the room's; do not give them.
public struct HTTPResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Further header fields, in order.
    public var headers: [(name: String, value: String)]
    /// The body; left out on the wire for HEAD, 204 and 304.
    public var body: [UInt8]
    /// Whether the connection ends after this answer (HTTP/1 only).
    public var closesConnection: Bool

    /// An answer with these parts.
    public init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        closesConnection: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.closesConnection = closesConnection
    }

    /// One line of plain text; the line's end is added.
    public static func text(_ status: Int, _ line: String) -> HTTPResponse {
        var body = Array(line.utf8)
        body.append(UInt8(ascii: "\n"))
        return HTTPResponse(status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: body)
    }

    /// A JSON document.
    public static func json(_ status: Int, _ bytes: [UInt8]) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: bytes)
    }

    /// A status without a body.
    public static func empty(_ status: Int) -> HTTPResponse { HTTPResponse(status: status) }
}

/// What a handler makes of a head.
public enum HTTPHeadVerdict: Sendable {
    /// Read the body, which may have that many bytes.
    case accept(bodyLimit: Int)
    /// Answer at once; the body is not looked at.
    case refuse(HTTPResponse)
}
