// One accepted socket: its state, what sessions ask of it, and its end. Reading, writing and time are in files
// of their own; what the bytes mean is its session's.

import EventLoop
import Glibc

/// Moves bytes between a socket and a session.
@IO
final class Connection {
    enum Phase {
        case handshake
        /// Nothing came yet, or the beginning of what may be an HTTP/2 preface.
        case opening(held: [UInt8])
        case open
        /// Output is complete once written; input is thrown away until the peer closes.
        case finishing, lingering
        case closed
    }

    let server: HTTPServer
    var registryIndex = -1
    /// Bytes to be written; sessions append, `flush` sends.
    var output: [UInt8] = []
    /// When the connection last had nothing to do.
    private(set) var quietSince: Instant
    private(set) var isClosed = false
    var isHTTP2 = false

    // The following is for the connection's own files.
    let socket: Int32
    var ssl: TLSStream?
    var phase: Phase
    var session: (any ConnectionSession)?
    /// How much of `output` is sent.
    var written = 0
    var isReading = true
    var inputHasEnded = false
    private var watch: Watch?
    private var accounted = 0

    var timer: LoopTimer?
    var timerDeadline: Instant
    var sessionDeadline: Instant?
    var stallDeadline: Instant?

    init(socket: Int32, server: HTTPServer, tls: TLSContext?) {
        self.socket = socket
        self.server = server
        ssl = tls.flatMap { TLSStream(context: $0, socket: socket) }
        phase = tls == nil ? .opening(held: []) : .handshake
        quietSince = Loop.shared.now
        timerDeadline = Loop.shared.now
    }

    var isIdle: Bool { if case .open = phase { session?.isIdle ?? true } else { false } }

    /// Whether a request is being handled or an answer written.
    var isWorking: Bool { if case .open = phase { !isIdle } else { false } }

    func start() {
        watch = Loop.shared.watch(socket, .read) { [self] ready in self.ready(ready) }
        let isTLS = if case .handshake = phase { true } else { false }
        setDeadline(milliseconds: isTLS ? server.limits.handshakeMilliseconds : server.limits.headMilliseconds)
        if isTLS, ssl == nil { close() }
    }

    // MARK: - For sessions

    /// Says that nothing is to be done from now on.
    func becameQuiet() { quietSince = Loop.shared.now }

    /// States how many bytes of requests this connection holds. False when that is too much for the server.
    func account(_ bytes: Int) -> Bool {
        let delta = bytes - accounted
        accounted = bytes
        server.registry.addBuffered(delta)
        return delta <= 0 || server.registry.bufferedBytes <= server.limits.maximumBuffered
    }

    /// Stops or resumes reading; bytes then wait in the system, and with it the peer.
    func setReading(_ isOn: Bool) {
        guard isOn != isReading else { return }
        isReading = isOn
        updateInterest()
        // What OpenSSL has decrypted already shows in no readiness.
        if isOn, ssl?.hasPending == true { Loop.shared.atTurnEnd { [weak self] in self?.read() } }
    }

    /// Ends the connection now. May be called twice.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        if case .lingering = phase {} else { ssl?.shutdown() }
        phase = .closed
        timer?.cancel()
        watch?.cancel()
        watch = nil
        ssl = nil
        Glibc.close(socket)
        _ = account(0)
        let session = self.session
        self.session = nil
        session?.connectionClosed()
        server.registry.remove(self)
    }

    // MARK: - For its own files

    var isLingering: Bool { if case .lingering = phase { true } else { false } }
    var wantsWrite: Bool { written < output.count || ssl?.wantsWrite == true }

    func updateInterest() {
        guard let watch, !isClosed else { return }
        var interest: Interest = []
        if (isReading && !inputHasEnded) || isLingering { interest.insert(.read) }
        if wantsWrite { interest.insert(.write) }
        watch.update(interest)
    }

    /// See `HTTPServer.drain`.
    func beginDrain() {
        switch phase {
        case .handshake: close()
        case .opening:
            // A request that has arrived is told; a connection that is silent just ends.
            read()
            if session == nil { close() }
        case .open:
            // What has arrived unread is answered too: closing on it would be a reset.
            if isIdle { read() }
            guard !isClosed else { return }
            session?.beginDrain()
            if !isClosed { settle() }
        case .finishing, .lingering, .closed: return
        }
    }
}

/// What a read, write or handshake came to.
enum IOResult {
    case done(Int)
    case wouldBlock
    /// The peer will send nothing more.
    case ended
    case failed
}
