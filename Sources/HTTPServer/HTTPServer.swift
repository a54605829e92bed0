// HTTPServer: listeners, TLS, HTTP/1.1 and HTTP/2 behind one handler seam, with every limit kept here.
//
// Invariants of the room:
// - A handler sees whole, well-formed requests only; what is cut, malformed or over a limit never reaches it.
// - Each connection has one timer and one moment at which it is closed, whatever the peer does.
// - Bytes buffered for all requests together are bounded, and so is the number of connections.
// - A response is sent once a request; a responder that is let go without an answer means 500.

import EventLoop
import Glibc

/// Why a server could not listen or use its certificate.
public enum HTTPServerError: Error, Equatable, CustomStringConvertible {
    case address(host: String, port: Int)
    case bind(host: String, port: Int, code: Int32)
    case certificate(file: String, reason: String)
    case key(file: String, reason: String)
    case tls(step: String)
    case missingTLS

    /// One line for a person at a terminal: what is wrong, then what to do.
    public var description: String {
        switch self {
        case .address(let host, let port):
            "\(host):\(port) is not an address to listen on. Write an IP address or localhost, and a port."
        case .bind(let host, let port, EACCES):
            "Not permitted to listen on \(host):\(port). Ports below 1024 need a right of the program: "
                + "sudo setcap cap_net_bind_service=+ep PATH/nezuko; or take a higher port, as 8443."
        case .bind(let host, let port, EADDRINUSE):
            "Another process listens on \(host):\(port) already."
        case .bind(let host, let port, let code):
            "Cannot listen on \(host):\(port) (\(String(cString: strerror(code))))."
        case .certificate(let file, let reason):
            "The certificate \(file) cannot be used (\(reason)). Give a PEM file with the whole chain."
        case .key(let file, let reason):
            "The key \(file) cannot be used (\(reason)). Give the PEM key that belongs to the certificate."
        case .tls(let step):
            "OpenSSL refused a setting (\(step)). Check the installed OpenSSL: 3.0 or later is needed."
        case .missingTLS:
            "An https address needs a certificate. Set TLS_CERT_FILE and TLS_KEY_FILE."
        }
    }
}

/// Where to listen.
public struct ListenAddress: Sendable, Equatable {
    /// An IP address, or a name that resolves to one.
    public var host: String
    /// The port; 0 lets the system choose.
    public var port: Int
    /// TLS with ALPN, or clear HTTP/1.1 and h2c with prior knowledge.
    public var isTLS: Bool
    /// Whether an IPv6 address leaves IPv4 to another listener of the same port; `::` takes both otherwise.
    public var isIPv6Only: Bool

    /// An address to listen on.
    public init(host: String, port: Int, isTLS: Bool, isIPv6Only: Bool = false) {
        self.host = host
        self.port = port
        self.isTLS = isTLS
        self.isIPv6Only = isIPv6Only
    }
}

/// Serves HTTP on any number of addresses until it is drained.
@IO
public final class HTTPServer {
    let limits: HTTPLimits
    let handler: any HTTPHandler
    /// Contexts of new TLS connections; nil when only clear addresses are served.
    private(set) var tls: TLSContext?
    let registry = ConnectionRegistry()
    private(set) var isDraining = false
    /// What was refused since the start, by reason.
    var rejections: [Rejection: Int] = [:]

    private let tlsConfiguration: TLSConfiguration?
    let ticketKeys: TicketKeys?
    private var listeners: [Listener] = []
    private var certificateTimer: LoopTimer?
    private var certificateStamp: CertificateStamp?
    private var drained: Completion<Void, Never>?

    /// A server that listens nowhere yet. A certificate that cannot be read shows in `listen`.
    public init(limits: HTTPLimits = .init(), handler: any HTTPHandler, tls: TLSConfiguration?) {
        self.limits = limits
        self.handler = handler
        tlsConfiguration = tls
        ticketKeys = tls.map { TicketKeys(secrets: $0.ticketSecrets) }
        // OpenSSL writes with write(2): without this, a peer's reset would end the process.
        signal(SIGPIPE, SIG_IGN)
        registry.onEmpty = { [weak self] in self?.drained?.finish(.success(())) }
    }

    /// Opens a listener and returns its real port.
    public func listen(_ address: ListenAddress) throws(HTTPServerError) -> Int {
        if address.isTLS, tls == nil { try reloadCertificate() }
        let listener = try Listener(address: address, server: self)
        listeners.append(listener)
        return listener.port
    }

    /// Reads certificate and key again; connections made from now on use them, others keep theirs.
    ///
    /// On failure the former certificate stays in use.
    public func reloadCertificate() throws(HTTPServerError) {
        guard let tlsConfiguration, let ticketKeys else { throw .missingTLS }
        certificateStamp = CertificateStamp(tlsConfiguration)
        tls = try TLSContext(configuration: tlsConfiguration, ticketKeys: ticketKeys)
        HTTPServerMetrics.certificateLoaded(expiry: certificateExpiry)
        scheduleCertificateCheck()
    }

    /// When the certificate in use ends; nil without TLS.
    public var certificateExpiry: Timestamp? { tls?.expiry }

    /// Connections open now, of all protocols.
    public var connectionCount: Int { registry.count }

    /// Connections that speak HTTP/2.
    public var http2ConnectionCount: Int { registry.http2Count }

    /// Bytes of requests buffered now, of all connections.
    public var bufferedBytes: Int { registry.bufferedBytes }

    /// Stops accepting, lets accepted requests finish for at most that long, then closes what is left.
    ///
    /// Requests that come on open connections meanwhile get 503.
    public func drain(graceMilliseconds: Int64) async {
        certificateTimer?.cancel()
        for listener in listeners { listener.close() }
        listeners = []
        isDraining = true
        for connection in registry.all() { connection.beginDrain() }
        guard registry.count > 0 else { return }
        let done = Completion<Void, Never>()
        drained = done
        let timer = Loop.shared.schedule(afterMilliseconds: graceMilliseconds) { done.finish(.success(())) }
        await done.wait()
        timer.cancel()
        for connection in registry.all() { connection.close() }
    }

    private func scheduleCertificateCheck() {
        guard certificateTimer?.isPending != true, limits.certificateCheckMilliseconds > 0 else { return }
        certificateTimer = Loop.shared.schedule(afterMilliseconds: limits.certificateCheckMilliseconds) { [weak self] in
            self?.checkCertificateFiles()
        }
    }

    private func checkCertificateFiles() {
        defer { scheduleCertificateCheck() }
        guard let tlsConfiguration, CertificateStamp(tlsConfiguration) != certificateStamp else { return }
        do throws(HTTPServerError) {
            try reloadCertificate()
        } catch {
            // The pair may be half written: the former one stays, and the next check tries again.
            certificateStamp = nil
        }
    }
}

/// Size and time of the certificate's files, to see that they changed.
private struct CertificateStamp: Equatable {
    private var parts: [Int] = []

    init(_ configuration: TLSConfiguration) {
        for file in [configuration.certificateFile, configuration.keyFile] {
            var facts = stat()
            guard stat(file, &facts) == 0 else { continue }
            parts += [Int(facts.st_mtim.tv_sec), Int(facts.st_mtim.tv_nsec), Int(facts.st_size), Int(facts.st_ino)]
        }
    }
}
