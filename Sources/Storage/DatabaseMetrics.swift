// How long transactions take, how many fail, and how many connections work: of all databases of the process.

import EventLoop
import Observability

/// The counters of both engines.
@IO
public enum DatabaseMetrics {
    private struct Open {
        weak var database: (any EngineDatabase)?
    }

    private static var open: [Open] = []
    private static let kinds: [SQLPriority] = [.record, .lease, .command, .log, .read, .retention]
    private static let family = HistogramFamily(
        "nezuko_db_query_seconds", help: "Time of database transactions, waiting for their turn included.",
        buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1], labels: ["query_type"],
        values: kinds.map { [$0.queryType] })
    private static let seconds = kinds.map { family.child($0.queryType) }
    private static let active = Gauge("nezuko_db_connections_active", help: "Connections that are at work.") {
        Double(databases.reduce(0) { $0 + $1.connections.active })
    }
    private static let idle = Gauge("nezuko_db_connections_idle", help: "Open connections without work.") {
        Double(databases.reduce(0) { $0 + $1.connections.idle })
    }
    private static let connected = Gauge("nezuko_db_connected", help: "1 when the last contact succeeded, else 0.") {
        isConnected ? 1 : 0
    }

    /// Makes the series exist before the first scrape.
    public static func registerMetrics() {
        _ = (family, active, idle, connected)
        ErrorMetrics.register(.database, operations: kinds.map(\.queryType))
    }

    /// Whether there is a database, and the last contact with each succeeded.
    public static var isConnected: Bool {
        let databases = databases
        return !databases.isEmpty && databases.allSatisfy(\.isReachable)
    }

    static func opened(_ database: any EngineDatabase) {
        open.removeAll { $0.database == nil }
        open.append(Open(database: database))
    }

    static func closed(_ database: any EngineDatabase) {
        open.removeAll { $0.database == nil || $0.database === database }
    }

    /// Runs a transaction and counts it.
    static func measured(
        _ priority: SQLPriority, _ work: @IO () async throws(StoreError) -> [[SQLRow]]
    ) async throws(StoreError) -> [[SQLRow]] {
        let began = Loop.shared.current().nanoseconds
        defer {
            let elapsed = Double(Loop.shared.current().nanoseconds - began) / 1e9
            seconds[priority.rawValue].observe(seconds: elapsed)
        }
        if priority == .record { CrashPoint.reached("store record before") }
        do throws(StoreError) {
            let rows = try await work()
            if priority == .record { CrashPoint.reached("store record after") }
            return rows
        } catch {
            ErrorMetrics.count(.database, operation: priority.queryType)
            throw error
        }
    }

    private static var databases: [any EngineDatabase] { open.compactMap(\.database) }
}

extension SQLPriority {
    /// The label of `nezuko_db_query_seconds`.
    var queryType: String {
        switch self {
        case .record: "record"
        case .lease: "lease"
        case .command: "command"
        case .log: "log"
        case .read: "read"
        case .retention: "retention"
        }
    }
}
