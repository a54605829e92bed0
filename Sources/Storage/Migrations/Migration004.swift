// Migration 4: indexes for what is asked about a group while many are held there.

extension Migration {
    /// Without them each prompt and each edit looks at every open hold of its group.
    static let holdIndexes = Migration(
        version: 4, name: "hold_indexes", minimumCodeVersion: 3,
        up: MigrationText(postgreSQL: up4, sqlite: up4), down: MigrationText(postgreSQL: down4, sqlite: down4))

    private static let up4 = [
        """
        CREATE INDEX IF NOT EXISTS idx_user_restrictions_untold ON user_restrictions (group_id, id)
        WHERE lifted_at IS NULL AND told_at IS NULL
        """,
        """
        CREATE INDEX IF NOT EXISTS idx_user_restrictions_warning ON user_restrictions (group_id, warning_message_id)
        WHERE lifted_at IS NULL
        """,
    ]
    private static let down4 = [
        "DROP INDEX IF EXISTS idx_user_restrictions_warning",
        "DROP INDEX IF EXISTS idx_user_restrictions_untold",
    ]
}
