// The pair made when none is configured: EC P-256, made by OpenSSL in the process, no program called.

import CSSL
import Glibc

/// Makes a self-signed certificate beside its key.
public enum SelfSignedCertificate {
    /// Makes the pair for `host`, valid for 825 days, unless one is there that is for `host` and has not ended.
    ///
    /// It also names this machine, so that trying things out between does not replace the one Telegram was told.
    /// The key has mode 600.
    ///
    /// Files appear whole or not at all. Blocks for some milliseconds: for the start of the process.
    public static func ensure(
        certificateFile: String, keyFile: String, host: String
    ) throws(HTTPServerError) {
        if access(keyFile, R_OK) == 0, isUsable(certificateFile, host: host) { return }
        guard let key = makeKey() else { throw .key(file: keyFile, reason: "cannot be made") }
        defer { EVP_PKEY_free(key) }
        guard let certificate = makeCertificate(key: key, host: host) else {
            throw .certificate(file: certificateFile, reason: "cannot be made")
        }
        defer { X509_free(certificate) }
        let keyText = pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        let certificateText = pem { PEM_write_bio_X509($0, certificate) }
        guard write(keyText, to: keyFile, mode: 0o600) else {
            throw .key(file: keyFile, reason: String(cString: strerror(errno)))
        }
        guard write(certificateText, to: certificateFile, mode: 0o644) else {
            throw .certificate(file: certificateFile, reason: String(cString: strerror(errno)))
        }
    }

    /// Whether the file has a certificate that names `host` and has not ended.
    private static func isUsable(_ file: String, host: String) -> Bool {
        ERR_clear_error()
        guard let input = BIO_new_file(file, "r") else { return false }
        defer { BIO_free(input) }
        guard let certificate = PEM_read_bio_X509(input, nil, nil, nil) else { return false }
        defer { X509_free(certificate) }
        guard X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 else { return false }
        return isAddress(host)
            ? X509_check_ip_asc(certificate, host, 0) == 1 : X509_check_host(certificate, host, 0, 0, nil) == 1
    }

    private static func makeKey() -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(context, &key) == 1
        else { return nil }
        return key
    }

    private static func makeCertificate(key: OpaquePointer, host: String) -> OpaquePointer? {
        guard let certificate = X509_new() else { return nil }
        var isDone = false
        defer { if !isDone { X509_free(certificate) } }
        var serial = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&serial, 16) == 1 else { return nil }
        // Positive and not zero (RFC 5280 §4.1.2.2).
        serial[0] = serial[0] & 0x7F | 0x40
        guard let number = BN_bin2bn(serial, 16, nil) else { return nil }
        defer { BN_free(number) }
        guard X509_set_version(certificate, 2) == 1,
            BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
            X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil,
            X509_gmtime_adj(X509_getm_notAfter(certificate), 825 * 86_400) != nil,
            X509_set_pubkey(certificate, key) == 1,
            let name = X509_get_subject_name(certificate),
            X509_NAME_add_entry_by_txt(name, "CN", Int32(0x1001), String(host.prefix(64)), -1, -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1,
            add("critical,CA:TRUE", NID_basic_constraints, to: certificate),
            add("serverAuth", NID_ext_key_usage, to: certificate),
            add(alternativeName(host), NID_subject_alt_name, to: certificate),
            X509_sign(certificate, key, EVP_sha256()) > 0
        else { return nil }
        isDone = true
        return certificate
    }

    private static func alternativeName(_ host: String) -> String {
        let own = isAddress(host) ? "IP:\(host)" : "DNS:\(host)"
        return ([own] + ["DNS:localhost", "IP:127.0.0.1", "IP:::1"].filter { $0 != own }).joined(separator: ",")
    }

    private static func isAddress(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    private static func add(_ value: String, _ kind: Int32, to certificate: OpaquePointer) -> Bool {
        guard let field = X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
        defer { X509_EXTENSION_free(field) }
        return X509_add_ext(certificate, field, -1) == 1
    }

    private static func pem(_ body: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let memory = BIO_new(BIO_s_mem()) else { return [] }
        defer { BIO_free(memory) }
        guard body(memory) == 1 else { return [] }
        var text = [UInt8](repeating: 0, count: 16 << 10)
        let count = BIO_read(memory, &text, Int32(text.count))
        return Array(text.prefix(Int(max(0, count))))
    }

    /// Through a file beside it, so that a crash leaves no half.
    private static func write(_ bytes: [UInt8], to file: String, mode: mode_t) -> Bool {
        let temporary = "\(file).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0, !bytes.isEmpty else { return false }
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        return isWritten && rename(temporary, file) == 0
    }
}
