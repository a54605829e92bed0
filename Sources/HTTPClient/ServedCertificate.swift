// What certificate a server shows to whoever connects: looked at as Telegram's side does, and nothing is asked there.

import CSSL
import CShims
import EventLoop
import Glibc

/// The certificate that a server presents, judged against the system's roots, or others.
public struct ServedCertificate: Sendable, Equatable {
    /// How far it can be trusted.
    public enum Chain: Sendable, Equatable {
        /// Up to a known root.
        case whole
        /// It is signed by itself.
        case selfSigned
        /// An intermediate certificate is missing, or the root is not known.
        case incomplete
        /// Something else, in OpenSSL's words.
        case refused(String)
    }

    /// How far it can be trusted.
    public var chain: Chain
    /// Whether it is for the name or address that was asked for.
    public var fitsName: Bool
    /// When it ends.
    public var end: Timestamp
    /// SHA-256 of the certificate itself.
    public var fingerprint: [UInt8]

    /// Why no certificate was seen.
    public enum Failure: Error, Equatable, Sendable {
        /// The name has no address.
        case resolve
        /// Nobody listens there, or nobody answers.
        case connect
        /// What answers speaks no TLS, or ends the handshake.
        case handshake
        /// OpenSSL refused to begin.
        case library
    }

    /// Connects, shakes hands and leaves. What would be refused is seen too.
    ///
    /// - Parameters:
    ///   - host: name or address, without brackets.
    ///   - roots: certificates in PEM to trust instead of the system's.
    ///   - milliseconds: for each step of the way: connection, and each wait of the handshake.
    @IO
    public static func shown(
        by host: String, port: Int, trusting roots: [UInt8]? = nil, milliseconds: Int64
    ) async throws(Failure) -> ServedCertificate {
        let addresses = await HostAddresses.of(host)
        // Telegram uses IPv4 (bots/api#setwebhook), so what stands there counts.
        guard let address = addresses.first(where: { !$0.contains(":") }) ?? addresses.first else { throw .resolve }
        return try await offload { () throws(Failure) in
            let descriptor = try connect(address, port, milliseconds)
            defer { close(descriptor) }
            return try shakeHands(descriptor, host, roots)
        }
    }

    /// SHA-256 of the first certificate of a PEM text; `nil` when there is none.
    public static func fingerprint(pem: [UInt8]) -> [UInt8]? {
        guard let certificate = certificates(in: pem).first else { return nil }
        return certificate.digest
    }

    // MARK: - On a thread that may wait

    private static func connect(_ address: String, _ port: Int, _ milliseconds: Int64) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &list) == 0, let target = list else { throw .resolve }
        defer { freeaddrinfo(list) }
        let descriptor = socket(target.pointee.ai_family, target.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .connect }
        // Linux lets the limit for sending count for connecting too (socket(7)).
        var limit = timeval(tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000) * 1000)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard Glibc.connect(descriptor, target.pointee.ai_addr, target.pointee.ai_addrlen) == 0 else {
            close(descriptor)
            throw .connect
        }
        return descriptor
    }

    private static func shakeHands(
        _ descriptor: Int32, _ host: String, _ roots: [UInt8]?
    ) throws(Failure) -> ServedCertificate {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .library }
        defer { SSL_CTX_free(context) }
        if let roots {
            for root in certificates(in: roots) { X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.pointer) }
        } else {
            guard SSL_CTX_set_default_verify_paths(context) == 1 else { throw .library }
        }
        // A bad certificate is what is to be seen, so it does not end the handshake.
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        guard let connection = SSL_new(context) else { throw .library }
        defer { SSL_free(connection) }
        let isName = !isAddress(host)
        if isName, nezuko_ssl_set_host_name(connection, host) != 1 { throw .library }
        ERR_clear_error()
        guard SSL_set_fd(connection, descriptor) == 1 else { throw .library }
        guard SSL_connect(connection) == 1, let shown = SSL_get1_peer_certificate(connection) else { throw .handshake }
        let certificate = Certificate(shown)
        let fits = isName ? X509_check_host(shown, host, 0, 0, nil) : X509_check_ip_asc(shown, host, 0)
        guard let end = certificate.end, let digest = certificate.digest else { throw .library }
        let chain = chain(SSL_get_verify_result(connection))
        SSL_shutdown(connection)
        return ServedCertificate(chain: chain, fitsName: fits == 1, end: end, fingerprint: digest)
    }

    private static func chain(_ result: Int) -> Chain {
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_OK: .whole
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            .incomplete
        default: .refused(String(cString: X509_verify_cert_error_string(result)))
        }
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    private static func certificates(in pem: [UInt8]) -> [Certificate] {
        guard let input = BIO_new_mem_buf(pem, Int32(pem.count)) else { return [] }
        defer { BIO_free(input) }
        var found: [Certificate] = []
        while let pointer = PEM_read_bio_X509(input, nil, nil, nil) { found.append(Certificate(pointer)) }
        // The end of the text is an error to OpenSSL.
        ERR_clear_error()
        return found
    }
}

/// OpenSSL's certificate: freed with this value, which the thread that made it keeps.
private final class Certificate {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_free(pointer) }

    var digest: [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(pointer, EVP_sha256(), &bytes, &count) == 1 else { return nil }
        return Array(bytes.prefix(Int(count)))
    }

    var end: Timestamp? {
        var parts = tm()
        guard let end = X509_get0_notAfter(pointer), ASN1_TIME_to_tm(end, &parts) == 1 else { return nil }
        return Timestamp(seconds: Int64(timegm(&parts)))
    }
}
