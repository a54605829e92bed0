// Text → value for tokens, secrets, URLs and addresses.

extension Parser where Value == String {
    /// `<digits>:<secret>`
    static var botToken: Parser {
        Parser { (text, _) throws(Malformed) in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, decimal(String(parts[0])) != nil, !parts[1].isEmpty, isPlain(parts[1]) else {
                throw Malformed(
                    text:
                        "\(text.count) characters that are not DIGITS:SECRET. Get it from BotFather: /mybots, API Token."
                )
            }
            return text
        }
    }

    /// Origin (and path) of a Bot API server.
    static var apiBase: Parser {
        Parser { (text, shown) throws(Malformed) in
            let text = text.hasSuffix("/") ? String(text.dropLast()) : text
            guard let parts = URLParts(text), parts.scheme == "https" || parts.scheme == "http", !parts.hasUserInfo,
                !text.contains("?"), !text.contains("#")
            else {
                throw Malformed(text: "\(shown) is not a URL of a server. Use https://HOST or http://127.0.0.1:PORT.")
            }
            return text
        }
    }
}

extension Parser where Value == [String] {
    /// One secret of the webhook, or two with a comma between.
    static var webhookSecrets: Parser {
        Parser { (text, _) throws(Malformed) in
            let secrets = text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
            let want = "Telegram wants 1-256 of A-Z a-z 0-9 _ -, we want at least 16. Try: openssl rand -hex 24"
            guard secrets.count <= 2 else {
                throw Malformed(text: "\(secrets.count) values; one is wanted, or two as NEW,OLD.")
            }
            for secret in secrets {
                guard isPlain(secret[...]) else { throw Malformed(text: "a character that Telegram refuses; \(want)") }
                guard (16...256).contains(secret.utf8.count) else {
                    throw Malformed(text: "\(secret.utf8.count) characters; \(want)")
                }
            }
            return secrets
        }
    }
}

extension Parser where Value == PublicURL {
    /// The https origin.
    static var publicURL: Parser {
        Parser { (text, shown) throws(Malformed) in
            guard let parts = URLParts(text), parts.scheme == "https", !parts.hasUserInfo,
                parts.rest.isEmpty || parts.rest == "/"
            else { throw Malformed(text: "\(shown) is not an https origin. Use https://HOST or https://HOST:8443.") }
            let port = parts.port ?? 443
            guard [443, 80, 88, 8443].contains(port) else {
                throw Malformed(text: "port \(port) is not one that Telegram calls. Use 443, 80, 88 or 8443.")
            }
            return PublicURL(host: parts.host, port: port)
        }
    }
}

extension Parser where Value == [ListenEntry] {
    /// Addresses with commas between. Bare ones get their scheme later: it depends on TLS_CERT_FILE.
    static func listen(bareIsTLS: Bool) -> Parser {
        Parser { (text, shown) throws(Malformed) in
            var entries: [ListenEntry] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let address = trimmed(part)
                let full = address.contains("://") ? address : (bareIsTLS ? "https://" : "http://") + address
                guard let parts = URLParts(full), parts.scheme == "http" || parts.scheme == "https", !parts.hasUserInfo,
                    parts.rest.isEmpty, let port = parts.port
                else {
                    throw Malformed(
                        text: "\(shown) is not a list of addresses. "
                            + "Use http://HOST:PORT or https://HOST:PORT, with commas between.")
                }
                entries.append(ListenEntry(host: parts.host, port: port, isTLS: parts.scheme == "https"))
            }
            return entries
        }
    }
}

extension Parser where Value == DatabaseURL {
    /// Both engines, with or without the driver suffix that other languages' URLs carry (`postgresql+asyncpg`).
    static var database: Parser {
        Parser { (text, _) throws(Malformed) in
            let unsupported = Malformed(
                text: "\(DatabaseURL.named(text)) is not a URL of a supported kind. "
                    + "Use sqlite:PATH or postgres://USER:PASS@HOST/DB.")
            guard let colon = text.firstIndex(of: ":") else { throw unsupported }
            let scheme = text[..<colon].prefix { $0 != "+" }
            let rest = text[text.index(after: colon)...]
            switch scheme {
            case "sqlite":
                guard rest.hasPrefix("//") else {
                    if rest.isEmpty { throw unsupported }
                    return .sqlite(path: String(rest))
                }
                // Three and four slashes are the same absolute path.
                guard rest.hasPrefix("///") else { throw unsupported }
                let path = "/" + rest.drop { $0 == "/" }
                if path == "/" { throw unsupported }
                return .sqlite(path: path)
            case "postgres", "postgresql":
                guard rest.hasPrefix("//"), rest.utf8.count > 2 else { throw unsupported }
                guard hasKnownSSLMode(rest) else {
                    throw Malformed(text: "its sslmode is not one of \(sslModes.joined(separator: ", ")).")
                }
                return .postgres(url: "postgresql:" + rest)
            default: throw unsupported
            }
        }
    }

    private static let sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

    private static func hasKnownSSLMode(_ text: Substring) -> Bool {
        guard let parameter = text.firstRange(of: "sslmode=") else { return true }
        let mode = text[parameter.upperBound...].prefix { $0 != "&" }
        return sslModes.contains(String(mode))
    }
}

/// The parts of `scheme://[user@]host[:port][rest]`.
struct URLParts {
    let scheme: String
    let host: String
    let port: Int?
    let hasUserInfo: Bool
    /// Path, query and fragment.
    let rest: Substring

    init?(_ text: String) {
        guard let separator = text.firstRange(of: "://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        scheme = text[..<separator.lowerBound].lowercased()
        let behind = text[separator.upperBound...]
        let authority = behind.prefix { !"/?#".contains($0) }
        rest = behind[authority.endIndex...]
        let at = authority.lastIndex(of: "@")
        hasUserInfo = at != nil
        let address = at.map { authority[authority.index(after: $0)...] } ?? authority
        let portText: Substring
        if address.hasPrefix("[") {
            guard let bracket = address.firstIndex(of: "]") else { return nil }
            host = String(address[address.index(after: address.startIndex)..<bracket])
            portText = address[address.index(after: bracket)...]
        } else {
            host = String(address.prefix { $0 != ":" })
            portText = address[address.index(address.startIndex, offsetBy: host.count)...]
            guard host.utf8.allSatisfy({ Self.isHostByte($0) }) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        if portText.isEmpty {
            port = nil
        } else {
            guard portText.hasPrefix(":"), let number = decimal(String(portText.dropFirst())), number <= 65_535 else {
                return nil
            }
            port = number
        }
    }

    /// Whether the host can only be this machine.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3A })
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || "-._".utf8.contains(byte)
    }
}

/// Whether the text has only what Telegram allows in a secret.
private func isPlain(_ text: Substring) -> Bool {
    text.utf8.allSatisfy {
        $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
}
