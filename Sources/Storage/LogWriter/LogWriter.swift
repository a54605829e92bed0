// Takes log rows without waiting and brings them to the database in batches.

import Domain
import EventLoop
import Observability

/// The sink of all log rows. One queue a table; callers never wait and never fail.
@IO
public final class LogWriter: LogSink {
    private enum Table: Int, CaseIterable {
        case calls, verifications, decisions, activity

        var name: String {
            switch self {
            case .calls: "api_call_log"
            case .verifications: "verification_log"
            case .decisions: "decisions"
            case .activity: "user_activity"
            }
        }
    }

    /// Cached verdicts with the same key within a minute are one row.
    private struct MergeKey: Hashable {
        var user: UserID
        var group: ChatID
        var channel: ChatID
        var isDecisive: Bool
        var source: VerificationSource
    }

    private struct DecisionKey: Hashable {
        var group: ChatID
        var user: UserID?
        var outcome: String
    }

    /// Who waits until the rows of a moment are stored.
    private struct Waiter {
        /// `offered` at that moment.
        let offered: [Int]
        let completion: Completion<Bool, Never>
    }

    private static let mergeMilliseconds: Int64 = 60_000
    private static let dropped = CounterFamily(
        "nezuko_log_rows_dropped_total", help: "Log rows that were dropped, queue full or refused by the database.",
        labels: ["table"], values: Table.allCases.map { [$0.name] })
    private static let depth = GaugeFamily(
        "nezuko_log_queue_depth", help: "Log rows that are not stored yet.", labels: ["table"],
        values: Table.allCases.map { [$0.name] })

    /// By table: set with each row, so looked up once.
    private let depths = Table.allCases.map { LogWriter.depth.child($0.name) }
    private let store: any LogStore
    private let flushMilliseconds: Int64
    private let waitingBound: Int
    private var batches: [LogBatch<LogRow>]
    private var merging: [MergeKey: (row: VerificationRow, since: Instant)] = [:]
    private var seenDecisions: [DecisionKey: Instant] = [:]
    private var sweep: LoopTimer?
    /// Rows offered to each table's batches since the start.
    private var offered = Table.allCases.map { _ in 0 }
    private var waiters: [Waiter] = []

    /// A writer with the limits `API_LOG_BATCH`, `API_LOG_FLUSH_MS` and `API_LOG_QUEUE`.
    public init(
        store: any LogStore, batch: Int = 500, flushMilliseconds: Int64 = 1000, queue: Int = 50_000
    ) {
        self.store = store
        self.flushMilliseconds = flushMilliseconds
        waitingBound = queue
        let limits = LogBatch<LogRow>.Limits(batch: min(batch * store.batchFactor, queue), waiting: queue)
        batches = Table.allCases.map { _ in LogBatch(limits: limits) { RandomName.bytes(16) } }
    }

    /// Makes the metrics exist before the first row.
    public static func registerMetrics() {
        _ = dropped
        _ = depth
    }

    /// A row that the database refuses is dropped alone.
    static func countRefused(_ table: String, code: String) {
        dropped.add(table)
        Log.warning("log_row_refused", .name(table), .error(code))
    }

    /// Takes a row for the next batch.
    public func offer(_ row: LogRow) {
        switch row {
        case .verification(let row) where row.isCached && row.status == "verified": merge(row)
        case .decision(let decision) where !isFirst(decision): return
        default: enqueue(row)
        }
    }

    /// Rows that are not known to be stored.
    public var pendingRows: Int { batches.reduce(merging.count) { $0 + $1.count } }

    /// Writes what was offered so far and returns when it is stored, or when a write has failed (false). Rows that come
    /// meanwhile are not waited for.
    @discardableResult
    public func flush() async -> Bool {
        endMerging(all: true)
        let waiter = Waiter(offered: offered, completion: Completion())
        guard !isStored(waiter) else { return true }
        waiters.append(waiter)
        for table in Table.allCases {
            // Rows that wait after a failure are tried at once: somebody waits for them.
            perform(batches[table.rawValue].pauseEnded(), table)
            perform(batches[table.rawValue].timerFired(), table)
        }
        return await waiter.completion.wait()
    }

    /// Writes what is left at the process's end, for at most that long. What remains then is lost and counted.
    public func shutdown(milliseconds: Int64 = 3000) async {
        let end = Loop.shared.current().adding(milliseconds: milliseconds)
        let done = Completion<Void, Never>()
        let timer = Loop.shared.schedule(afterMilliseconds: milliseconds) { done.finish(.success(())) }
        let flushing = Task { @IO in
            while pendingRows > 0, Loop.shared.current() < end {
                for table in Table.allCases { perform(batches[table.rawValue].pauseEnded(), table) }
                await flush()
                if pendingRows > 0 { await Loop.shared.sleep(milliseconds: 100) }
            }
            done.finish(.success(()))
        }
        await done.wait()
        timer.cancel()
        flushing.cancel()
        sweep?.cancel()
        for table in Table.allCases where batches[table.rawValue].count > 0 {
            Self.dropped.add(Int64(batches[table.rawValue].count), table.name)
        }
    }

    // MARK: - Rows

    private func enqueue(_ row: LogRow) {
        let table: Table =
            switch row {
            case .apiCall: .calls
            case .verification: .verifications
            case .decision: .decisions
            case .activity: .activity
            }
        offered[table.rawValue] += 1
        perform(batches[table.rawValue].offered(row), table)
        depths[table.rawValue].set(Double(batches[table.rawValue].count))
    }

    private func merge(_ row: VerificationRow) {
        let key = MergeKey(
            user: row.user, group: row.group, channel: row.channel, isDecisive: row.isDecisive, source: row.source)
        if let known = merging[key] {
            merging[key]?.row.hits = known.row.hits + row.hits
            return
        }
        // More different people than the queue may hold: rows go on unmerged rather than wait.
        guard merging.count < waitingBound else { return enqueue(.verification(row)) }
        merging[key] = (row, Loop.shared.now)
        sweepLater()
    }

    /// Decisions without effects repeat with each message; one a minute says as much.
    private func isFirst(_ row: DecisionRow) -> Bool {
        let key = DecisionKey(group: row.group, user: row.user, outcome: row.outcome)
        let now = Loop.shared.now
        if let since = seenDecisions[key], now.milliseconds(since: since) < Self.mergeMilliseconds { return false }
        if seenDecisions.count < waitingBound { seenDecisions[key] = now }
        sweepLater()
        return true
    }

    private func sweepLater() {
        guard sweep?.isPending != true else { return }
        sweep = Loop.shared.schedule(afterMilliseconds: 1000) { [weak self] in
            guard let self else { return }
            endMerging(all: false)
            if !merging.isEmpty || !seenDecisions.isEmpty { sweepLater() }
        }
    }

    private func endMerging(all: Bool) {
        let now = Loop.shared.current()
        for (key, entry) in merging where all || now.milliseconds(since: entry.since) >= Self.mergeMilliseconds {
            merging[key] = nil
            enqueue(.verification(entry.row))
        }
        seenDecisions = seenDecisions.filter { now.milliseconds(since: $0.value) < Self.mergeMilliseconds }
    }

    // MARK: - Batches

    private func perform(_ action: BatchAction<LogRow>, _ table: Table) {
        switch action {
        case .none: break
        case .countDropped: Self.dropped.add(table.name)
        case .startTimer:
            if !waiters.isEmpty { return perform(batches[table.rawValue].timerFired(), table) }
            Loop.shared.schedule(afterMilliseconds: flushMilliseconds) { [weak self] in
                guard let self else { return }
                perform(batches[table.rawValue].timerFired(), table)
            }
        case .pause(let milliseconds):
            Loop.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in
                guard let self else { return }
                perform(batches[table.rawValue].pauseEnded(), table)
            }
            let failed = waiters
            waiters = []
            for waiter in failed { waiter.completion.finish(.success(false)) }
        case .write(let batch):
            // Owned by the machine: it has one write under way until the store answers, which has a deadline.
            Task { @IO in await write(batch, table) }
        }
    }

    private func write(_ batch: Batch<LogRow>, _ table: Table) async {
        let next: BatchAction<LogRow>
        do {
            try await store.write(batch.rows, batch: batch.id)
            next = batches[table.rawValue].written()
        } catch {
            switch error {
            case .unavailable, .timedOut: next = batches[table.rawValue].failed()
            case .refused(let code):
                let (action, isDropped) = batches[table.rawValue].refused()
                if isDropped { Self.countRefused(table.name, code: code) }
                next = action
            }
        }
        depths[table.rawValue].set(Double(batches[table.rawValue].count))
        perform(next, table)
        let stored = waiters.filter { isStored($0) }
        waiters.removeAll { isStored($0) }
        for waiter in stored { waiter.completion.finish(.success(true)) }
    }

    /// Rows leave in the order in which they came, so what is left says which have gone.
    private func isStored(_ waiter: Waiter) -> Bool {
        Table.allCases.allSatisfy { offered[$0.rawValue] - batches[$0.rawValue].count >= waiter.offered[$0.rawValue] }
    }
}
