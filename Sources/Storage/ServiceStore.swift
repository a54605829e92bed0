// What belongs to the whole service: people who may be written to, jobs, replicas, settings, uptime, log batches.

import Domain
import EventLoop

/// A row of one of the high-volume logs. Times are microseconds since 1970: the moment of the call.
public enum LogRow: Sendable, Equatable {
    /// `api_call_log`.
    case apiCall(APICallRow)
    /// `verification_log`.
    case verification(VerificationRow)
    /// `decisions` without effects.
    case decision(DecisionRow)
    /// `user_activity`: one command or callback of a person.
    case activity(UserID, atMicroseconds: Int64)
}

/// One attempt of a Bot API call.
public struct APICallRow: Sendable, Equatable {
    /// Method name.
    public var method: String
    /// The chat that it named.
    public var chat: ChatID?
    /// The person on whose behalf.
    public var user: UserID?
    /// The protected group on whose behalf.
    public var group: ChatID?
    /// Milliseconds until the answer; `nil` for `getUpdates`.
    public var latencyMilliseconds: Int64?
    /// The coarse category; `nil`: success.
    public var errorType: String?
    /// The fine class; `nil`: success.
    public var errorClass: String?
    /// When the call was made.
    public var atMicroseconds: Int64

    /// A row with the given columns.
    public init(
        method: String, chat: ChatID?, user: UserID?, group: ChatID?, latencyMilliseconds: Int64?, errorType: String?,
        errorClass: String?, atMicroseconds: Int64
    ) {
        self.method = method
        self.chat = chat
        self.user = user
        self.group = group
        self.latencyMilliseconds = latencyMilliseconds
        self.errorType = errorType
        self.errorClass = errorClass
        self.atMicroseconds = atMicroseconds
    }
}

/// One checked channel of one decision.
public struct VerificationRow: Sendable, Equatable {
    /// Who.
    public var user: UserID
    /// Where.
    public var group: ChatID
    /// Which channel.
    public var channel: ChatID
    /// `verified`, `restricted`, `error`.
    public var status: String
    /// Milliseconds of the check.
    public var latencyMilliseconds: Int64?
    /// Whether the verdict came from the cache.
    public var isCached: Bool
    /// Whether it is the decision's one decisive row.
    public var isDecisive: Bool
    /// What led to it.
    public var source: VerificationSource
    /// How many verdicts the row stands for; cached ones of a minute are merged.
    public var hits = 1
    /// Category of the failure.
    public var errorType: String?
    /// When.
    public var atMicroseconds: Int64

    /// A row with the given columns.
    public init(
        user: UserID, group: ChatID, channel: ChatID, status: String, latencyMilliseconds: Int64?, isCached: Bool,
        isDecisive: Bool, source: VerificationSource, errorType: String?, atMicroseconds: Int64
    ) {
        self.user = user
        self.group = group
        self.channel = channel
        self.status = status
        self.latencyMilliseconds = latencyMilliseconds
        self.isCached = isCached
        self.isDecisive = isDecisive
        self.source = source
        self.errorType = errorType
        self.atMicroseconds = atMicroseconds
    }
}

/// Where rows are offered. Never waits, never fails.
@IO
public protocol LogSink: AnyObject {
    /// Takes a row for the next batch.
    func offer(_ row: LogRow)
    /// Writes what was offered so far. True: all of it is stored, or was refused as a bad row; false: the database is
    /// away, and the rows wait.
    func flush() async -> Bool
}

extension LogSink {
    /// A sink that keeps no rows has none to write.
    public func flush() async -> Bool { true }
}

/// Writes batches of log rows, each exactly once.
@IO
public protocol LogStore: AnyObject {
    /// Stores a batch together with its 128-bit id, or nothing if the id is there already.
    ///
    /// Throws `refused` when the database rejects a row: the caller finds it by halving.
    func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError)
    /// How many times the usual number of rows is best written together.
    var batchFactor: Int { get }
}

extension LogStore {
    /// The usual number.
    public var batchFactor: Int { 1 }
}

/// A chat that the member count sync looks at.
public struct SyncChat: Sendable, Equatable {
    /// The chat.
    public var id: ChatID
    /// Whether it is a channel (else a group).
    public var isChannel: Bool
    /// The last stored count.
    public var count: Int64
    /// The title as stored.
    public var title: String
    /// Whether it was not counted yet on this UTC day: then its title is looked at too.
    public var isFirstToday: Bool

    /// A chat with the given facts.
    public init(id: ChatID, isChannel: Bool, count: Int64, title: String, isFirstToday: Bool = false) {
        self.id = id
        self.isChannel = isChannel
        self.count = count
        self.title = title
        self.isFirstToday = isFirstToday
    }
}

/// What became of a wish for a job's lease.
public enum JobLease: Sendable, Equatable {
    /// It is ours for two minutes.
    case taken
    /// Another run holds it.
    case busy
}

/// Figures of the whole service, for gauges.
public struct ServiceCounts: Sendable, Equatable {
    /// People held now.
    public var holdsOpen: Int64 = 0
    /// Enabled groups.
    public var activeGroups: Int64 = 0
    /// People who are known to the bot.
    public var users: Int64 = 0
    /// When jobs whose last run succeeded ended, in seconds since 1970, by name without `job:`.
    public var jobSuccesses: [String: Int64] = [:]

    /// Nothing counted.
    public init() {}
}

/// What replicas look for again and again.
public struct ServiceNews: Sendable, Equatable {
    /// Until when enforcement is paused everywhere, in seconds since 1970; 0: it is not.
    public var pausedUntilSeconds: Int64 = 0
    /// Changes with each change that a process beside the service made. SQLite only.
    public var outsideChange: String?

    /// No news.
    public init() {}
}

/// People, jobs, replicas, settings.
@IO
public protocol ServiceStore: AnyObject {
    /// Notes that a person may (or may no longer) be written to in private.
    func setCanMessage(
        _ canMessage: Bool, user: UserID, username: String?, language: String?
    ) async throws(StoreError)
    /// Who last wrote to the bot under that public name (without `@`, in any case).
    func person(named username: String) async throws(StoreError) -> UserID?
    /// Those of these people who may be written to in private.
    func reachable(among people: [UserID]) async throws(StoreError) -> [UserID]
    /// Whether a person may be written to in private.
    func canMessage(_ user: UserID) async throws(StoreError) -> Bool
    /// Takes a job's lease (`job:member-sync`) if it is free, past, or ours.
    func takeJobLease(_ name: String) async throws(StoreError) -> JobLease
    /// Renews it for two minutes; false when it is lost.
    func renewJobLease(_ name: String) async throws(StoreError) -> Bool
    /// Ends a run: the lease is free, the result (JSON) kept.
    func finishJob(_ name: String, result: String) async throws(StoreError)
    /// Seconds since the job last finished, or `nil` if never.
    func jobAgeSeconds(_ name: String) async throws(StoreError) -> Int64?
    /// Chats due for the sync, never synced first; unchanged for a day are due hourly.
    func chatsToSync(limit: Int) async throws(StoreError) -> [SyncChat]
    /// Stores a page of counts: `member_count` or `subscriber_count`, `last_sync_at`, `member_counts` of today.
    func storeCounts(_ counts: [(chat: SyncChat, count: Int64)]) async throws(StoreError)
    /// Notes that the service ran in this UTC minute.
    func tickUptime(minuteSeconds: Int64) async throws(StoreError)
    /// This replica is alive; rows without a heartbeat for 30 s are removed. Returns how many are alive.
    func heartbeat(version: String, schemaVersion: Int) async throws(StoreError) -> Int
    /// How many replicas had a heartbeat in the last 30 s.
    func replicaCount() async throws(StoreError) -> Int
    /// Removes this replica's row at shutdown.
    func removeReplica() async throws(StoreError)
    /// Open holds, enabled groups, known people, ends of jobs.
    func serviceCounts() async throws(StoreError) -> ServiceCounts
    /// A service-wide setting (JSON), or `nil`.
    func setting(_ key: String) async throws(StoreError) -> String?
    /// Sets one; `nil` removes it.
    func setSetting(_ key: String, _ value: String?) async throws(StoreError)
    /// Stops enforcement in all groups until then, in seconds since 1970 (0: goes on now), and notes who wanted it.
    func pause(untilSeconds: Int64, audit: AuditRow) async throws(StoreError)
    /// How many groups are paused for themselves.
    func pausedGroupCount() async throws(StoreError) -> Int64
    /// What changed for the whole service, and whether somebody beside it changed something.
    func news() async throws(StoreError) -> ServiceNews
    /// Tells a running service what a process beside it changed: `group:-100…`, `pause:seconds`.
    func tellRunning(_ message: String) async throws(StoreError)
    /// Tells other replicas to forget a cached thing (`group:-100…`, `admins:…`, `verify:user:channel:0|1`).
    func tellCaches(_ message: String) async throws(StoreError)
}
