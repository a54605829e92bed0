// Configuration: the environment as one typed value. Knows names, defaults and rules; starts nothing.
//
// Invariants of the room:
// - `Setting.all` is the one list: parsing, defaults, the documentation and `nezuko config` come from it.
// - Pure: environment, `.env` and files are arguments.
// - A problem's text never holds a secret.

/// Everything that can be set, with its default where nothing was.
public struct Configuration: Equatable, Sendable {
    /// Token of the bot; without it the simulator runs.
    public internal(set) var botToken: String?
    /// The https origin that Telegram sees; without it the bot polls.
    public internal(set) var publicURL: PublicURL?
    /// The webhook's secrets as given, the one to set first; empty: derive with `WebhookSecret.derive`.
    public internal(set) var webhookSecrets: [String] = []
    /// Where the main server listens.
    public internal(set) var listen: [ListenEntry] = []
    /// Replaces the port of the first entry; already done in `listen`.
    var port: Int?
    /// Certificate chain for the https entries; without it the self-signed pair in `stateDirectory`.
    public internal(set) var tlsCertificateFile: String?
    /// Key of that certificate.
    public internal(set) var tlsKeyFile: String?
    /// Whether metrics and probes have their port.
    public internal(set) var metricsEnabled = false
    /// That port.
    public internal(set) var metricsPort = 0
    /// The address of that port.
    public internal(set) var metricsHost = ""
    /// Directory of database, keys and lock.
    public internal(set) var stateDirectory = ""
    /// Which database.
    public internal(set) var database = DatabaseURL.sqlite(path: "")
    var databaseGiven: DatabaseURL?
    /// PostgreSQL connections of this process.
    public internal(set) var databasePoolMaximum = 0
    /// Connections to the main server.
    public internal(set) var httpMaximumConnections = 0
    /// Bytes of one request's body.
    public internal(set) var httpMaximumBodyBytes = 0
    /// Buffered bytes of all requests.
    public internal(set) var httpBufferTotalBytes = 0
    /// Seconds of keep-alive.
    public internal(set) var httpIdleTimeoutSeconds = 0
    /// Updates being handled at once.
    public internal(set) var maximumInflightUpdates = 0
    /// Seconds for which a good answer about a membership is believed.
    public internal(set) var cachePositiveTTLSeconds = 0
    /// By how many percent that varies.
    public internal(set) var cacheJitterPercent = 0
    /// Origin of the Bot API, without a slash at the end.
    public internal(set) var telegramBaseURL = ""
    /// Whether that may be http beyond loopback.
    var telegramAllowsHTTP = false
    /// Seconds for one attempt of a Bot API call.
    public internal(set) var telegramTimeoutSeconds = 0
    /// Path of the webhook.
    public internal(set) var webhookPath = ""
    /// Connections that Telegram may open.
    public internal(set) var webhookMaximumConnections = 0
    /// Whether to migrate at start.
    public internal(set) var migratesAutomatically = false
    var autoMigrateGiven: Bool?
    /// Messages to all chats.
    public internal(set) var rateGlobal = Rate.unlimited
    /// Messages to one group.
    public internal(set) var rateGroup = Rate.unlimited
    /// Messages to one person.
    public internal(set) var ratePrivate = Rate.unlimited
    /// Bearer token of `/jobs/*`; without it these paths do not exist.
    public internal(set) var jobsToken: String?
    /// Seconds between member syncs of the in-process scheduler; 0: it is off.
    public internal(set) var memberSyncIntervalSeconds = 0
    /// Days for which rows of the raw logs are kept.
    public internal(set) var retentionDays = 0
    /// Rows of the call log written at once.
    public internal(set) var apiLogBatch = 0
    /// Milliseconds after which fewer are written.
    public internal(set) var apiLogFlushMilliseconds = 0
    /// Rows that may wait.
    public internal(set) var apiLogQueue = 0
    /// Whether the HTTP answer waits for the rows.
    public internal(set) var apiLogSyncFlush = false
    /// Owners of this service.
    public internal(set) var adminIDs: [Int64] = []
    /// Which rules hold.
    public internal(set) var environment = ServiceEnvironment.development
    /// Which lines are logged.
    public internal(set) var logLevel = LogVerbosity.info
    /// How they look.
    public internal(set) var logFormat = LogStyle.auto
    /// Seconds for an orderly end.
    public internal(set) var shutdownGraceSeconds = 0

    /// Name and effective text of each setting, in the table's order, secrets masked.
    public internal(set) var printedValues: [PrintedSetting] = []

    init() {}

    /// Every secret in here, for the log's redaction.
    public var secrets: [String] {
        var all = webhookSecrets
        if let botToken { all.append(botToken) }
        if let jobsToken { all.append(jobsToken) }
        if case .postgres(let url) = database { all += DatabaseURL.passwords(in: url) }
        return all
    }

    /// The effective settings as `NAME=value` lines with secrets masked, for `nezuko config --print`.
    public func printed() -> String {
        printedValues.map { "\($0.name)=\($0.text)\n" }.joined()
    }
}

/// One line of `nezuko config --print`.
public struct PrintedSetting: Equatable, Sendable {
    /// The variable.
    public let name: String
    /// Its effective value, masked if secret, empty if unset.
    public let text: String
}

/// Everything that is wrong with an environment, at once.
public struct ConfigurationProblems: Error, Equatable, CustomStringConvertible {
    /// One line each, without `config: `.
    public let problems: [String]

    /// The lines as they are printed before exit 2.
    public var lines: [String] { problems.map { "config: " + $0 } }

    /// All lines.
    public var description: String { lines.joined(separator: "\n") }
}
