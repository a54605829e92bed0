// What a connection does when its socket is ready: the handshake, reading, and whom the bytes are for.

import EventLoop
import Glibc

extension Connection {
    func ready(_ ready: Readiness) {
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
    }

    func read() {
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
    func settle() {
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
        // Not before: what has come is answered first.
        if server.isDraining { session?.beginDrain() }
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

    private static func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        let count = recv(socket, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .done(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
    }
}
