// PostgreSQL behind the seam: a few connections with fixed duties, all in pipeline mode on the loop.

import EventLoop
import Glibc

/// A PostgreSQL server. While it is away, calls fail after at most a second and the connections come back alone.
@IO
public final class PostgreSQLDatabase: EngineDatabase {
    /// Which texts it understands.
    public let dialect = SQLDialect.postgreSQL
    /// Random id of this process in leases.
    public let owner = RandomName.owner()

    /// Several: each transaction waits for the disk, and those of different connections wait for one write together.
    private let recording: [PostgreSQLConnection]
    private let logging: PostgreSQLConnection
    private let listening: PostgreSQLConnection
    private let others: [PostgreSQLConnection]
    private var handlers: [@IO (String?) -> Void] = []
    private var effectHandlers: [@IO () -> Void] = []
    private var running = 0
    private var isClosing = false

    /// Answers, or gives up, within this time.
    private static let deadlineMilliseconds: Int64 = 5000
    /// A server that says nothing for so long after the deadline is taken for gone.
    private static let cutMilliseconds: Int64 = 1000

    private init(target: PostgreSQLTarget, poolMax: Int) {
        let session = """
            SELECT set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false),
                set_config('statement_timeout', '5000', false), set_config('bytea_output', 'hex', false)
            """
        // Without statistics, as on a fresh database, reading and hashing whole tables looks cheap to the planner.
        let indexed = """
            SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
                set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),
                set_config('plan_cache_mode', 'force_generic_plan', false)
            """
        let recorders = max(1, min(4, (poolMax - 2) / 2))
        recording = (0..<recorders).map { _ in PostgreSQLConnection(target: target, setup: [session, indexed]) }
        logging = PostgreSQLConnection(
            target: target, setup: [session, "SELECT set_config('synchronous_commit', 'off', false)"])
        listening = PostgreSQLConnection(
            target: target, setup: [session, "LISTEN nezuko_cache", "LISTEN nezuko_effects"])
        others = (0..<max(1, poolMax - 2 - recorders)).map { _ in
            PostgreSQLConnection(target: target, setup: [session, indexed])
        }
        listening.onNotification = { [weak self] channel, message in self?.heard(channel, message) }
    }

    /// Begins to connect and waits for the first attempts; a server that is away is no error.
    static func open(target: PostgreSQLTarget, poolMax: Int) async -> PostgreSQLDatabase {
        let database = PostgreSQLDatabase(target: target, poolMax: poolMax)
        DatabaseMetrics.opened(database)
        let attempts = database.all.map { connection in Task { @IO in await connection.start() } }
        for attempt in attempts { await attempt.value }
        return database
    }

    /// Whether the last contact succeeded.
    public var isReachable: Bool { recording.contains(where: \.isOpen) }

    /// Runs the statements in one transaction; answers, or throws, within 5 s.
    public func run(
        _ statements: [SQLStatement], _ priority: SQLPriority
    ) async throws(StoreError) -> [[SQLRow]] {
        try await run(statements, priority, deadlineMilliseconds: Self.deadlineMilliseconds)
    }

    var connections: (active: Int, idle: Int) {
        let open = all.filter(\.isOpen)
        let active = open.count { $0.load > 0 }
        return (active, open.count - active)
    }

    func run(
        _ statements: [SQLStatement], _ priority: SQLPriority, deadlineMilliseconds: Int64
    ) async throws(StoreError) -> [[SQLRow]] {
        try await DatabaseMetrics.measured(priority) { () async throws(StoreError) in
            try await perform(statements, priority, deadlineMilliseconds: deadlineMilliseconds)
        }
    }

    private func perform(
        _ statements: [SQLStatement], _ priority: SQLPriority, deadlineMilliseconds: Int64
    ) async throws(StoreError) -> [[SQLRow]] {
        guard !isClosing else { throw .unavailable }
        // A C string ends at U+0000: PostgreSQL has no such text, so it is refused as the server would.
        guard !statements.contains(where: { $0.parameters.contains(where: Self.hasZero) }) else {
            throw .refused(code: "22021")
        }
        let request = PostgreSQLRequest(statements)
        let connection = connection(for: priority)
        running += 1
        defer { running -= 1 }
        let deadline = Loop.shared.schedule(afterMilliseconds: deadlineMilliseconds) {
            request.completion.finish(.failure(.timedOut))
            Loop.shared.schedule(afterMilliseconds: Self.cutMilliseconds) { connection.cut(request) }
        }
        defer { deadline.cancel() }
        connection.submit(request)
        return try await request.completion.wait()
    }

    /// Calls `handler` with messages of other replicas, and with `nil` when some may have been missed.
    public func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) { handlers.append(handler) }

    /// Calls `handler` when another replica has recorded effects for whoever has room, or may have.
    public func onEffects(_ handler: @escaping @IO () -> Void) { effectHandlers.append(handler) }

    /// `nil` after a loss: words of either kind may have been missed.
    private func heard(_ channel: String?, _ message: String) {
        if channel != "nezuko_effects" { for handler in handlers { handler(channel == nil ? nil : message) } }
        if channel != "nezuko_cache" { for handler in effectHandlers { handler() } }
    }

    /// Ends all connections after what is under way.
    public func close() async {
        isClosing = true
        DatabaseMetrics.closed(self)
        // Each call has a deadline of its own, so this ends.
        while running > 0 { await Loop.shared.sleep(milliseconds: 5) }
        for connection in all { connection.close() }
    }

    private var all: [PostgreSQLConnection] { recording + [logging, listening] + others }

    private func connection(for priority: SQLPriority) -> PostgreSQLConnection {
        switch priority {
        case .record: Self.idlest(recording)
        case .log: logging
        case .lease, .command, .read, .retention: Self.idlest(others)
        }
    }

    private static func idlest(_ connections: [PostgreSQLConnection]) -> PostgreSQLConnection {
        var best = connections[0]
        for connection in connections.dropFirst() where connection.isOpen {
            if !best.isOpen || connection.load < best.load { best = connection }
        }
        return best
    }

    private static func hasZero(_ value: SQLValue) -> Bool {
        guard case .text(var text) = value else { return false }
        return text.withUTF8 { bytes in
            bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
        }
    }
}
