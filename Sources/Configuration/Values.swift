// The small types that settings are read into.

/// One address of `LISTEN`.
public struct ListenEntry: Equatable, Sendable {
    /// Name or address, without brackets.
    public let host: String
    /// The port; 0 lets the system choose.
    public internal(set) var port: Int
    /// Whether TLS is spoken.
    public let isTLS: Bool
}

/// The origin under which Telegram reaches us.
public struct PublicURL: Equatable, Sendable {
    /// Name or address.
    public let host: String
    /// 443, 80, 88 or 8443.
    public let port: Int

    /// `https://host`, with the port unless it is 443.
    public var text: String { port == 443 ? "https://\(host)" : "https://\(host):\(port)" }
}

/// So many messages in so many seconds.
public struct Rate: Equatable, Sendable {
    /// How many; 0 means no limit.
    public let count: Int
    /// In how many seconds.
    public let perSeconds: Int

    /// No limit.
    public static let unlimited = Rate(count: 0, perSeconds: 1)
    /// Whether there is no limit.
    public var isUnlimited: Bool { count == 0 }
}

/// Which rules hold: production refuses what only tries things out.
public enum ServiceEnvironment: String, Equatable, Sendable, CaseIterable {
    /// For trying out.
    case development
    /// For people.
    case production
}

/// Which lines are logged.
public enum LogVerbosity: String, Equatable, Sendable, CaseIterable {
    /// All.
    case debug
    /// Life cycle and worse.
    case info
    /// What degrades, and errors.
    case warning
    /// Only what someone must act on.
    case error
}

/// How lines look.
public enum LogStyle: String, Equatable, Sendable, CaseIterable {
    /// Pretty on a terminal, else JSON.
    case auto
    /// For people.
    case pretty
    /// One object a line.
    case json
}

/// Which database, as its driver wants it.
public enum DatabaseURL: Equatable, Sendable {
    /// A file, or `:memory:`.
    case sqlite(path: String)
    /// A URL for libpq, with the password.
    case postgres(url: String)

    /// Whether it is SQLite.
    public var isSQLite: Bool { if case .sqlite = self { true } else { false } }

    /// The password in a URL's authority, if it has one.
    static func password(in url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "?" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return nil
        }
        let password = authority[authority.index(after: colon)..<at]
        return password.isEmpty ? nil : String(password)
    }

    /// Without a host the password may be anywhere: what is behind a second colon is shown only if it is a port.
    private static func withoutTail(_ text: String) -> String {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text }
        // `kind:user` and `user:password` look alike, unless a path follows.
        guard parts[1].hasPrefix("/") || parts[0] == "sqlite" else { return parts[0] + ":***" }
        guard parts.count == 3, parts[0] != "sqlite", !parts[1].hasPrefix("//[") else { return text }
        let port = parts[2].prefix { !"/?#".contains($0) }
        guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return parts[0] + ":" + parts[1] + ":***"
        }
        return text
    }

    /// The text without what may be a password, also when it is not a URL.
    static func masked(_ text: String) -> String {
        var result = text
        if let at = result.lastIndex(of: "@") {
            var start = result.startIndex
            if let colon = result[..<at].firstIndex(of: ":") {
                start = result.index(after: colon)
                if result[start..<at].hasPrefix("//") { start = result.index(start, offsetBy: 2) }
            }
            if start < at { result.replaceSubrange(start..<at, with: "***") }
        } else {
            result = withoutTail(result)
        }
        // libpq takes the password as a parameter too.
        if let parameter = result.firstRange(of: "password=") {
            let end = result[parameter.upperBound...].firstIndex { $0 == "&" || $0 == " " } ?? result.endIndex
            result.replaceSubrange(parameter.upperBound..<end, with: "***")
        }
        return result
    }
}
