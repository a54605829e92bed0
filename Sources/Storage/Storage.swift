// Chooses the engine by the URL (schema.md 1).

import EventLoop

/// Why a database was not opened. Says nothing of the URL: there may be a password inside.
public enum StorageError: Error, Equatable, Sendable {
    /// `DATABASE_URL` is of no known kind or malformed.
    case url
    /// The database could not be opened.
    case store(StoreError)
}

/// What `DATABASE_URL` names.
public enum DatabaseURL: Sendable {
    /// A file.
    case sqliteFile(String)
    /// A database in memory, for tests.
    case sqliteMemory
    /// A server, in libpq's form of URL.
    case postgreSQL(String)

    /// Reads a URL; a driver's suffix (`postgresql+asyncpg`) is ignored. `nil`: of no known kind.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let scheme = text[..<colon].prefix { $0 != "+" }
        let rest = text[text.index(after: colon)...]
        switch scheme {
        case "sqlite":
            if rest == ":memory:" || rest == "///:memory:" || rest == "//" {
                self = .sqliteMemory
            } else if rest.hasPrefix("//") {
                let path = rest.drop { $0 == "/" }
                guard !path.isEmpty else { return nil }
                self = .sqliteFile("/" + path)
            } else {
                guard !rest.isEmpty else { return nil }
                self = .sqliteFile(String(rest))
            }
        case "postgresql", "postgres":
            guard rest.hasPrefix("//") else { return nil }
            self = .postgreSQL("postgresql:" + rest)
        default: return nil
        }
    }
}

/// Opens databases.
@IO
public enum Storage {
    /// Opens the database that `url` names. A PostgreSQL server that is away is no error: its connections come back.
    public static func open(url: String, poolMax: Int = 10) async throws(StorageError) -> any Database {
        switch DatabaseURL(url) {
        case .sqliteFile(let path): return try await openSQLite(path)
        case .sqliteMemory: return try await openSQLite(nil)
        case .postgreSQL(let url):
            guard let target = PostgreSQLTarget(url: url) else { throw .url }
            return await PostgreSQLDatabase.open(target: target, poolMax: poolMax)
        case nil: throw .url
        }
    }

    private static func openSQLite(_ path: String?) async throws(StorageError) -> any Database {
        do { return try await SQLiteDatabase.open(path: path) } catch { throw .store(error) }
    }
}
