// A database that is looked at and not changed, for commands beside the service.

import EventLoop

extension Storage {
    /// Opens a database for reading alone; every transaction is one that may not write, whatever is asked of it.
    ///
    /// - Parameter url: as `open` takes it. A SQLite file has to be there.
    public static func inspect(url: String) async throws(StorageError) -> any Database {
        guard let path = DatabaseProbe.sqlitePath(url) else {
            return InspectedDatabase(try await open(url: url, poolMax: 3))
        }
        do throws(StoreError) { return try await SQLiteDatabase.inspect(path: path) } catch { throw .store(error) }
    }
}

/// PostgreSQL without the right to write.
///
/// Said in each transaction, not once a session: behind a transaction pooler a session's settings become other
/// people's.
@IO
final class InspectedDatabase: Database {
    private static let isReadOnly = SQLStatement("SELECT set_config('transaction_read_only', 'on', true)")

    private let database: any Database

    init(_ database: any Database) { self.database = database }

    var dialect: SQLDialect { database.dialect }
    var owner: String { database.owner }
    var isReachable: Bool { database.isReachable }

    func run(_ statements: [SQLStatement], _ priority: SQLPriority) async throws(StoreError) -> [[SQLRow]] {
        Array(try await database.run([Self.isReadOnly] + statements, priority).dropFirst())
    }

    func onCacheMessage(_ handler: @escaping @IO (String?) -> Void) { database.onCacheMessage(handler) }
    func onEffects(_ handler: @escaping @IO () -> Void) { database.onEffects(handler) }
    func close() async { await database.close() }
}
