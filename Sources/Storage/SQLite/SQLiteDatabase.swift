// SQLite behind the seam: one writing thread with group commit, one reading thread.

import EventLoop
import Synchronization

/// A SQLite file, or a database in memory that lives as long as this value.
@IO
public final class SQLiteDatabase: EngineDatabase {
    /// Which texts it understands.
    public let dialect = SQLDialect.sqlite
    /// Random id of this process in leases.
    public let owner = RandomName.owner()
    /// Whether the last contact succeeded.
    public private(set) var isReachable = true

    /// The file; `nil` for a database in memory.
    public let path: String?
    private let writer: SQLiteWorker
    private let reader: SQLiteWorker
    private var writing = 0
    private var reading = 0

    /// Answers, or gives up, within this time.
    private static let deadlineMilliseconds: Int64 = 5000

    private init(path: String?, writer: SQLiteWorker, reader: SQLiteWorker) {
        self.path = path
        self.writer = writer
        self.reader = reader
        DatabaseMetrics.opened(self)
    }

    var connections: (active: Int, idle: Int) {
        let busy = path == nil ? [writing + reading] : [writing, reading]
        let active = busy.count { $0 > 0 }
        return (active, busy.count - active)
    }

    /// Opens the file at `path`, made if missing; `nil`: a database in memory.
    public static func open(path: String?) async throws(StoreError) -> SQLiteDatabase {
        let writer = try await SQLiteWorker.start(path: path ?? ":memory:", role: .writer)
        guard let path else { return SQLiteDatabase(path: nil, writer: writer, reader: writer) }
        do {
            let reader = try await SQLiteWorker.start(path: path, role: .reader)
            return SQLiteDatabase(path: path, writer: writer, reader: reader)
        } catch {
            await writer.close()
            throw error
        }
    }

    /// Opens a file that is there for reading alone. Writes are refused.
    ///
    /// - Throws: `unavailable` when there is no such file, `refused` when it is no database.
    static func inspect(path: String) async throws(StoreError) -> SQLiteDatabase {
        let reader = try await SQLiteWorker.start(path: path, role: .inspector)
        return SQLiteDatabase(path: nil, writer: reader, reader: reader)
    }

    /// Runs the statements in one transaction; answers, or throws, within 5 s.
    public func run(
        _ statements: [SQLStatement], _ priority: SQLPriority
    ) async throws(StoreError) -> [[SQLRow]] {
        try await run(statements, priority, deadlineMilliseconds: Self.deadlineMilliseconds)
    }

    func run(
        _ statements: [SQLStatement], _ priority: SQLPriority, deadlineMilliseconds: Int64
    ) async throws(StoreError) -> [[SQLRow]] {
        let isRead = priority == .read
        if isRead { reading += 1 } else { writing += 1 }
        defer { if isRead { reading -= 1 } else { writing -= 1 } }
        return try await DatabaseMetrics.measured(priority) { () async throws(StoreError) in
            try await perform(
                .statements(statements), priority, on: isRead ? reader : writer,
                deadlineMilliseconds: deadlineMilliseconds)
        }
    }

    /// Copies the whole database to a new file.
    func backUp(to target: String) async throws(StoreError) {
        let quoted = target.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
        await offload { SQLiteBackups.remove(target) }
        _ = try await perform(.bare("VACUUM INTO '\(quoted)'"), .command, on: writer, deadlineMilliseconds: 600_000)
    }

    /// One process has the file: no other replica sends messages, so none can be missed.
    public func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) {}

    /// Ends all connections after what is under way.
    public func close() async {
        DatabaseMetrics.closed(self)
        await writer.close()
        if path != nil { await reader.close() }
    }

    private func perform(
        _ work: SQLiteJob.Work, _ priority: SQLPriority, on worker: SQLiteWorker, deadlineMilliseconds: Int64
    ) async throws(StoreError) -> [[SQLRow]] {
        let completion = Completion<[[SQLRow]], StoreError>()
        let job = SQLiteJob(work, priority, completion)
        guard worker.submit(job) else { throw .unavailable }
        let timer = Loop.shared.schedule(afterMilliseconds: deadlineMilliseconds) {
            job.isAbandoned.store(true, ordering: .relaxed)
            completion.finish(.failure(.timedOut))
        }
        defer { timer.cancel() }
        do {
            let rows = try await completion.wait()
            isReachable = true
            return rows
        } catch {
            if case .refused = error { isReachable = true } else { isReachable = false }
            throw error
        }
    }
}
