// Deletes what is older than it may be, in small transactions, and groups that the bot left long ago.

import Domain
import EventLoop
import Observability
import Storage

/// The daily deletion. A run that is killed or out of time is continued by the next: what is gone is gone.
@IO
public final class Retention: Job {
    /// How long a group that removed the bot is kept.
    static let groupDays = 30

    /// Its name in addresses, leases and metrics.
    public var name: String { JobName.retention.rawValue }

    private let store: any RetentionStore
    private let rawLogDays: Int

    /// A deletion that keeps rows of the raw logs for so many days (`RETENTION_DAYS`).
    public init(store: any RetentionStore, rawLogDays: Int) {
        self.store = store
        self.rawLogDays = rawLogDays
    }

    /// Goes through groups and tables; the figures are rows by table. `remaining`: tables and groups that may have more.
    /// Groups are few and come first: tables of many rows may take the whole time.
    public func perform(_ run: JobRun) async -> JobResult {
        var result = JobResult(isSuccess: true, figures: [])
        let groups = await purgeGroups(run, &result)
        var remaining = groups.remaining
        for table in AgingTable.allCases {
            let (count, isDone) = await guarded(&result, table.rawValue) { () async throws(StoreError) in
                try await deleteAged(table, run)
            }
            result.figures.append((table.rawValue, Int64(count)))
            if !isDone { remaining += 1 }
        }
        result.figures += [
            ("groups", groups.purged), ("group_rows", groups.rows), ("remaining", remaining),
            ("duration_ms", run.milliseconds),
        ]
        return result
    }

    /// How many days rows of a table are kept.
    private func days(of table: AgingTable) -> Int {
        switch table {
        case .logBatches, .exemptions: 1
        case .processedUpdates: 3
        case .decisions: 30
        case .uptimeTicks: 90
        case .incidents, .userActivity, .restrictions: 400
        case .verificationLog, .apiCallLog: rawLogDays
        }
    }

    private func deleteAged(_ table: AgingTable, _ run: JobRun) async throws(StoreError) -> (Int, isDone: Bool) {
        var total = 0
        while run.mayContinue {
            let count = try await store.deleteAged(table, olderThanDays: days(of: table))
            total += count
            guard count == RetentionBatch.rows else { return (total, true) }
            await Loop.shared.sleep(milliseconds: RetentionBatch.pauseMilliseconds)
        }
        return (total, false)
    }

    private func purgeGroups(
        _ run: JobRun, _ result: inout JobResult
    ) async -> (purged: Int64, rows: Int64, remaining: Int64) {
        var figures = (purged: Int64(0), rows: Int64(0), remaining: Int64(0))
        let left: [ChatID]
        do throws(StoreError) { left = try await store.groupsLeft(olderThanDays: Self.groupDays) } catch {
            failed(&result, "protected_groups", error)
            return figures
        }
        for group in left {
            let (count, isDone) = await guarded(&result, "protected_groups") { () async throws(StoreError) in
                let purge = try await store.purge(group, while: { run.mayContinue })
                return (purge.rows, isDone: purge.isDone)
            }
            figures.rows += Int64(count)
            if isDone { figures.purged += 1 } else { figures.remaining += 1 }
        }
        return figures
    }

    /// One table that cannot be read or written leaves the others their turn.
    private func guarded(
        _ result: inout JobResult, _ table: String,
        _ work: @IO () async throws(StoreError) -> (Int, isDone: Bool)
    ) async -> (Int, isDone: Bool) {
        do throws(StoreError) { return try await work() } catch {
            failed(&result, table, error)
            return (0, false)
        }
    }

    private func failed(_ result: inout JobResult, _ table: String, _ error: StoreError) {
        Log.error("retention_failed", .name(table), .error("\(error)"))
        result.isSuccess = false
    }
}
