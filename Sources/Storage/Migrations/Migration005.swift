// Migration 5: indexes of effects that serve one question each, whatever the planner knows of the table.

extension Migration {
    /// The table is empty most of the time, so statistics say nothing about a raid. With the id in the first index
    /// PostgreSQL stops at the first effect that may be taken, instead of sorting all that are due (SQLite's indexes end
    /// with the row's id anyway); with the lane in the second, a chat's messages are found by both at once, where "all
    /// of lane 3" looked as good.
    static let effectOrder = Migration(
        version: 5, name: "effect_order", minimumCodeVersion: 3,
        up: MigrationText(
            postgreSQL: [
                "DROP INDEX IF EXISTS idx_effects_due", "CREATE INDEX idx_effects_due ON effects (lane, due_at, id)",
            ] + chatIndex("chat_id, lane, due_at"),
            sqlite: chatIndex("chat_id, lane, due_at")),
        down: MigrationText(
            postgreSQL: [
                "DROP INDEX IF EXISTS idx_effects_due", "CREATE INDEX idx_effects_due ON effects (lane, due_at)",
            ] + chatIndex("chat_id, due_at"),
            sqlite: chatIndex("chat_id, due_at")))

    private static func chatIndex(_ columns: String) -> [String] {
        ["DROP INDEX IF EXISTS idx_effects_chat", "CREATE INDEX idx_effects_chat ON effects (\(columns))"]
    }
}
