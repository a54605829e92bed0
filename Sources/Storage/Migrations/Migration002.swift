// Migration 2: what the charts read.

extension Migration {
    /// The log of API calls, counts of members, kinds of errors.
    static let addChartsAnalytics = Migration(
        version: 2, name: "add_charts_analytics", minimumCodeVersion: 2,
        up: MigrationText(postgreSQL: up2PostgreSQL, sqlite: up2SQLite),
        down: MigrationText(postgreSQL: down2, sqlite: down2))

    // MARK: - Up

    private static let up2PostgreSQL = [
        """
        CREATE TABLE api_call_log (
            id BIGSERIAL PRIMARY KEY,
            method VARCHAR(50) NOT NULL,
            chat_id BIGINT,
            user_id BIGINT,
            group_id BIGINT,
            success BOOLEAN DEFAULT TRUE,
            latency_ms INTEGER,
            error_type VARCHAR(50),
            error_class VARCHAR(50),
            timestamp TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        "ALTER TABLE protected_groups ADD COLUMN member_count INTEGER DEFAULT 0",
        "ALTER TABLE protected_groups ADD COLUMN last_sync_at TIMESTAMPTZ",
        "ALTER TABLE enforced_channels ADD COLUMN subscriber_count INTEGER DEFAULT 0",
        "ALTER TABLE enforced_channels ADD COLUMN last_sync_at TIMESTAMPTZ",
        "ALTER TABLE verification_log ADD COLUMN error_type VARCHAR(50)",
        "CREATE INDEX idx_api_call_log_method ON api_call_log (method)",
        "CREATE INDEX idx_api_call_log_timestamp ON api_call_log (timestamp)",
        "CREATE INDEX idx_api_call_log_method_timestamp ON api_call_log (method, timestamp)",
        "CREATE INDEX idx_api_call_log_success ON api_call_log (success, timestamp) WHERE NOT success",
        "CREATE INDEX idx_api_call_log_group_timestamp ON api_call_log (group_id, timestamp)",
        "CREATE INDEX idx_verification_log_error_type ON verification_log (error_type) WHERE "
            + "error_type IS NOT NULL",
    ]

    private static let up2SQLite = [
        """
        CREATE TABLE api_call_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            method VARCHAR(50) NOT NULL,
            chat_id INTEGER,
            user_id INTEGER,
            group_id INTEGER,
            success INTEGER DEFAULT 1,
            latency_ms INTEGER,
            error_type VARCHAR(50),
            error_class VARCHAR(50),
            timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        "ALTER TABLE protected_groups ADD COLUMN member_count INTEGER DEFAULT 0",
        "ALTER TABLE protected_groups ADD COLUMN last_sync_at TEXT",
        "ALTER TABLE enforced_channels ADD COLUMN subscriber_count INTEGER DEFAULT 0",
        "ALTER TABLE enforced_channels ADD COLUMN last_sync_at TEXT",
        "ALTER TABLE verification_log ADD COLUMN error_type VARCHAR(50)",
        "CREATE INDEX idx_api_call_log_method ON api_call_log (method)",
        "CREATE INDEX idx_api_call_log_timestamp ON api_call_log (timestamp)",
        "CREATE INDEX idx_api_call_log_method_timestamp ON api_call_log (method, timestamp)",
        "CREATE INDEX idx_api_call_log_success ON api_call_log (success, timestamp) WHERE NOT success",
        "CREATE INDEX idx_api_call_log_group_timestamp ON api_call_log (group_id, timestamp)",
        "CREATE INDEX idx_verification_log_error_type ON verification_log (error_type) WHERE "
            + "error_type IS NOT NULL",
    ]

    // MARK: - Down

    private static let down2 = [
        "DROP INDEX idx_verification_log_error_type",
        "ALTER TABLE verification_log DROP COLUMN error_type",
        "ALTER TABLE enforced_channels DROP COLUMN last_sync_at",
        "ALTER TABLE enforced_channels DROP COLUMN subscriber_count",
        "ALTER TABLE protected_groups DROP COLUMN last_sync_at",
        "ALTER TABLE protected_groups DROP COLUMN member_count",
        "DROP TABLE api_call_log",
    ]
}
