// One setting: its name, default, meaning and how its text gets into `Configuration`.

/// A row of the table.
struct Setting: Sendable {
    let name: String
    /// Read like a given text when nothing is given; empty: the field stays as it is.
    let defaultText: String
    let meaning: String
    /// Secrets are masked, never quoted in a problem, and can come from a file.
    let isSecret: Bool
    let apply: @Sendable (_ text: String, _ configuration: inout Configuration) throws(Malformed) -> Void

    /// A setting with a default, or one whose field is empty without it.
    init<Value>(
        _ name: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ parser: Parser<Value>,
        default defaultText: String, isSecret: Bool = false, _ meaning: String
    ) {
        self.name = name
        self.defaultText = defaultText
        self.meaning = meaning
        self.isSecret = isSecret
        apply = { (text, configuration) throws(Malformed) in
            configuration[keyPath: field] = try parser.parse(text, isSecret ? "the value" : "\"\(text)\"")
        }
    }

    /// A setting that may be absent.
    init<Value>(
        _ name: String, _ field: WritableKeyPath<Configuration, Value?> & Sendable, _ parser: Parser<Value>,
        isSecret: Bool = false, _ meaning: String
    ) {
        self.init(name, field, parser.optional, default: "", isSecret: isSecret, meaning)
    }
}

extension Setting {
    /// Every setting, in the order of the documentation. The one place where one is added.
    static let all: [Setting] = [
        Setting("BOT_TOKEN", \.botToken, .botToken, isSecret: true, "token from BotFather; absent: the simulator"),
        Setting(
            "PUBLIC_URL", \.publicURL, .publicURL,
            "https origin that Telegram sees, on port 443, 80, 88 or 8443; absent with a token: long polling"),
        Setting(
            "WEBHOOK_SECRET", \.webhookSecrets, .webhookSecrets, default: "", isSecret: true,
            "16-256 of A-Z a-z 0-9 _ -; two as NEW,OLD while changing it; absent: derived from BOT_TOKEN, or random in STATE_DIR"
        ),
        Setting(
            "TLS_CERT_FILE", \.tlsCertificateFile, .text,
            "certificate chain for the https addresses; absent: self-signed in STATE_DIR"),
        Setting("TLS_KEY_FILE", \.tlsKeyFile, .text, "key of that certificate"),
        Setting(
            "LISTEN", \.listen, .listen(bareIsTLS: false), default: "http://127.0.0.1:8080",
            "addresses with commas between: `http://HOST:PORT`, `https://HOST:PORT`; a bare `HOST:PORT` is https when TLS_CERT_FILE is set"
        ),
        Setting("PORT", \.port, .whole(0...65_535), "replaces the port of the first address of LISTEN"),
        Setting(
            "METRICS_ENABLED", \.metricsEnabled, .truth, default: "true", "metrics and probes on a port of their own"),
        Setting("METRICS_PORT", \.metricsPort, .whole(0...65_535), default: "9090", "that port"),
        Setting("METRICS_HOST", \.metricsHost, .text, default: "127.0.0.1", "its address"),
        Setting(
            "STATE_DIR", \.stateDirectory, .text, default: ".nezuko",
            "directory of database, self-signed pair, keys and lock"),
        Setting(
            "DATABASE_URL", \.databaseGiven, .database, isSecret: true,
            "`sqlite:PATH` or `postgres://USER:PASS@HOST/DB` (no transaction pooler); absent: `sqlite:$STATE_DIR/nezuko.db`"
        ),
        Setting(
            "DB_POOL_MAX", \.databasePoolMaximum, .whole(4...1000), default: "10",
            "PostgreSQL connections of one replica"),
        Setting(
            "HTTP_MAX_CONNECTIONS", \.httpMaximumConnections, .whole(1...1_000_000), default: "4000",
            "beyond it the oldest idle connection is closed"),
        Setting(
            "HTTP_MAX_BODY", \.httpMaximumBodyBytes, .size(1024...(1 << 30)), default: "1 MiB",
            "larger requests get 413"),
        Setting(
            "HTTP_BUFFER_TOTAL", \.httpBufferTotalBytes, .size(65_536...(1 << 34)), default: "32 MiB",
            "buffered bytes of all requests"),
        Setting(
            "HTTP_IDLE_TIMEOUT", \.httpIdleTimeoutSeconds, .whole(1...3600), default: "30", "seconds of keep-alive"),
        Setting(
            "MAX_INFLIGHT_UPDATES", \.maximumInflightUpdates, .whole(1...1_000_000), default: "1000",
            "beyond it 503 with Retry-After"),
        Setting(
            "CACHE_POSITIVE_TTL", \.cachePositiveTTLSeconds, .whole(0...86_400), default: "600",
            "seconds for which a membership is believed"),
        Setting(
            "CACHE_JITTER_PERCENT", \.cacheJitterPercent, .whole(0...50), default: "15",
            "by how many percent that varies"),
        Setting(
            "TELEGRAM_API_BASE_URL", \.telegramBaseURL, .apiBase, default: "https://api.telegram.org",
            "the simulator's or a local server's address"),
        Setting(
            "TELEGRAM_API_ALLOW_HTTP", \.telegramAllowsHTTP, .truth, default: "false",
            "allows http beyond loopback; the token then travels clear"),
        Setting("TELEGRAM_TIMEOUT", \.telegramTimeoutSeconds, .whole(1...120), default: "8", "seconds per attempt"),
        Setting("WEBHOOK_PATH", \.webhookPath, .urlPath, default: "/webhook", "path of the webhook's URL"),
        Setting(
            "WEBHOOK_MAX_CONNECTIONS", \.webhookMaximumConnections, .whole(1...100), default: "40",
            "connections that Telegram may open"),
        Setting(
            "AUTO_MIGRATE", \.autoMigrateGiven, .truth,
            "migrate at start; absent: true for SQLite, false for PostgreSQL"),
        Setting("BOT_RATE_GLOBAL", \.rateGlobal, .rate, default: "25/s", "our own messages to all chats; 0: no limit"),
        Setting("BOT_RATE_GROUP", \.rateGroup, .rate, default: "20/min", "to one group"),
        Setting("BOT_RATE_PRIVATE", \.ratePrivate, .rate, default: "1/s", "to one person"),
        Setting(
            "JOBS_TOKEN", \.jobsToken, .token(atLeast: 16), isSecret: true, "bearer token of `/jobs/*`; absent: 404"),
        Setting(
            "MEMBER_SYNC_INTERVAL", \.memberSyncIntervalSeconds, .whole(0...86_400), default: "0",
            "seconds between runs of the in-process scheduler; 0: an external one"),
        Setting(
            "RETENTION_DAYS", \.retentionDays, .whole(1...3650), default: "90",
            "days for which verdicts and calls are kept"),
        Setting(
            "API_LOG_BATCH", \.apiLogBatch, .whole(1...10_000), default: "500", "rows of a log at once; SQLite: × 4"),
        Setting(
            "API_LOG_FLUSH_MS", \.apiLogFlushMilliseconds, .whole(1...60_000), default: "1000",
            "milliseconds after which fewer are written"),
        Setting(
            "API_LOG_QUEUE", \.apiLogQueue, .whole(1...10_000_000), default: "50000",
            "rows that may wait; then the oldest is dropped and counted"),
        Setting(
            "API_LOG_SYNC_FLUSH", \.apiLogSyncFlush, .truth, default: "false",
            "flush before the HTTP answer, where the processor stops between requests"),
        Setting(
            "ADMIN_IDS", \.adminIDs, .userIDs, default: "", "user ids of the service's owners, with commas between"),
        Setting(
            "ENVIRONMENT", \.environment, .word, default: "development", "production refuses simulator and long polling"
        ), Setting("LOG_LEVEL", \.logLevel, .word, default: "info", "debug, info, warning, error"),
        Setting(
            "LOG_FORMAT", \.logFormat, .word, default: "auto", "auto (pretty on a terminal, else json), pretty, json"),
        Setting("SHUTDOWN_GRACE", \.shutdownGraceSeconds, .whole(1...300), default: "8", "seconds for an orderly end"),
    ]
}
