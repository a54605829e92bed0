// One TLS connection of OpenSSL: owns the SSL object, made in init, freed in deinit.

import CSSL
import EventLoop

/// Reads, writes and shakes hands over a socket that it does not own.
@IO
final class TLSStream {
    /// Whether the peer's first byte was that of a handshake.
    var hasSeenTLS = false
    private let ssl: OpaquePointer
    /// The context must outlive the ticket callbacks of this connection.
    private let context: TLSContext
    private(set) var wantsWrite = false
    private var isEstablished = false
    private var isBroken = false

    init?(context: TLSContext, socket: Int32) {
        guard let ssl = SSL_new(context.pointer) else { return nil }
        self.ssl = ssl
        self.context = context
        SSL_set_fd(ssl, socket)
        SSL_set_accept_state(ssl)
    }

    isolated deinit { SSL_free(ssl) }

    /// Whether bytes wait here that no readiness of the socket will announce.
    var hasPending: Bool { SSL_has_pending(ssl) == 1 }

    /// Whether ALPN chose `h2`.
    var protocolIsHTTP2: Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length == 2 else { return false }
        return name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
    }

    func handshake() -> IOResult {
        ERR_clear_error()
        let result = outcome(Int(SSL_do_handshake(ssl)))
        if case .done = result { isEstablished = true }
        return result
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        ERR_clear_error()
        return outcome(Int(SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))))
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        ERR_clear_error()
        return outcome(Int(SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))))
    }

    /// Sends close_notify, if the connection is still in order.
    func shutdown() {
        guard isEstablished, !isBroken else { return }
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        isBroken = true
    }

    private func outcome(_ result: Int) -> IOResult {
        wantsWrite = false
        if result > 0 { return .done(result) }
        switch SSL_get_error(ssl, Int32(result)) {
        case SSL_ERROR_WANT_READ: return .wouldBlock
        case SSL_ERROR_WANT_WRITE:
            wantsWrite = true
            return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended
        default:
            isBroken = true
            return .failed
        }
    }
}
