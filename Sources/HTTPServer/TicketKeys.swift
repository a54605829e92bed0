// Keys of session tickets, the same in all replicas: derived from the configured secrets and the UTC day.

import CSSL
import EventLoop
import Glibc

/// Makes and finds ticket keys. Tickets of yesterday are taken and renewed.
@IO
final class TicketKeys {
    /// Name, cipher key and MAC key: 80 bytes of HKDF output.
    private struct Key {
        var name: [UInt8]
        var cipher: [UInt8]
        var mac: [UInt8]
    }

    /// The UTC day since 1970; tests set another one.
    var today: @IO () -> Int64 = { WallClock.now.seconds / 86_400 }
    private let secrets: [[UInt8]]
    private var day: Int64 = -1
    /// The one in use first.
    private var keys: [Key] = []

    init(secrets: [[UInt8]]) {
        if secrets.isEmpty {
            var random = [UInt8](repeating: 0, count: 32)
            RAND_bytes(&random, 32)
            self.secrets = [random]
        } else {
            self.secrets = secrets
        }
    }

    /// OpenSSL's question about a ticket: 1 use, 2 use and renew, 0 unknown, -1 failure.
    ///
    /// Found through ex_data 0 of the context, which `TLSContext` sets before any connection.
    static let callback:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?,
            Int32
        ) -> Int32 = { ssl, name, vector, cipher, mac, isEncrypting in
            guard let ssl, let context = SSL_get_SSL_CTX(ssl), let user = SSL_CTX_get_ex_data(context, 0) else {
                return -1
            }
            let addresses = [
                UInt(bitPattern: user), UInt(bitPattern: name), UInt(bitPattern: vector), UInt(bitPattern: cipher),
                UInt(bitPattern: mac),
            ]
            return IO.assume {
                guard let user = UnsafeRawPointer(bitPattern: addresses[0]),
                    let name = UnsafeMutablePointer<UInt8>(bitPattern: addresses[1]),
                    let vector = UnsafeMutablePointer<UInt8>(bitPattern: addresses[2]),
                    let cipher = OpaquePointer(bitPattern: addresses[3]),
                    let mac = OpaquePointer(bitPattern: addresses[4])
                else { return -1 }
                let keys = Unmanaged<TicketKeys>.fromOpaque(user).takeUnretainedValue()
                return isEncrypting == 1
                    ? keys.encrypt(name, vector, cipher, mac) : keys.decrypt(name, vector, cipher, mac)
            }
        }

    private func encrypt(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
        _ mac: OpaquePointer
    ) -> Int32 {
        refresh()
        guard let key = keys.first, RAND_bytes(vector, 16) == 1 else { return -1 }
        for (index, byte) in key.name.enumerated() { name[index] = byte }
        guard EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipher, vector) == 1, setMAC(mac, key) else {
            return -1
        }
        return 1
    }

    private func decrypt(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
        _ mac: OpaquePointer
    ) -> Int32 {
        refresh()
        guard let index = keys.firstIndex(where: { memcmp($0.name, name, 16) == 0 }) else { return 0 }
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, keys[index].cipher, vector) == 1,
            setMAC(mac, keys[index])
        else { return -1 }
        return index == 0 ? 1 : 2
    }

    private func setMAC(_ mac: OpaquePointer, _ key: Key) -> Bool {
        var secret = key.mac
        // Names are pointed at, not copied: only literals live long enough.
        let names: (key: StaticString, digest: StaticString, sha256: StaticString) = ("key", "digest", "SHA256")
        return secret.withUnsafeMutableBufferPointer { secret in
            let parameters = [
                OSSL_PARAM_construct_octet_string(Self.text(names.key), secret.baseAddress, secret.count),
                OSSL_PARAM_construct_utf8_string(
                    Self.text(names.digest), UnsafeMutablePointer(mutating: Self.text(names.sha256)), 0),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_MAC_CTX_set_params(mac, parameters) == 1
        }
    }

    private static func text(_ literal: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func refresh() {
        let today = today()
        guard today != day else { return }
        day = today
        keys = [today, today - 1].flatMap { day in secrets.compactMap { Self.derive($0, day: day) } }
    }

    private static func derive(_ secret: [UInt8], day: Int64) -> Key? {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        let salt = Array("tickets".utf8)
        let subject = Array(String(day).utf8)
        var output = [UInt8](repeating: 0, count: 80)
        var length = output.count
        guard EVP_PKEY_derive_init(context) == 1,
            EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1,
            EVP_PKEY_CTX_set1_hkdf_key(context, secret, Int32(secret.count)) == 1,
            EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1,
            EVP_PKEY_CTX_add1_hkdf_info(context, subject, Int32(subject.count)) == 1,
            EVP_PKEY_derive(context, &output, &length) == 1
        else { return nil }
        return Key(name: Array(output[0..<16]), cipher: Array(output[16..<48]), mac: Array(output[48..<80]))
    }
}
