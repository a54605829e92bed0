// The TLS policy (versions, ciphers, groups, ALPN) and the certificate in use, as one SSL_CTX.

import CSSL
import CShims
import EventLoop
import Glibc

/// Where the certificate comes from, and the secrets of session tickets.
public struct TLSConfiguration: Sendable {
    /// PEM with the certificate and its chain.
    public var certificateFile: String
    /// PEM with the certificate's key.
    public var keyFile: String
    /// Secrets shared by all replicas: tickets are made with the first, and those of all are taken.
    public var ticketSecrets: [[UInt8]]

    /// A pair of files; without secrets, tickets are this process's alone.
    public init(certificateFile: String, keyFile: String, ticketSecrets: [[UInt8]] = []) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.ticketSecrets = ticketSecrets
    }
}

/// One certificate with the policy of the room; connections keep the one they began with.
@IO
final class TLSContext {
    let pointer: OpaquePointer
    /// When the certificate ends.
    let expiry: Timestamp?
    private let ticketKeys: TicketKeys

    init(configuration: TLSConfiguration, ticketKeys: TicketKeys) throws(HTTPServerError) {
        guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw .tls(step: "SSL_CTX_new") }
        self.pointer = pointer
        self.ticketKeys = ticketKeys
        do throws(HTTPServerError) {
            try Self.setPolicy(pointer)
            try Self.load(pointer, configuration)
            expiry = Self.expiry(pointer)
        } catch {
            SSL_CTX_free(pointer)
            throw error
        }
        // Unretained: connections hold this context, and with it the keys, as long as they can call back.
        SSL_CTX_set_ex_data(pointer, 0, Unmanaged.passUnretained(ticketKeys).toOpaque())
        SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer, TicketKeys.callback)
        SSL_CTX_set_alpn_select_cb(pointer, Self.selectProtocol, nil)
    }

    isolated deinit { SSL_CTX_free(pointer) }

    private static func setPolicy(_ context: OpaquePointer) throws(HTTPServerError) {
        let ciphers =
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
            + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
        let signatures =
            "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
            + "rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
            + "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
        guard nezuko_ssl_ctx_min_version(context, TLS1_2_VERSION) == 1,
            nezuko_ssl_ctx_max_version(context, TLS1_3_VERSION) == 1
        else { throw .tls(step: "versions") }
        guard SSL_CTX_set_cipher_list(context, ciphers) == 1 else { throw .tls(step: "ciphers") }
        guard nezuko_ssl_ctx_groups(context, "X25519:P-256:P-384") == 1 else { throw .tls(step: "groups") }
        guard nezuko_ssl_ctx_sigalgs(context, signatures) == 1 else { throw .tls(step: "signatures") }
        SSL_CTX_set_options(context, Self.options)
        // Resumption is by tickets alone; 0-RTT stays off, which is OpenSSL's default of no early data.
        _ = nezuko_ssl_ctx_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_max_early_data(context, 0)
        SSL_CTX_set_num_tickets(context, 1)
        // Record header and record in one read.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, nil)
        _ = nezuko_ssl_ctx_set_mode(
            context,
            Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS))
    }

    /// SSL_OP_NO_COMPRESSION, SSL_OP_NO_RENEGOTIATION and SSL_OP_CIPHER_SERVER_PREFERENCE: cast macros that
    /// are not imported (openssl/ssl.h, bits 17, 30 and 22).
    private static var options: UInt64 { 1 << 17 | 1 << 30 | 1 << 22 }

    private static func load(_ context: OpaquePointer, _ configuration: TLSConfiguration) throws(HTTPServerError) {
        for file in [configuration.certificateFile, configuration.keyFile] where access(file, R_OK) != 0 {
            let reason = String(cString: strerror(errno))
            throw file == configuration.keyFile
                ? .key(file: file, reason: reason) : .certificate(file: file, reason: reason)
        }
        ERR_clear_error()
        let certificate = configuration.certificateFile
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw .certificate(file: certificate, reason: lastReason())
        }
        guard SSL_CTX_use_PrivateKey_file(context, configuration.keyFile, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(context) == 1
        else { throw .key(file: configuration.keyFile, reason: lastReason()) }
    }

    private static func lastReason() -> String {
        guard let text = ERR_reason_error_string(ERR_peek_last_error()) else { return "cannot be read" }
        return String(cString: text)
    }

    private static func expiry(_ context: OpaquePointer) -> Timestamp? {
        guard let certificate = SSL_CTX_get0_certificate(context), let end = X509_get0_notAfter(certificate) else {
            return nil
        }
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, end) == 1 else { return nil }
        return Timestamp(seconds: Int64(days) * 86_400 + Int64(seconds))
    }

    /// The first of ours that the peer offers; an offer without any of them gets the alert (RFC 7301 §3.2).
    private static let selectProtocol:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
            UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, chosen, chosenLength, offer, offerLength, _ in
            guard let offer, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            for known in protocols {
                var index = 0
                while index < Int(offerLength) {
                    let length = Int(offer[index])
                    let start = index + 1
                    guard start + length <= Int(offerLength) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                    if length == known.utf8CodeUnitCount,
                        (0..<length).allSatisfy({ offer[start + $0] == known.utf8Start[$0] })
                    {
                        chosen.pointee = offer + start
                        chosenLength.pointee = UInt8(length)
                        return SSL_TLSEXT_ERR_OK
                    }
                    index = start + length
                }
            }
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }

    private nonisolated static let protocols: [StaticString] = ["h2", "http/1.1"]
}
