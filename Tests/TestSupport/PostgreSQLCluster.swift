// A real PostgreSQL for tests: one cluster a run in a temporary folder, on a Unix socket only.

import EventLoop
import Foundation
import Synchronization

/// A cluster of the test run. It ends with the process, since a shell that waits for the process's end stops it.
public final class PostgreSQLCluster: Sendable {
    /// Why the cluster cannot be had.
    public enum Failure: Error {
        /// No PostgreSQL is installed, or a command of it failed.
        case command(String, Int32)
    }

    /// The cluster that suites share; made at the first use.
    public static let shared = Result { try PostgreSQLCluster() }

    private let folder: String
    private let binaries: String
    private let prefix: [String]
    private let count = Atomic<Int>(0)
    private let templates = Mutex<[String: String]>([:])

    /// Makes and starts a cluster; fault tests have one of their own.
    public init() throws {
        guard let version = try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql").max() else {
            throw Failure.command("initdb", -1)
        }
        binaries = "/usr/lib/postgresql/\(version)/bin"
        var template = Array("/tmp/nezuko-pg-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure.command("mkdtemp", errno) }
        folder = String(cString: made)
        // PostgreSQL refuses to run as root.
        if getuid() == 0 {
            prefix = ["/usr/sbin/runuser", "-u", "postgres", "--"]
            try Self.run(["/bin/chown", "postgres", folder])
        } else {
            prefix = []
        }
        try Self.run(
            prefix + ["\(binaries)/initdb", "-D", "\(folder)/data", "-U", "nezuko", "-A", "trust", "-N", "-E", "UTF8"])
        let settings = """
            listen_addresses = ''
            unix_socket_directories = '\(folder)'
            fsync = off
            max_connections = 200
            shared_buffers = 32MB
            log_min_messages = fatal
            """
        let script = "printf '%s\\n' \"$1\" >> \(folder)/data/postgresql.conf"
        try Self.run(prefix + ["/bin/sh", "-c", script, "sh", settings])
        try start()
        try Self.runDetached(
            "while kill -0 \(getpid()) 2>/dev/null; do sleep 0.3; done; "
                + (prefix + ["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-m", "immediate", "stop"])
                .joined(separator: " ") + "; rm -rf \(folder)")
    }

    /// Starts the server and waits until it answers.
    ///
    /// Sessions may outlive a server that was stopped at once by a moment, and no other one starts beside them.
    public func start() throws {
        let command =
            prefix + [
                "\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-s", "-l", "\(folder)/log", "start",
            ]
        for _ in 0..<40 {
            do { return try Self.run(command) } catch { usleep(250_000) }
        }
        do { try Self.run(command) } catch {
            let log = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "no log"
            throw Failure.command("pg_ctl start: \(log.suffix(1000))", -1)
        }
    }

    /// Stops the server at once, as a crash would (`immediate`) or cutting all sessions (`fast`).
    public func stop(immediately: Bool = true) throws {
        let mode = immediately ? "immediate" : "fast"
        try Self.run(prefix + ["\(binaries)/pg_ctl", "-D", "\(folder)/data", "-w", "-s", "-m", mode, "stop"])
    }

    /// Stops every process of the server, so that it neither answers nor closes, or lets them go on.
    public func freeze(_ isFrozen: Bool) throws {
        let signal = isFrozen ? "STOP" : "CONT"
        try Self.run([
            "/bin/sh", "-c",
            "head -1 \(folder)/data/postmaster.pid | xargs -I{} sh -c 'kill -\(signal) {}; pkill -\(signal) -P {}'",
        ])
    }

    /// Makes an empty database, or a copy of `template`; returns its URL.
    public func makeDatabase(template: String? = nil) throws -> String {
        let name = "test\(count.add(1, ordering: .relaxed).newValue)"
        let from = template.map { ["-T", $0] } ?? []
        try Self.run(["\(binaries)/createdb", "-h", folder, "-U", "nezuko"] + from + [name])
        return url(of: name)
    }

    /// The URL of a database of this cluster.
    public func url(of name: String) -> String { "postgresql://nezuko@/\(name)?host=\(folder)" }

    /// The name in a URL of this cluster.
    public static func name(in url: String) -> String {
        String(url.dropFirst("postgresql://nezuko@/".count).prefix { $0 != "?" })
    }

    static func run(_ command: [String]) throws {
        let process = try spawn(command)
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        guard status == 0 else { throw Failure.command(command[0], status) }
    }

    static func shell(_ script: String) throws { try run(["/bin/sh", "-c", script]) }

    static func runDetached(_ script: String) throws {
        _ = try spawn(["/usr/bin/setsid", "/bin/sh", "-c", script])
    }

    /// `Process` takes a child for running as long as one of its own children lives, which a server does.
    private static func spawn(_ command: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in Int32(0)...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        // A server counts the descriptors that it may have, ours with them.
        for descriptor in 3..<Int32(min(4096, sysconf(Int32(_SC_OPEN_MAX)))) {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var arguments = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var process = pid_t()
        let failure = posix_spawn(&process, command[0], &actions, nil, arguments, environ)
        guard failure == 0 else { throw Failure.command(command[0], failure) }
        return process
    }
}
