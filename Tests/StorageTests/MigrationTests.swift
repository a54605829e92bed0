// Migrations on both engines: up, down, up; the earlier shape with rows; changed texts; equal schemas.

import EventLoop
import Testing

@testable import Storage

@Suite("Migrations")
struct MigrationTests {
    @Test(arguments: Engine.allCases) @IO
    func `migrations go up, down and up again`(_ engine: Engine) async throws {
        let database = try await Storage.open(url: TestDatabases.emptyURL(engine), poolMax: 4)
        #expect(try await Migrator.schemaFits(database) == .behind(version: 0, head: Migration.head))
        let all = Array(1...Migration.head)
        #expect(try await Migrator.up(database) == all)
        #expect(try await Migrator.up(database) == [])
        #expect(try await Migrator.check(database))
        #expect(try await Migrator.down(database) == [Migration.head])
        #expect(try await !Migrator.check(database))
        #expect(try await Migrator.down(database, count: all.count) == all.dropLast().reversed())
        #expect(try await Migrator.up(database) == all)
        #expect(try await Migrator.schemaFits(database) == .fits(version: Migration.head))
        await database.close()
    }

    @Test(arguments: Engine.allCases) @IO
    func `a database of the earlier shape is adopted with its rows`(_ engine: Engine) async throws {
        let database = try await Storage.open(url: TestDatabases.emptyURL(engine), poolMax: 4)
        let moment = "'2025-03-01 10:20:30.5'"
        let rows = [
            "INSERT INTO owners (user_id, created_at) VALUES (7, \(moment))",
            "INSERT INTO protected_groups (group_id, owner_id, title) VALUES (-1, 7, 'g')",
            "INSERT INTO enforced_channels (channel_id, title) VALUES (-2, 'c')",
            "INSERT INTO group_channel_links (group_id, channel_id) VALUES (-1, -2)",
            """
            INSERT INTO verification_log (user_id, group_id, channel_id, status, timestamp)
            VALUES (9, -1, -2, 'verified', \(moment))
            """,
        ]
        let shape = Migration.earlierShape.up.statements(database.dialect) + rows
        _ = try await database.run(shape.map { SQLStatement($0) }, .command)
        #expect(try await Migrator.up(database) == Array(2...Migration.head))
        #expect(try await Migrator.check(database))
        let log = try await database.run(
            [SQLStatement("SELECT user_id, status, hits, source, timestamp FROM verification_log")], .read)[0]
        #expect(log.map { Array($0.dropLast()) } == [[.int(9), .text("verified"), .int(1), .text("message")]])
        #expect(log[0][4].timestamp == SQLTime.parse("2025-03-01T10:20:30.500Z"))
        #expect(try await Migrator.down(database, count: Migration.head - 1) == Array(2...Migration.head).reversed())
        let links = try await database.run([SQLStatement("SELECT * FROM group_channel_links")], .read)[0]
        #expect(links.count == 1 && links[0].count == 4)
        await database.close()
    }

    @Test(arguments: Engine.allCases) @IO
    func `a changed text is noticed and stops migrating`(_ engine: Engine) async throws {
        let database = try await TestDatabases.migrated(engine)
        let change = SQLStatement("UPDATE schema_migrations SET checksum = 'x' WHERE version = 2")
        _ = try await database.run([change], .command)
        #expect(try await !Migrator.check(database))
        #expect(try await Migrator.schemaFits(database) == .changed(version: 2))
        await #expect(throws: MigrationError.changed(version: 2)) { try await Migrator.up(database) }
        await database.close()
    }

    @Test @IO
    func `both engines have the same tables, columns and indexes`() async throws {
        let sqlite = try await TestDatabases.migrated(.sqlite)
        let postgreSQL = try await TestDatabases.migrated(.postgreSQL)
        let columns = [
            """
            SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END
            FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
            """,
            """
            SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
            FROM information_schema.columns WHERE table_schema = 'public'
            """,
        ]
        let indexes = [
            "SELECT name FROM sqlite_master WHERE type = 'index' AND (name LIKE 'idx_%' OR name LIKE 'uq_user%')",
            "SELECT indexname::text FROM pg_indexes WHERE indexname LIKE 'idx_%' OR indexname LIKE 'uq_user%'",
        ]
        for texts in [columns, indexes] {
            let left = try await sqlite.run([SQLStatement(texts[0])], .read)[0].map { "\($0)" }.sorted()
            let right = try await postgreSQL.run([SQLStatement(texts[1])], .read)[0].map { "\($0)" }.sorted()
            #expect(left == right)
        }
        await sqlite.close()
        await postgreSQL.close()
    }
}
