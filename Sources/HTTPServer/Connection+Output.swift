// How a connection sends what its session wrote, and how it ends once that is sent.

import EventLoop
import Glibc

extension Connection {
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

    func outputDrained() {
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
        setDeadline(
            milliseconds: server.isDraining
                ? min(200, server.limits.lingerMilliseconds) : server.limits.lingerMilliseconds)
        updateInterest()
    }

    private static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        let count = Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count >= 0 { return .done(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
    }
}
