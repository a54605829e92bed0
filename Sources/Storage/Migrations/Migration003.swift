// Migration 3: ledger, outbox, decisions and what the service keeps about itself.

extension Migration {
    /// Everything that holding and releasing needs.
    static let outboxAndLedger = Migration(
        version: 3, name: "outbox_and_ledger", minimumCodeVersion: 3,
        up: MigrationText(postgreSQL: up3PostgreSQL, sqlite: up3SQLite),
        down: MigrationText(postgreSQL: down3PostgreSQL, sqlite: down3SQLite))
}
