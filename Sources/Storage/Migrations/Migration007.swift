// Migration 7: room for what a decision led to beside the decision.

extension Migration {
    /// A row of `decisions` grows with each of its effects' ends, mostly milliseconds after it was written. On a page
    /// with room PostgreSQL changes it in place of four indexes (heap-only tuples); SQLite has no such setting.
    static let decisionRoom = Migration(
        version: 7, name: "decision_room", minimumCodeVersion: 3,
        up: MigrationText(postgreSQL: ["ALTER TABLE decisions SET (fillfactor = 50)"], sqlite: []),
        down: MigrationText(postgreSQL: ["ALTER TABLE decisions RESET (fillfactor)"], sqlite: []))
}
