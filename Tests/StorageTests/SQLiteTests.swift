// SQLite's driver and migrations on it.

import EventLoop
import Testing

@testable import Storage

@Suite("SQLite driver")
struct SQLiteTests {
    @Test @IO
    func `migrations go up, down and up again in memory`() async throws {
        let database = try await SQLiteDatabase.open(path: nil)
        #expect(try await Migrator.up(database) == [1, 2, 3])
        #expect(try await Migrator.up(database) == [])
        #expect(try await Migrator.check(database))
        #expect(try await Migrator.down(database, count: 3) == [3, 2, 1])
        #expect(try await Migrator.up(database) == [1, 2, 3])
        await database.close()
    }
}
