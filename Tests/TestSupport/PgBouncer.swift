// A real connection pooler before the tests' PostgreSQL, on a Unix socket only.

import Foundation

/// Debian's pgbouncer before one cluster. It ends with the process, or when `stop` is called.
public final class PgBouncer: Sendable {
    /// Why it cannot be had, beside failures of its commands.
    public enum Failure: Error {
        /// The URL is not of a cluster of the tests, or there is no folder for it.
        case notStarted
    }

    private let folder: String

    /// Starts it before the server of `url`, in the pool mode `session` or `transaction`.
    public init(before url: String, mode: String) throws {
        guard let host = url.split(separator: "host=").last else { throw Failure.notStarted }
        var template = Array("/tmp/nezuko-pool-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure.notStarted }
        folder = String(cString: made)
        // The port only names the socket: nothing listens on TCP.
        let settings = """
            [databases]
            * = host=\(host) user=nezuko
            [pgbouncer]
            listen_port = 6543
            unix_socket_dir = \(folder)
            auth_type = any
            pool_mode = \(mode)
            logfile = \(folder)/log
            pidfile = \(folder)/pid
            """
        try settings.write(toFile: "\(folder)/settings.ini", atomically: true, encoding: .utf8)
        // It refuses to run as root.
        let user = getuid() == 0 ? "chown -R postgres \(folder) && exec runuser -u postgres -- " : "exec "
        try PostgreSQLCluster.shell("\(user)/usr/sbin/pgbouncer -d -q \(folder)/settings.ini")
        try PostgreSQLCluster.shell(
            "for i in $(seq 100); do test -S \(folder)/.s.PGSQL.6543 && exit 0; sleep 0.05; done; exit 1")
        try PostgreSQLCluster.runDetached(
            "while kill -0 \(getpid()) 2>/dev/null; do sleep 0.3; done; \(Self.stopping(folder))")
    }

    /// The same database by way of the pooler.
    public func url(of url: String) -> String {
        "postgresql://nezuko@/\(PostgreSQLCluster.name(in: url))?host=\(folder)&port=6543"
    }

    /// Ends it at once.
    public func stop() { try? PostgreSQLCluster.shell(Self.stopping(folder)) }

    private static func stopping(_ folder: String) -> String {
        "test -f \(folder)/pid && kill -INT $(cat \(folder)/pid); rm -rf \(folder)"
    }
}
