// Chooses the engine by the URL.

import EventLoop

/// Why a database was not opened. Says nothing of the URL: there may be a password inside.
public enum StorageError: Error, Equatable, Sendable {
    /// `DATABASE_URL` is of no known kind or malformed.
    case url
    /// The database could not be opened.
    case store(StoreError)
}

/// Opens databases.
@IO
public enum Storage {
    /// Opens the database that `url` names, in the one form that Configuration makes of `DATABASE_URL`:
    /// `sqlite:PATH`, `sqlite::memory:` for tests, or a URL for libpq.
    ///
    /// A PostgreSQL server that is away is no error: its connections come back.
    public static func open(url: String, poolMax: Int = 10) async throws(StorageError) -> any Database {
        let kind = "sqlite:"
        if url.hasPrefix(kind) {
            let path = url.dropFirst(kind.count)
            return try await openSQLite(path == ":memory:" ? nil : String(path))
        }
        guard let target = PostgreSQLTarget(url: url) else { throw .url }
        return await PostgreSQLDatabase.open(target: target, poolMax: poolMax)
    }

    private static func openSQLite(_ path: String?) async throws(StorageError) -> any Database {
        do { return try await SQLiteDatabase.open(path: path) } catch { throw .store(error) }
    }
}
