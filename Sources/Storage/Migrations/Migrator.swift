// Applies and takes back migrations; says whether a schema fits this code.

import EventLoop

/// One line of `migrate status`.
public struct MigrationStatus: Sendable, Equatable {
    /// The migration's number.
    public var version: Int
    /// Its name.
    public var name: String
    /// Whether the database has it.
    public var isApplied: Bool
    /// Whether the database has it with another text than this code.
    public var isChanged: Bool
}

/// Whether this code can run on a database's schema.
public enum SchemaFit: Sendable, Equatable {
    /// It can; the number is the schema's version.
    case fits(version: Int)
    /// Migrations are missing; `nezuko migrate up` adds them.
    case behind(version: Int, head: Int)
    /// A later build made it and an older one may not run on it.
    case ahead(version: Int, minimumCodeVersion: Int)
    /// An applied migration differs from this code's text.
    case changed(version: Int)
}

/// Why migrating stopped. What was applied before stays.
public enum MigrationError: Error, Equatable, Sendable {
    /// The database is away or refused a statement.
    case store(StoreError)
    /// An applied migration differs from this code's text.
    case changed(version: Int)
    /// The database has a migration that this code does not know and so cannot take back.
    case unknown(version: Int)
    /// The copy of the SQLite file could not be made; nothing was changed.
    case backup
}

/// The commands of `nezuko migrate`.
@IO
public enum Migrator {
    /// The version that this code is written for.
    public nonisolated static var head: Int { Migration.head }

    /// Applies what is missing, each in one transaction. Replicas may do this at the same time.
    ///
    /// - Returns: the versions applied by this call.
    public static func up(_ database: any Database) async throws(MigrationError) -> [Int] {
        try await prepare(database)
        try await refuseChanged(database)
        var applied: [Int] = []
        for migration in Migration.all {
            let present = try await versions(database).map(\.version)
            if present.contains(migration.version) { continue }
            if applied.isEmpty { try await backUp(database, before: migration.version) }
            if try await apply(migration, database) { applied.append(migration.version) }
        }
        return applied
    }

    /// Takes the last `count` migrations back, newest first.
    ///
    /// - Returns: the versions taken back.
    public static func down(_ database: any Database, count: Int = 1) async throws(MigrationError) -> [Int] {
        try await prepare(database)
        try await refuseChanged(database)
        var removed: [Int] = []
        for row in try await versions(database).reversed().prefix(count) {
            guard let migration = Migration.all.first(where: { $0.version == row.version }) else {
                throw .unknown(version: row.version)
            }
            try await takeBack(migration, database)
            removed.append(row.version)
        }
        return removed
    }

    /// All migrations known here or found there, oldest first. Changes nothing.
    public static func status(_ database: any Database) async throws(MigrationError) -> [MigrationStatus] {
        let rows = try await existingVersions(database)
        var lines = Migration.all.map { migration in
            let row = rows.first { $0.version == migration.version }
            return MigrationStatus(
                version: migration.version, name: migration.name, isApplied: row != nil,
                isChanged: row.map { $0.checksum != migration.checksum } ?? false)
        }
        for row in rows where row.version > head {
            lines.append(MigrationStatus(version: row.version, name: row.name, isApplied: true, isChanged: false))
        }
        return lines
    }

    /// Whether the database is exactly at head with unchanged texts: `migrate check`.
    public static func check(_ database: any Database) async throws(MigrationError) -> Bool {
        let lines = try await status(database)
        return lines.count == Migration.all.count && lines.allSatisfy { $0.isApplied && !$0.isChanged }
    }

    /// Whether `serve` can run on this schema: head, or a later one that this code satisfies.
    public static func schemaFits(_ database: any Database) async throws(MigrationError) -> SchemaFit {
        let rows = try await existingVersions(database)
        let version = rows.map(\.version).max() ?? 0
        if let changed = firstChanged(rows) { return .changed(version: changed) }
        let known = Set(rows.map(\.version))
        if !Migration.all.allSatisfy({ known.contains($0.version) }) { return .behind(version: version, head: head) }
        let minimum = rows.map(\.minimumCodeVersion).max() ?? 0
        if minimum > head { return .ahead(version: version, minimumCodeVersion: minimum) }
        return .fits(version: version)
    }

    // MARK: - One migration

    private static let applied = Query(
        """
        INSERT INTO schema_migrations (version, name, checksum, min_code_version, applied_at)
        VALUES ($1, $2, $3, $4, {now})
        """)
    private static let adopted = Query(
        """
        INSERT INTO schema_migrations (version, name, checksum, min_code_version, applied_at)
        VALUES ($1, $2, $3, $4, {now}) ON CONFLICT (version) DO NOTHING
        """)

    private static func values(_ migration: Migration) -> [SQLValue] {
        [
            .int(Int64(migration.version)), .text(migration.name), .text(migration.checksum),
            .int(Int64(migration.minimumCodeVersion)),
        ]
    }

    /// False: another replica was faster.
    private static func apply(_ migration: Migration, _ database: any Database) async throws(MigrationError) -> Bool {
        // The row goes first: whoever finds its number taken lost the race, fails there and changes nothing.
        let row = applied.statement(database.dialect, values(migration))
        let changes = migration.up.statements(database.dialect).map { SQLStatement($0) }
        do {
            _ = try await transaction([row] + changes, database)
            return true
        } catch {
            let present = try await versions(database).map(\.version)
            if present.contains(migration.version) { return false }
            throw .store(error)
        }
    }

    private static func takeBack(_ migration: Migration, _ database: any Database) async throws(MigrationError) {
        let row = SQLStatement(
            "DELETE FROM schema_migrations WHERE version = $1 RETURNING version", [.int(Int64(migration.version))],
            stopsWhenEmpty: true)
        let changes = migration.down.statements(database.dialect).map { SQLStatement($0) }
        do { _ = try await transaction([row] + changes, database) } catch { throw .store(error) }
    }

    /// On PostgreSQL with the migrations' lock, and without the time limit of ordinary statements.
    private static func transaction(
        _ statements: [SQLStatement], _ database: any Database
    ) async throws(StoreError) -> [[SQLRow]] {
        let locks =
            switch database.dialect {
            case .postgreSQL:
                [
                    // A migration may read whole tables, as long as it takes.
                    SQLStatement(
                        """
                        SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true),
                            set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)
                        """),
                    SQLStatement("SELECT pg_advisory_xact_lock(5641906214)"),
                ]
            case .sqlite: [SQLStatement]()
            }
        guard let engine = database as? any EngineDatabase else { return try await database.run(statements, .command) }
        return try await engine.run(locks + statements, .command, deadlineMilliseconds: 600_000)
    }

    // MARK: - What is there

    private struct Row {
        var version: Int
        var name: String
        var checksum: String
        var minimumCodeVersion: Int
    }

    /// Makes `schema_migrations`; a database of the earlier shape is entered as version 1.
    private static func prepare(_ database: any Database) async throws(MigrationError) {
        let time =
            switch database.dialect {
            case .postgreSQL: "TIMESTAMPTZ NOT NULL DEFAULT now()"
            case .sqlite: "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
            }
        var statements = [
            SQLStatement(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    version INTEGER PRIMARY KEY NOT NULL,
                    name TEXT NOT NULL,
                    checksum TEXT NOT NULL,
                    min_code_version INTEGER NOT NULL,
                    applied_at \(time)
                )
                """)
        ]
        do {
            if try await hasTable("schema_migrations", database) { return }
            if try await hasTable("protected_groups", database) {
                let first = Migration.earlierShape
                statements.append(adopted.statement(database.dialect, values(first)))
            }
            _ = try await transaction(statements, database)
        } catch { throw .store(error) }
    }

    private static func hasTable(_ name: String, _ database: any Database) async throws(StoreError) -> Bool {
        let text =
            switch database.dialect {
            case .postgreSQL:
                "SELECT 1 FROM pg_tables WHERE tablename = $1::text AND schemaname = current_schema()"
            case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1"
            }
        return try await !database.run([SQLStatement(text, [.text(name)])], .command)[0].isEmpty
    }

    private static func existingVersions(_ database: any Database) async throws(MigrationError) -> [Row] {
        do {
            guard try await hasTable("schema_migrations", database) else { return [] }
        } catch { throw .store(error) }
        return try await versions(database)
    }

    private static func versions(_ database: any Database) async throws(MigrationError) -> [Row] {
        let text = "SELECT version, name, checksum, min_code_version FROM schema_migrations ORDER BY version"
        let rows: [SQLRow]
        do { rows = try await database.run([SQLStatement(text)], .command)[0] } catch { throw .store(error) }
        return rows.compactMap { row in
            guard case .int(let version) = row[0], case .text(let name) = row[1], case .text(let checksum) = row[2],
                case .int(let minimum) = row[3]
            else { return nil }
            return Row(
                version: Int(version), name: name, checksum: checksum, minimumCodeVersion: Int(minimum))
        }
    }

    private static func firstChanged(_ rows: [Row]) -> Int? {
        Migration.all.first { migration in
            rows.contains { $0.version == migration.version && $0.checksum != migration.checksum }
        }?.version
    }

    private static func refuseChanged(_ database: any Database) async throws(MigrationError) {
        if let version = firstChanged(try await versions(database)) { throw .changed(version: version) }
    }

    private static func backUp(_ database: any Database, before version: Int) async throws(MigrationError) {
        guard let sqlite = database as? SQLiteDatabase, let path = sqlite.path else { return }
        do {
            // A new file holds the table of migrations alone; there is nothing to lose.
            guard try await hasTable("protected_groups", database) else { return }
            try await sqlite.backUp(to: SQLiteBackups.path(of: path, before: version))
        } catch { throw .backup }
        await offload { SQLiteBackups.removeOld(of: path) }
    }
}
