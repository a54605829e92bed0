// The database of `serve`: which one it is, the lock of its file, and the wait until its schema fits.

import Configuration
import EventLoop
import Glibc
import Observability
import Storage

/// Opens the database once, and keeps its lock for the life of the process.
@IO
final class ServeDatabase {
    struct Failure: Error {
        let code: ExitCode
    }

    private let configuration: Configuration
    private let isSimulated: Bool
    private var lock: ServeLock?

    init(_ configuration: Configuration, isSimulated: Bool) {
        self.configuration = configuration
        self.isSimulated = isSimulated
    }

    private var scratch: String? { Databases.simulatorFile(configuration, isSimulated: isSimulated) }

    /// The SQLite file in use; `nil` on PostgreSQL.
    var file: String? {
        if let scratch { return scratch }
        if case .sqlite(let path) = configuration.database { return path }
        return nil
    }

    /// The database at this version's schema. What is wrong was said when this throws.
    ///
    /// - Parameter isStopping: whether the wait for the schema is to be given up.
    func open(isStopping: @IO () -> Bool) async throws(Failure) -> any Database {
        try takeLock()
        let database: any Database
        do throws(StoreError) { database = try await Databases.open(configuration, scratch: scratch) } catch {
            Terminal.error("nezuko serve: \(error.advice)")
            throw Failure(code: .database)
        }
        // A migrate job may be running, or the database starting: both get a minute.
        let deadline = Loop.shared.now.adding(milliseconds: 60_000)
        var problem = ""
        while true {
            do throws(MigrationError) {
                if configuration.migratesAutomatically { _ = try await Migrator.up(database) }
                if case .fits = try await Migrator.schemaFits(database) { return database }
                problem = "the schema does not fit this version. Run: nezuko migrate up"
            } catch {
                problem = error.advice
            }
            guard !isStopping() else { throw Failure(code: .ok) }
            guard Loop.shared.current() < deadline else { break }
            Log.warning("database_not_ready")
            await Loop.shared.sleep(milliseconds: 500)
        }
        Terminal.error("nezuko serve: \(problem)")
        throw Failure(code: .database)
    }

    private func takeLock() throws(Failure) {
        guard let path = file else { return }
        guard Environment.canMakeFiles(beside: path) else {
            Terminal.error("nezuko serve: \(path) cannot be made. Check DATABASE_URL: is its directory there?")
            throw Failure(code: .database)
        }
        guard let lock = ServeLock.acquire(forDatabase: path) else {
            Terminal.error("nezuko serve: another `nezuko serve` uses this database. Stop it, or set STATE_DIR.")
            throw Failure(code: .usage)
        }
        self.lock = lock
        if scratch != nil { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
    }
}
