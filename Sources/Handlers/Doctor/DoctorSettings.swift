// What the doctor is told about the deployment, and how it looks at the machine that it is on.

import Domain
import EventLoop
import Glibc

/// How updates are to come in.
public enum DoctorDelivery: Sendable {
    /// Without a token: the built-in simulator.
    case simulated
    /// `getUpdates`.
    case polling
    /// Telegram delivers.
    case webhook(DoctorWebhook)
}

/// The webhook as it is meant to be.
public struct DoctorWebhook: Sendable {
    /// Host of `PUBLIC_URL`.
    public var host: String
    /// Its port.
    public var port: Int
    /// The whole address, as Telegram is told.
    public var url: String
    /// The secret that is set.
    public var secret: String
    /// The self-signed certificate that `webhook set` uploads, in PEM; `nil` if it uploads none.
    public var ownCertificate: [UInt8]?
    /// Certificates in PEM to trust instead of the system's.
    public var trustedRoots: [UInt8]?
    /// Where `url` really leads, if not to its own port: `https://HOST:PORT`, for what stands behind a forwarded port.
    public var reachedAt: (host: String, port: Int)?

    /// A webhook at that address.
    public init(host: String, port: Int, url: String, secret: String) {
        self.host = host
        self.port = port
        self.url = url
        self.secret = secret
    }
}

/// A job and how often it is to run.
public struct DoctorJob: Sendable {
    /// Its name.
    public var name: String
    /// Seconds between two runs.
    public var intervalSeconds: Int64
    /// Whether anything can start it: a schedule in the process, or a token for one outside.
    public var canBeStarted: Bool

    /// A job with the given facts.
    public init(name: String, intervalSeconds: Int64, canBeStarted: Bool) {
        self.name = name
        self.intervalSeconds = intervalSeconds
        self.canBeStarted = canBeStarted
    }
}

/// One deployment.
public struct DoctorSettings: Sendable {
    /// What is wrong with the settings, a line each.
    public var problems: [String] = []
    /// Whether the settings can be gone by: none that is needed was refused.
    public var isUsable = true
    /// How many settings are given.
    public var givenCount = 0
    /// The database, as `Storage.open` takes it.
    public var databaseURL: String
    /// Whether `serve` migrates by itself.
    public var migratesAutomatically = false
    /// Directory of keys, certificate and SQLite file.
    public var stateDirectory: String
    /// Origin of the Bot API.
    public var telegramBaseURL: String
    /// The bot's token; `nil`: the simulator.
    public var token: String?
    /// How updates are to come in.
    public var delivery: DoctorDelivery
    /// Owners of the service.
    public var adminIDs: [UserID] = []
    /// The service's jobs.
    public var jobs: [DoctorJob] = []
    /// What must not be shown.
    public var secrets: [String] = []

    /// This machine's clock.
    public var clock: @Sendable () -> Timestamp = { WallClock.now }
    /// Addresses of a name.
    public var addresses: @IO @Sendable (String) async -> [String] = { await HostAddresses.of($0) }
    /// Which share of the file system of a path is free, in percent; `nil` when there is no such path.
    public var freePercent: @Sendable (String) -> Double? = { FileSystem.freePercent(of: $0) }

    /// A deployment with the given facts.
    public init(
        databaseURL: String, stateDirectory: String, telegramBaseURL: String, token: String?, delivery: DoctorDelivery
    ) {
        self.databaseURL = databaseURL
        self.stateDirectory = stateDirectory
        self.telegramBaseURL = telegramBaseURL
        self.token = token
        self.delivery = delivery
    }
}

/// The file system that a path lies on.
enum FileSystem {
    /// Which share of it is free for us, in percent; `nil` when there is no such path.
    static func freePercent(of path: String) -> Double? {
        var figures = statvfs()
        guard statvfs(path, &figures) == 0, figures.f_blocks > 0 else { return nil }
        return Double(figures.f_bavail) / Double(figures.f_blocks) * 100
    }
}
