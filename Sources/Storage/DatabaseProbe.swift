// Looks at a database from outside, before anything relies on it: does it answer, how, and what stands in between.

import EventLoop
import Glibc

/// A database that answered.
public struct DatabaseContact: Sendable, Equatable {
    /// Engine, version and encryption, for people: `PostgreSQL 15.8 over TLSv1.3`.
    public var description: String
    /// How far the database's clock is ahead of ours, in milliseconds; `nil` where it is our own.
    public var clockAheadMilliseconds: Int64?
}

/// Why a database did not answer. Its words hold no password.
public enum DatabaseTrouble: Error, Equatable, Sendable {
    /// The SQLite file is not there; nothing was made.
    case noFile(path: String)
    /// It refused, or nobody is there; one line, in the library's words.
    case unreachable(cause: String)
}

/// Whether what is prepared in a session is there at its next call.
public enum SessionKind: Equatable, Sendable {
    /// It is: a direct connection, or a pooler in session mode. SQLite too.
    case kept
    /// It is not: calls of one session reach several sessions of the server.
    case shared
    /// That could not be seen.
    case unknown(cause: String)
}

/// Looks at databases. Changes nothing in them.
public enum DatabaseProbe {
    private static let seconds: Int64 = 3

    /// Asks the database for its version and clock, over a connection of its own.
    ///
    /// - Parameters:
    ///   - url: as `Storage.open` takes it.
    ///   - clock: our own clock.
    /// - Throws: `DatabaseTrouble` when it does not answer.
    @IO
    public static func contact(
        url: String, clock: @escaping @Sendable () -> Timestamp
    ) async throws(DatabaseTrouble) -> DatabaseContact {
        if let path = sqlitePath(url) { return try await contact(file: path) }
        guard let target = PostgreSQLTarget(url: url) else { throw .unreachable(cause: "the URL is malformed") }
        return try await offload { () throws(DatabaseTrouble) in try contact(target, clock) }
    }

    /// Whether a session of the server is ours alone from call to call.
    @IO
    public static func sessions(url: String) async -> SessionKind {
        guard sqlitePath(url) == nil, let target = PostgreSQLTarget(url: url) else { return .kept }
        return await offload { sessions(target) }
    }

    static func sqlitePath(_ url: String) -> String? {
        url.hasPrefix("sqlite:") ? String(url.dropFirst("sqlite:".count)) : nil
    }

    // MARK: - SQLite

    @IO
    private static func contact(file path: String) async throws(DatabaseTrouble) -> DatabaseContact {
        guard access(path, F_OK) == 0 else { throw .noFile(path: path) }
        do throws(StoreError) {
            let database = try await SQLiteDatabase.inspect(path: path)
            let asked = await answer(of: database)
            await database.close()
            return try asked.get()
        } catch {
            throw .unreachable(cause: error == .refused(code: "26") ? "the file is no database" : "\(error)")
        }
    }

    /// The second statement reads the file, whatever it is.
    @IO
    private static func answer(of database: SQLiteDatabase) async -> Result<DatabaseContact, StoreError> {
        do throws(StoreError) {
            let texts = ["SELECT sqlite_version()", "SELECT count(*) FROM sqlite_master"]
            let rows = try await database.run(texts.map { SQLStatement($0) }, .read)
            return .success(DatabaseContact(description: "SQLite \(rows.first?.first?.text(0) ?? "?")"))
        } catch {
            return .failure(error)
        }
    }

    // MARK: - PostgreSQL, blocking

    private static func contact(
        _ target: PostgreSQLTarget, _ clock: () -> Timestamp
    ) throws(DatabaseTrouble) -> DatabaseContact {
        do throws(PostgreSQLSession.Failure) {
            return try contact(try PostgreSQLSession(target, connectingWithin: seconds), target.sslMode, clock)
        } catch {
            throw .unreachable(cause: error.cause)
        }
    }

    private static func contact(
        _ session: borrowing PostgreSQLSession, _ sslMode: String, _ clock: () -> Timestamp
    ) throws(PostgreSQLSession.Failure) -> DatabaseContact {
        let asked = clock()
        guard let row = session.row("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"),
            let milliseconds = row.first.flatMap({ Int64($0) })
        else { throw PostgreSQLSession.Failure(cause: "it connects, but does not answer a query") }
        let middle = (asked.microseconds + clock().microseconds) / 2000
        let wire = session.tlsVersion.map { "over \($0)" } ?? "in clear (sslmode=\(sslMode))"
        return DatabaseContact(
            description: "PostgreSQL \(session.serverVersion) \(wire)", clockAheadMilliseconds: milliseconds - middle)
    }

    /// A pooler gives the server's session away as soon as a transaction ends. So while a second session of ours is
    /// inside a transaction, the first one shows whether it still has its own. Where others use the pooler too, the
    /// second may be given another one, so it is tried more than once.
    private static func sessions(_ target: PostgreSQLTarget) -> SessionKind {
        do throws(PostgreSQLSession.Failure) {
            let first = try PostgreSQLSession(target, connectingWithin: seconds)
            let second = try PostgreSQLSession(target, connectingWithin: seconds)
            let identity = "SELECT pg_backend_pid()"
            guard let own = first.row(identity) else { return .unknown(cause: "a query failed") }
            guard first.prepare("nezuko_doctor", identity) else { return .shared }
            for _ in 0..<10 {
                guard second.execute("BEGIN READ ONLY"), let other = second.row(identity) else {
                    return .unknown(cause: "a second connection got no answer")
                }
                let isKept = other != own && first.row(prepared: "nezuko_doctor") == own
                _ = second.execute("COMMIT")
                // What was given back last is given away first: now it is the second's.
                guard isKept, first.row(identity) == own else { return .shared }
            }
            return .kept
        } catch {
            return .unknown(cause: error.cause)
        }
    }
}
