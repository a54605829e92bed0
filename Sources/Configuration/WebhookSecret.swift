// Keys made out of other keys, by HKDF (RFC 5869) with SHA-256.

import CSSL

/// OpenSSL could not derive a key: it is broken or out of memory.
public enum KeyDerivationError: Error, Equatable {
    /// `EVP_PKEY_derive` or a call before it failed.
    case failed
}

/// HKDF-SHA-256.
public enum KeyDerivation {
    /// `length` bytes made of `secret`; other `info`, other bytes.
    public static func hkdf(
        secret: [UInt8], salt: [UInt8] = [], info: [UInt8], length: Int
    ) throws(KeyDerivationError) -> [UInt8] {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else { throw .failed }
        defer { EVP_PKEY_CTX_free(context) }
        var result = [UInt8](repeating: 0, count: length)
        var resultLength = length
        guard EVP_PKEY_derive_init(context) > 0,
            EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) > 0,
            EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) > 0,
            EVP_PKEY_CTX_set1_hkdf_key(context, secret, Int32(secret.count)) > 0,
            EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) > 0,
            EVP_PKEY_derive(context, &result, &resultLength) > 0, resultLength == length
        else { throw .failed }
        return result
    }
}

/// The webhook's secret when none is given.
public enum WebhookSecret {
    /// 48 hexadecimal digits, the same on every replica with this token; the token cannot be found from them.
    public static func derive(token: String) throws(KeyDerivationError) -> String {
        let bytes = try KeyDerivation.hkdf(
            secret: Array(token.utf8), info: Array("nezuko webhook secret".utf8), length: 24)
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
