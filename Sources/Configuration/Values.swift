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
}
