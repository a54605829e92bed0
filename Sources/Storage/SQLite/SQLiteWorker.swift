// A thread with one SQLite connection: takes jobs in order of urgency, commits many at once.

import EventLoop
import Glibc
import Synchronization

/// The thread. Its queue is the only state that two threads touch.
final class SQLiteWorker: Sendable {
    enum Role: Sendable {
        /// The one writer; for a database in memory also the reader.
        case writer
        /// Reads, on a connection that cannot write.
        case reader
        /// Reads a file that has to be there, and is not the service's own.
        case inspector
    }

    private struct Queue {
        /// By priority; within one, the order of arrival.
        var jobs: [[SQLiteJob]] = Array(repeating: [], count: 6)
        var count = 0
        /// Groups since a deletion of old rows began to wait.
        var passedBy = 0
        var isClosing = false
    }

    private typealias Outcome = (SQLiteJob, Result<[[SQLRow]], StoreError>)

    /// More waiting callers than this are turned away: the disk is too slow for them.
    private static let waitingBound = 10_000
    /// How many callers share one commit at most; bounds the time until the first is answered.
    private static let groupBound = 256
    /// How many log batches share a commit.
    private static let logBound = 2
    /// How many groups go before a deletion of old rows while there are any.
    private static let retentionPatience = 20

    /// How long to wait for more callers after a group, in microseconds: not at all for one caller at a time, who waits
    /// for each answer.
    private static func patience(after count: Int) -> UInt32 {
        switch count {
        case ...1: 0
        case 2..<4: 1000
        case 4..<8: 3000
        default: 5000
        }
    }

    private let path: String
    private let role: Role
    private let queue = Mutex(Queue())
    private let wake = WakeSignal()
    private let ended: Completion<Void, Never>

    private init(path: String, role: Role, ended: Completion<Void, Never>) {
        self.ended = ended
        self.path = path
        self.role = role
    }

    /// Starts the thread and opens its connection.
    @IO
    static func start(path: String, role: Role) async throws(StoreError) -> SQLiteWorker {
        let worker = SQLiteWorker(path: path, role: role, ended: Completion())
        let opened = Completion<Void, StoreError>()
        startThread(StartArgument(worker: worker, opened: opened))
        try await opened.wait()
        return worker
    }

    /// Takes a job; false when too many wait or the thread is ending.
    func submit(_ job: SQLiteJob) -> Bool {
        let isTaken = queue.withLock { queue in
            guard !queue.isClosing, queue.count < Self.waitingBound else { return false }
            queue.jobs[job.priority.rawValue].append(job)
            queue.count += 1
            return true
        }
        if isTaken { wake.raise() }
        return isTaken
    }

    /// Ends the thread after what waits is done.
    @IO
    func close() async {
        queue.withLock { $0.isClosing = true }
        wake.raise()
        await ended.wait()
    }

    // MARK: - On the thread

    private final class StartArgument: Sendable {
        let worker: SQLiteWorker
        let opened: Completion<Void, StoreError>
        init(worker: SQLiteWorker, opened: Completion<Void, StoreError>) {
            self.worker = worker
            self.opened = opened
        }
    }

    /// Not isolated: the thread's function would otherwise be taken for code of the loop.
    private static func startThread(_ start: StartArgument) {
        var id = pthread_t()
        let failure = pthread_create(
            &id, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<StartArgument>.fromOpaque(argument).takeRetainedValue()
                start.worker.live(start.opened)
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(failure == 0, "A thread for SQLite could not be started")
        pthread_detach(id)
    }

    private func live(_ opened: Completion<Void, StoreError>) {
        do throws(SQLiteFailure) {
            let connection = try SQLiteConnection(path: path, use: role.use)
            Task { @IO in opened.finish(.success(())) }
            var count = 0
            while let jobs = next(after: count) {
                deliver(perform(jobs, on: connection))
                // A small group between large ones is no sign that the load is over.
                count = role == .writer ? max(jobs.count, count * 3 / 4) : 0
            }
        } catch {
            let failure = error.storeError
            Task { @IO in opened.finish(.failure(failure)) }
        }
        let ended = ended
        Task { @IO in ended.finish(.success(())) }
    }

    /// Waits for jobs and takes a group, the most urgent first; of log batches few, so that a commit stays short.
    private func next(after count: Int) -> [SQLiteJob]? {
        // Under load a moment's patience makes groups larger: a page is written once for all of them.
        let patience = Self.patience(after: count)
        if patience > 0 { usleep(patience) }
        while true {
            let (jobs, isClosing): ([SQLiteJob], Bool) = queue.withLock { queue in
                if let deletion = Self.deletion(of: &queue) { return ([deletion], queue.isClosing) }
                var taken: [SQLiteJob] = []
                for priority in queue.jobs.indices where priority != SQLPriority.retention.rawValue {
                    let share = priority == SQLPriority.log.rawValue ? Self.logBound : Self.groupBound - taken.count
                    let count = min(share, queue.jobs[priority].count)
                    taken += queue.jobs[priority].prefix(count)
                    queue.jobs[priority].removeFirst(count)
                }
                queue.count -= taken.count
                return (taken, queue.isClosing)
            }
            if !jobs.isEmpty { return jobs }
            if isClosing { return nil }
            wake.wait()
        }
    }

    /// A deletion is long, so it has a transaction of its own: when nobody else waits, or has let enough others pass.
    private static func deletion(of queue: inout Queue) -> SQLiteJob? {
        let place = SQLPriority.retention.rawValue
        guard !queue.jobs[place].isEmpty else { return nil }
        queue.passedBy += 1
        guard queue.passedBy > retentionPatience || queue.count == queue.jobs[place].count else { return nil }
        queue.passedBy = 0
        queue.count -= 1
        return queue.jobs[place].removeFirst()
    }

    private func deliver(_ outcomes: [Outcome]) {
        Task { @IO in
            for (job, result) in outcomes { job.completion.finish(result) }
        }
    }

    private func perform(_ jobs: [SQLiteJob], on connection: SQLiteConnection) -> [Outcome] {
        var outcomes: [Outcome] = []
        var group: Group = []
        for job in jobs where !job.isAbandoned.load(ordering: .relaxed) {
            switch job.work {
            case .statements(let statements):
                group.append((job, statements.dropFirst(job.committed.withLock { $0.count })))
            case .bare(let text):
                let result: Result<[[SQLRow]], StoreError>
                do throws(SQLiteFailure) {
                    try connection.execute(text)
                    result = .success([])
                } catch { result = .failure(error.storeError) }
                outcomes.append((job, result))
            }
        }
        guard !group.isEmpty else { return outcomes }
        return outcomes + commit(group, on: connection)
    }

    private typealias Group = [(job: SQLiteJob, statements: ArraySlice<SQLStatement>)]

    /// One transaction for all. A savepoint for each would copy every page that a caller changes, so there is none
    /// until somebody is refused: then all is undone and done again with them.
    private func commit(_ group: Group, on connection: SQLiteConnection) -> [Outcome] {
        do throws(SQLiteFailure) {
            try connection.run(role == .writer ? Self.beginWriting : Self.begin)
            var outcomes: [Outcome] = []
            var unfinished: [(job: SQLiteJob, rows: [[SQLRow]])] = []
            let isUrgent = group.contains { $0.job.priority.rawValue < SQLPriority.log.rawValue }
            for (job, statements) in group {
                guard job.priority == .log else {
                    outcomes.append((job, .success(try connection.run(statements))))
                    continue
                }
                var rows: [[SQLRow]] = []
                for statement in statements {
                    // One step at least each time. The rest makes room for those who wait for an answer.
                    if !rows.isEmpty, isUrgent || isUrgentWaiting { break }
                    rows.append(try connection.run(statement))
                }
                if rows.count < statements.count {
                    unfinished.append((job, rows))
                } else {
                    outcomes.append((job, .success(job.committed.withLock { $0 } + rows)))
                }
            }
            try connection.run(Self.commit)
            putBack(unfinished)
            return outcomes
        } catch {
            rollBack(connection)
            let failure = error.storeError
            if group.count > 1, case .refused = failure { return commitApart(group, on: connection) }
            return group.map { ($0.job, .failure(failure)) }
        }
    }

    /// Whether somebody waits who goes before log rows.
    private var isUrgentWaiting: Bool {
        queue.withLock { queue in queue.jobs.prefix(SQLPriority.log.rawValue).contains { !$0.isEmpty } }
    }

    /// The rest of log batches, each of whose statements is stored once on its own, is next when nobody urgent waits.
    private func putBack(_ unfinished: [(job: SQLiteJob, rows: [[SQLRow]])]) {
        guard !unfinished.isEmpty else { return }
        for (job, rows) in unfinished { job.committed.withLock { $0 += rows } }
        queue.withLock { queue in
            queue.jobs[SQLPriority.log.rawValue].insert(contentsOf: unfinished.map(\.job), at: 0)
            queue.count += unfinished.count
        }
    }

    /// One transaction for all, a savepoint for each: one caller's refusal is not the others'.
    private func commitApart(_ group: Group, on connection: SQLiteConnection) -> [Outcome] {
        var outcomes: [Outcome] = []
        do throws(SQLiteFailure) {
            try connection.run(role == .writer ? Self.beginWriting : Self.begin)
            for (job, statements) in group {
                try connection.run(Self.savepoint)
                do throws(SQLiteFailure) {
                    let rows = try connection.run(statements)
                    try connection.run(Self.release)
                    outcomes.append((job, .success(job.committed.withLock { $0 } + rows)))
                } catch {
                    // A full disk and the like have ended the whole transaction.
                    guard connection.isInTransaction, case .refused = error.storeError else { throw error }
                    try connection.run(Self.undo)
                    try connection.run(Self.release)
                    outcomes.append((job, .failure(error.storeError)))
                }
            }
            try connection.run(Self.commit)
            return outcomes
        } catch {
            rollBack(connection)
            let failure = error.storeError
            return group.map { ($0.job, .failure(failure)) }
        }
    }

    private func rollBack(_ connection: SQLiteConnection) {
        guard connection.isInTransaction else { return }
        // Fails only if there is nothing to roll back, which is what is wanted.
        do throws(SQLiteFailure) { try connection.execute("ROLLBACK") } catch {}
    }

    private static let beginWriting = SQLiteText("BEGIN IMMEDIATE")
    private static let begin = SQLiteText("BEGIN")
    private static let commit = SQLiteText("COMMIT")
    private static let savepoint = SQLiteText("SAVEPOINT caller")
    private static let release = SQLiteText("RELEASE caller")
    private static let undo = SQLiteText("ROLLBACK TO caller")
}
