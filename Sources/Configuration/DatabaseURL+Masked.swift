// What of a database's URL may be seen. A list of what is shown, since a password that is mistyped may be anywhere.

extension DatabaseURL {
    /// Kinds of databases and of other URLs that somebody may write here, so that a problem can name them.
    private static let knownSchemes: Set<String> = [
        "sqlite", "postgres", "postgresql", "mysql", "mariadb", "mongodb", "mssql", "redis", "rediss", "jdbc", "file",
        "http", "https",
    ]

    /// The passwords in a URL for libpq, as they stand there: in the authority, and as parameters.
    static func passwords(in url: String) -> [String] {
        var passwords: [Substring] = []
        if let scheme = url.firstRange(of: "://") {
            let authority = url[scheme.upperBound...].prefix { $0 != "?" }
            if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
                passwords.append(authority[authority.index(after: colon)..<at])
            }
        }
        for parameter in url.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
            if parameter.hasPrefix("password=") { passwords.append(parameter.dropFirst("password=".count)) }
        }
        return passwords.filter { !$0.isEmpty }.map(String.init)
    }

    /// How a text that is not understood is named in a problem: by its kind alone.
    static func named(_ text: String) -> String {
        let scheme = text.prefix { $0 != ":" && $0 != "+" }
        guard scheme.endIndex < text.endIndex, knownSchemes.contains(String(scheme)) else {
            return "a text of \(text.count) characters"
        }
        return "\"\(scheme):***\""
    }

    /// The text of a valid URL without what is or may be a password: path, or host, port, database and `sslmode`.
    static func masked(_ text: String) -> String {
        if text.hasPrefix("sqlite:") {
            return text.contains("@") || text.contains("?") ? "sqlite:***" : text
        }
        guard let parts = URLParts(text), let tail = maskedTail(parts.rest), parts.host.utf8.allSatisfy(isAddressByte)
        else { return "postgres:***" }
        let host = parts.host.contains(":") ? "[\(parts.host)]" : parts.host
        let port = parts.port.map { ":\($0)" } ?? ""
        return "postgres://" + (parts.hasUserInfo ? "***@" : "") + host + port + tail
    }

    /// Path and parameters as they may be shown; nil if that is no database's name, and so may be half a password.
    private static func maskedTail(_ rest: Substring) -> String? {
        let halves = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = halves.first ?? ""
        guard path.utf8.dropFirst().allSatisfy(isNameByte), path.isEmpty || path.hasPrefix("/") else { return nil }
        guard halves.count == 2 else { return String(path) }
        let shown = halves[1].split(separator: "&").map { parameter in
            parameter.hasPrefix("sslmode=") && parameter.utf8.dropFirst(8).allSatisfy(isNameByte)
                ? String(parameter) : "***"
        }
        return path + "?" + shown.joined(separator: "&")
    }

    /// Whether a byte is one of an address, IPv6 and its zones included.
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || "-._".utf8.contains(byte)
    }
}
