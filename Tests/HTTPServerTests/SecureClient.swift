// A TLS client for tests that does odd things: waits, cuts, keeps sessions, offers what it is told.

import CSSL
import CShims
import Glibc

/// A blocking TLS connection; for use within `offload`.
struct SecureClient: ~Copyable, @unchecked Sendable {
    private let socket: BlockingClient
    private let context: OpaquePointer?
    private let ssl: OpaquePointer?
    /// Whether the handshake succeeded.
    let isConnected: Bool

    init(port: Int, protocols: [String] = [], version: Int32 = TLS1_3_VERSION) {
        socket = BlockingClient(port: port)
        context = SSL_CTX_new(TLS_client_method())
        _ = nezuko_ssl_ctx_max_version(context, version)
        ssl = SSL_new(context)
        let offer = protocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        if !offer.isEmpty { SSL_set_alpn_protos(ssl, offer, UInt32(offer.count)) }
        SSL_set_fd(ssl, socket.descriptor)
        isConnected = SSL_connect(ssl) == 1
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { _ = SSL_write(ssl, bytes, Int32(bytes.count)) }

    /// Sends our close_notify.
    func shutdown() { _ = SSL_shutdown(ssl) }

    /// Ends our side of the socket, without close_notify.
    func cut() { socket.finishSending() }

    /// What comes until the peer ends.
    func receiveBytes() -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = SSL_read(ssl, &chunk, Int32(chunk.count)), count > 0 { all += chunk[..<Int(count)] }
        return all
    }

    /// What comes until the peer ends, or until `marker` was seen.
    func receive(until marker: String? = nil) -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let marker, String(decoding: all, as: UTF8.self).contains(marker) { break }
            let count = SSL_read(ssl, &chunk, Int32(chunk.count))
            guard count > 0 else { break }
            all += chunk[..<Int(count)]
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// Whether the peer said close_notify before it closed.
    var wasClosedInOrder: Bool { SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

    /// The certificate of the peer, as DER.
    var peerCertificate: [UInt8] {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return [] }
        defer { X509_free(certificate) }
        var pointer: UnsafeMutablePointer<UInt8>?
        let length = i2d_X509(certificate, &pointer)
        guard let bytes = pointer, length > 0 else { return [] }
        defer { CRYPTO_free(bytes, #file, #line) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(length)))
    }
}
