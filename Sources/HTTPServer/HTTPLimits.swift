// The numbers of the room: sizes, times and budgets of connections, with the defaults of the service.

/// What a peer may use. Times are in milliseconds, sizes in bytes.
public struct HTTPLimits: Sendable {
    /// Open connections; beyond, the one idle for longest is closed.
    public var maximumConnections = 4000
    /// The largest body, whatever the handler allows.
    public var maximumBody = 1 << 20
    /// Bytes of all requests being received or handled; beyond, 503.
    public var maximumBuffered = 32 << 20
    /// A kept connection without a request.
    public var idleMilliseconds: Int64 = 30_000
    /// The TLS handshake.
    public var handshakeMilliseconds: Int64 = 10_000
    /// A request's head, from the connection's start or its first byte; an HTTP/2 preface or header block.
    public var headMilliseconds: Int64 = 10_000
    /// A body without progress.
    public var bodyStallMilliseconds: Int64 = 10_000
    /// A body in all.
    public var bodyMilliseconds: Int64 = 20_000
    /// A response that the peer does not take.
    public var writeStallMilliseconds: Int64 = 10_000
    /// How long a closed connection's late bytes are thrown away, so that the peer can read the answer.
    public var lingerMilliseconds: Int64 = 2_000
    /// Between looks at the certificate's files; 0 never looks.
    public var certificateCheckMilliseconds: Int64 = 10_000
    /// The request line, without its end.
    public var requestLine = 8 << 10
    /// One header line, without its end.
    public var headerLine = 8 << 10
    /// All header lines of a request.
    public var headerBytes = 32 << 10
    /// Header lines of a request.
    public var headerLines = 100
    /// Chunk extensions of a request.
    public var chunkExtensionBytes = 16 << 10
    /// HTTP/2 streams open at once on a connection.
    public var maximumStreams = 100
    /// Replies of an HTTP/2 connection that the peer has not taken.
    public var maximumQueuedReply = 1 << 20

    /// The service's defaults.
    public init() {}
}
