// Takes secrets out of text before it is written: the configured ones, and bot tokens wherever they stand.
// Pure. The reason for the second rule: URLs of the Bot API carry the token in their path, also in libraries' errors.

/// Replaces secrets in text by `[redacted]`, and whatever looks like a token of a bot.
public struct Redactor: Sendable {
    static let mark = Array("[redacted]".utf8)
    /// Shorter ones would blank out ordinary words, and protect nothing.
    private static let shortestSecret = 4

    /// Longest first, so that a secret inside another does not leave the rest of it standing.
    private let secrets: [[UInt8]]

    /// Knows those secrets; ones of less than four characters would blank out ordinary words.
    public init(secrets: [String]) {
        var all: Set<[UInt8]> = []
        for secret in secrets {
            all.insert(Array(secret.utf8))
            // The part of a token behind its colon is the secret; the digits are the bot's public id.
            if let colon = secret.firstIndex(of: ":") { all.insert(Array(secret[secret.index(after: colon)...].utf8)) }
        }
        self.secrets = all.filter { $0.count >= Self.shortestSecret }.sorted {
            $0.count != $1.count ? $0.count > $1.count : $0.lexicographicallyPrecedes($1)
        }
    }

    /// The text without secrets.
    public func redact(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        var isChanged = false
        while index < bytes.count {
            if let end = secretEnd(bytes, at: index) ?? tokenEnd(bytes, at: index) {
                result += Self.mark
                index = end
                isChanged = true
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return isChanged ? String(decoding: result, as: UTF8.self) : text
    }

    private func secretEnd(_ bytes: [UInt8], at start: Int) -> Int? {
        for secret in secrets where bytes[start] == secret[0] && bytes[start...].starts(with: secret) {
            return start + secret.count
        }
        return nil
    }

    /// Behind `bot<digits>:<token>` of a path, or behind a token that stands alone.
    private func tokenEnd(_ bytes: [UInt8], at start: Int) -> Int? {
        let isPath = bytes[start...].starts(with: "/bot".utf8)
        guard isPath || Self.isDigit(bytes[start]) else { return nil }
        // Only whole numbers begin a token, else its later digits would match again.
        if !isPath, start > 0, Self.isDigit(bytes[start - 1]) { return nil }
        var index = start + (isPath ? 4 : 0)
        let firstDigit = index
        while index < bytes.count, Self.isDigit(bytes[index]) { index += 1 }
        let digits = index - firstDigit
        if index < bytes.count, bytes[index] == UInt8(ascii: ":") {
            index += 1
        } else if bytes[index...].starts(with: "%3A".utf8) || bytes[index...].starts(with: "%3a".utf8) {
            index += 3
        } else {
            return nil
        }
        let firstOfToken = index
        while index < bytes.count, Self.isTokenByte(bytes[index]) { index += 1 }
        let length = index - firstOfToken
        return isPath ? (digits > 0 && length > 0 ? index : nil) : (digits >= 5 && length >= 30 ? index : nil)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
