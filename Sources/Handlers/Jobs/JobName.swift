// The jobs that exist: the one list from which schedule, routes, command line and metrics are made.

import Domain
import EventLoop
import Storage

/// A job of the service.
public enum JobName: String, CaseIterable, Sendable {
    /// Counts members and subscribers.
    case memberSync = "member-sync"
    /// Deletes what is old.
    case retention

    /// What it does, for people at a terminal.
    public var summary: String {
        switch self {
        case .memberSync: "counts of groups and channels"
        case .retention: "deletes old rows, once a day"
        }
    }

    /// Seconds between two runs of a schedule outside.
    public var usualIntervalSeconds: Int64 {
        switch self {
        case .memberSync: 900
        case .retention: 86_400
        }
    }

    /// The job itself.
    @IO
    public func job(_ parts: JobParts) -> any Job {
        switch self {
        case .memberSync:
            MemberSync(store: parts.store, telegram: parts.telegram, caches: parts.caches, botID: parts.botID)
        case .retention: Retention(store: parts.store, rawLogDays: parts.retentionDays)
        }
    }
}

/// What jobs are made of.
@IO
public struct JobParts {
    let store: any Store
    let telegram: any CommandTelegram
    let caches: Caches
    let botID: UserID
    let retentionDays: Int

    /// Parts of a bot; `retentionDays` is `RETENTION_DAYS`.
    public init(
        store: any Store, telegram: any CommandTelegram, caches: Caches, botID: UserID, retentionDays: Int
    ) {
        self.store = store
        self.telegram = telegram
        self.caches = caches
        self.botID = botID
        self.retentionDays = retentionDays
    }

    /// All jobs.
    public var jobs: [any Job] { JobName.allCases.map { $0.job(self) } }
}
