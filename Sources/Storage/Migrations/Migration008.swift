// Migration 8: PostgreSQL looks after the trace as seldom as is good for it.

extension Migration {
    /// In a raid on a young database (105,000 holds in two and a half minutes) autovacuum spent a second of processor time
    /// on `decisions`, more than on any other table: each minute it took samples of both JSON columns (0.35 s at 60,000
    /// rows) for plans that do not ask for them, and looked for versions of rows that pages throw away by themselves.
    /// What is left to remove is what retention deletes.
    static let decisionUpkeep = Migration(
        version: 8, name: "decision_upkeep", minimumCodeVersion: 3,
        up: MigrationText(
            postgreSQL: [
                "ALTER TABLE decisions ALTER facts SET STATISTICS 0, ALTER effects SET STATISTICS 0",
                """
                ALTER TABLE decisions SET (autovacuum_vacuum_threshold = 50000,
                    autovacuum_vacuum_insert_threshold = 50000, autovacuum_analyze_threshold = 50000)
                """,
            ],
            sqlite: []),
        down: MigrationText(
            postgreSQL: [
                "ALTER TABLE decisions ALTER facts SET STATISTICS -1, ALTER effects SET STATISTICS -1",
                """
                ALTER TABLE decisions RESET (autovacuum_vacuum_threshold, autovacuum_vacuum_insert_threshold,
                    autovacuum_analyze_threshold)
                """,
            ],
            sqlite: []))
}
