// One accepted socket: its TLS, its output, its one timer and its end. What the bytes mean is its session's.

import CLinux
import CSSL
import EventLoop
import Glibc

/// Moves bytes between a socket and a session.
@IO
final class Connection {
    private enum Phase {
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
    private(set) var isHTTP2 = false

    private let socket: Int32
    private var ssl: TLSStream?
    private var phase: Phase
    private var session: (any ConnectionSession)?
    private var watch: Watch?
    private var written = 0
    private var isReading = true
    private var inputHasEnded = false
    private var accounted = 0

    private var timer: LoopTimer?
    private var timerDeadline: Instant
    private var sessionDeadline: Instant?
    private var stallDeadline: Instant?

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

    /// Calls the session's `deadlinePassed` that much later, instead of at any moment set before.
    func setDeadline(milliseconds: Int64) {
        sessionDeadline = Loop.shared.now.adding(milliseconds: milliseconds)
        armTimer()
    }

    /// No deadline of the session's, as while its request is handled.
    func clearDeadline() { sessionDeadline = nil }

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

    /// Sends what is in `output`, as far as the peer takes it.
    func flush() {
        guard !isClosed, written < output.count else { return }
        var result = IOResult.done(0)
        output.withUnsafeBytes { bytes in
            while written < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                result = ssl?.write(rest) ?? Self.send(socket, rest)
                guard case .done(let count) = result else { return }
                written += count
                stallDeadline = nil
            }
        }
        switch result {
        case .done:
            written = 0
            // Idle connections keep little: there may be thousands.
            if output.capacity > 4096 { output = [] } else { output.removeAll(keepingCapacity: true) }
            stallDeadline = nil
            updateInterest()
            outputDrained()
        case .wouldBlock:
            if written > 1 << 16 {
                output.removeFirst(written)
                written = 0
            }
            if stallDeadline == nil {
                stallDeadline = Loop.shared.now.adding(milliseconds: server.limits.writeStallMilliseconds)
            }
            armTimer()
            updateInterest()
        case .ended, .failed:
            close()
        }
    }

    /// Bytes that the peer has not taken yet.
    var unsentBytes: Int { output.count - written }

    /// Ends the connection once the output is written, so that the peer can read it.
    func finish() {
        guard !isClosed else { return }
        switch phase {
        case .finishing, .lingering, .closed: return
        case .handshake, .opening, .open: break
        }
        phase = .finishing
        sessionDeadline = nil
        if written < output.count { flush() } else { outputDrained() }
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

    // MARK: - Readiness

    private func ready(_ ready: Readiness) {
        // An error or hang-up shows as both while no write was asked for: the next read or write tells.
        if ready.contains(.write), !wantsWrite, !isReading || inputHasEnded, !isLingering {
            close()
            return
        }
        if case .handshake = phase {
            handshake()
            return
        }
        if written < output.count { flush() }
        if ready.contains(.read) { read() }
    }

    private var isLingering: Bool { if case .lingering = phase { true } else { false } }
    private var wantsWrite: Bool { written < output.count || ssl?.wantsWrite == true }

    private func updateInterest() {
        guard let watch, !isClosed else { return }
        var interest: Interest = []
        if (isReading && !inputHasEnded) || isLingering { interest.insert(.read) }
        if wantsWrite { interest.insert(.write) }
        watch.update(interest)
    }

    private func handshake() {
        guard let ssl else { return }
        if !ssl.hasSeenTLS {
            var first: UInt8 = 0
            guard recv(socket, &first, 1, Int32(MSG_PEEK)) == 1 else {
                if errno != EAGAIN { close() }
                return
            }
            // A handshake record begins with 22; anything else is not TLS and is told so in clear.
            guard first == 22 else {
                refuseClear()
                return
            }
            ssl.hasSeenTLS = true
        }
        switch ssl.handshake() {
        case .done:
            phase = .opening(held: [])
            setDeadline(milliseconds: server.limits.headMilliseconds)
            if ssl.protocolIsHTTP2 {
                open(HTTP2Session(connection: self))
            } else {
                open(HTTP1Session(connection: self))
            }
            updateInterest()
            read()
        case .wouldBlock: updateInterest()
        case .ended: close()
        case .failed:
            server.reject(.tls)
            // OpenSSL has written its alert; the peer gets to read it.
            self.ssl = nil
            finish()
        }
    }

    private func refuseClear() {
        server.reject(.tls)
        ssl = nil
        HTTP1Writer.write(.text(400, "this port speaks TLS"), to: &output, keepsAlive: false, isHead: false)
        finish()
    }

    private func open(_ session: any ConnectionSession) {
        isHTTP2 = session is HTTP2Session
        if isHTTP2 { server.registry.becameHTTP2() }
        self.session = session
        phase = .open
        if server.isDraining { session.beginDrain() }
    }

    private func read() {
        let buffer = server.registry.readBuffer
        // Bounded, so that one connection cannot hold the loop.
        for _ in 0..<16 {
            guard !isClosed, isReading, !inputHasEnded || isLingering else { break }
            switch ssl?.read(buffer) ?? Self.receive(socket, buffer) {
            case .done(let count):
                received(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                guard ssl?.hasPending ?? (count == buffer.count) else {
                    settle()
                    return
                }
            case .wouldBlock:
                settle()
                return
            case .ended:
                inputEnded()
                return
            case .failed:
                close()
                return
            }
        }
        settle()
        if !isClosed, isReading, ssl?.hasPending == true { Loop.shared.atTurnEnd { [weak self] in self?.read() } }
    }

    /// What a batch of input brought about is sent in one write.
    private func settle() {
        if written < output.count { flush() }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .opening(let held): opened(held, bytes)
        case .open: session?.received(bytes)
        case .handshake, .finishing, .lingering, .closed: return
        }
    }

    /// Tells an HTTP/2 preface (RFC 9113 §3.3, prior knowledge) from an HTTP/1 request.
    private func opened(_ held: [UInt8], _ bytes: UnsafeRawBufferPointer) {
        let all = held + bytes
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        if all.count < preface.count, preface.starts(with: all) {
            phase = .opening(held: all)
            return
        }
        if all.starts(with: preface) {
            open(HTTP2Session(connection: self))
        } else {
            open(HTTP1Session(connection: self))
        }
        all.withUnsafeBytes { session?.received($0) }
    }

    private func inputEnded() {
        inputHasEnded = true
        switch phase {
        case .open:
            updateInterest()
            session?.inputEnded()
            settle()
        case .finishing: updateInterest()
        case .handshake, .opening, .lingering, .closed: close()
        }
    }

    private func outputDrained() {
        guard case .finishing = phase else {
            session?.outputDrained()
            return
        }
        ssl?.shutdown()
        ssl = nil
        guard !inputHasEnded else {
            phase = .lingering
            close()
            return
        }
        phase = .lingering
        isReading = true
        Glibc.shutdown(socket, Int32(SHUT_WR))
        setDeadline(milliseconds: server.limits.lingerMilliseconds)
        updateInterest()
    }

    // MARK: - Time

    private func armTimer() {
        guard let target = [sessionDeadline, stallDeadline].compactMap({ $0 }).min() else { return }
        if let timer, timer.isPending, target >= timerDeadline {
            timer.postpone(toMilliseconds: target.milliseconds(since: Loop.shared.now))
        } else {
            timer?.cancel()
            let wait = max(0, target.milliseconds(since: Loop.shared.now))
            timer = Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in self?.timerFired() }
        }
        timerDeadline = target
    }

    private func timerFired() {
        let now = Loop.shared.now
        if let stallDeadline, stallDeadline <= now {
            server.reject(.timeout)
            close()
            return
        }
        if let deadline = sessionDeadline, deadline <= now {
            sessionDeadline = nil
            if let session, case .open = phase {
                session.deadlinePassed()
                settle()
            } else {
                if !isLingering { server.reject(.timeout) }
                close()
            }
        }
        if !isClosed { armTimer() }
    }

    /// See `HTTPServer.drain`.
    func beginDrain() {
        guard let session else { return }
        session.beginDrain()
        settle()
    }

    // MARK: - System calls

    private static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        let count = Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count >= 0 { return .done(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
    }

    private static func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        let count = recv(socket, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .done(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
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
