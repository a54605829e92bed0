// Migration 3 in SQLite's words; Migration003PostgreSQL.swift says the same.
// The updates bring moments written by older programs into the one form that this code compares as text.

extension Migration {
    static let up3SQLite = [
        "ALTER TABLE protected_groups ADD COLUMN notice_message_id INTEGER",
        "ALTER TABLE protected_groups ADD COLUMN notice_sent_at TEXT",
        "ALTER TABLE protected_groups ADD COLUMN notice_thread_id INTEGER",
        "ALTER TABLE group_channel_links ADD COLUMN health VARCHAR(20) NOT NULL DEFAULT 'ok'",
        "ALTER TABLE group_channel_links ADD COLUMN health_since TEXT",
        "ALTER TABLE verification_log ADD COLUMN decisive INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE verification_log ADD COLUMN source VARCHAR(10) NOT NULL DEFAULT 'message'",
        "ALTER TABLE verification_log ADD COLUMN hits INTEGER NOT NULL DEFAULT 1",
        "UPDATE owners SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at) WHERE "
            + "created_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE owners SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) WHERE "
            + "updated_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE protected_groups SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at) WHERE "
            + "created_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE protected_groups SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) WHERE "
            + "updated_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE enforced_channels SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at) "
            + "WHERE created_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE enforced_channels SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) "
            + "WHERE updated_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE group_channel_links SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at) "
            + "WHERE created_at NOT LIKE '____-__-__T__:__:__.___Z'",
        "UPDATE verification_log SET timestamp = strftime('%Y-%m-%dT%H:%M:%fZ', timestamp) WHERE "
            + "timestamp NOT LIKE '____-__-__T__:__:__.___Z'",
        """
        CREATE TABLE user_restrictions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id INTEGER NOT NULL,
            user_id INTEGER NOT NULL,
            state VARCHAR(10) NOT NULL,
            channel_ids TEXT CHECK (json_valid(channel_ids)),
            source VARCHAR(10),
            update_id INTEGER,
            decision_id INTEGER,
            incident_id INTEGER,
            prior_permissions TEXT CHECK (json_valid(prior_permissions)),
            warning_message_id INTEGER,
            held_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            told_at TEXT,
            first_pressed_at TEXT,
            presses INTEGER NOT NULL DEFAULT 0,
            lifted_at TEXT,
            release_reason VARCHAR(20)
        )
        """,
        """
        CREATE TABLE effects (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            dedup_key VARCHAR(100) NOT NULL UNIQUE,
            kind VARCHAR(20) NOT NULL,
            lane INTEGER NOT NULL,
            chat_id INTEGER NOT NULL,
            user_id INTEGER,
            ledger_id INTEGER,
            decision_id INTEGER,
            payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
            due_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            attempts INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL DEFAULT 0,
            sends INTEGER NOT NULL DEFAULT 0,
            lease_owner VARCHAR(40),
            lease_until TEXT,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE processed_updates (
            bot_id INTEGER NOT NULL,
            update_id INTEGER NOT NULL,
            state VARCHAR(10) NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            body TEXT CHECK (json_valid(body)),
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            PRIMARY KEY (bot_id, update_id)
        )
        """,
        """
        CREATE TABLE exemptions (
            group_id INTEGER NOT NULL,
            user_id INTEGER NOT NULL,
            until TEXT,
            reason VARCHAR(20),
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            PRIMARY KEY (group_id, user_id)
        )
        """,
        """
        CREATE TABLE incidents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id INTEGER NOT NULL,
            kind VARCHAR(20) NOT NULL,
            started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            ended_at TEXT,
            report TEXT CHECK (json_valid(report))
        )
        """,
        """
        CREATE TABLE settings (
            key VARCHAR(50) PRIMARY KEY NOT NULL,
            value TEXT NOT NULL CHECK (json_valid(value)),
            updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            update_id INTEGER,
            group_id INTEGER,
            user_id INTEGER,
            at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            rule_version INTEGER NOT NULL,
            outcome VARCHAR(20) NOT NULL,
            facts TEXT NOT NULL CHECK (json_valid(facts)),
            effects TEXT NOT NULL CHECK (json_valid(effects))
        )
        """,
        """
        CREATE TABLE replicas (
            id VARCHAR(40) PRIMARY KEY NOT NULL,
            version TEXT,
            schema_version INTEGER,
            started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            heartbeat_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE job_leases (
            name VARCHAR(40) PRIMARY KEY NOT NULL,
            owner VARCHAR(40),
            lease_until TEXT,
            last_started_at TEXT,
            last_finished_at TEXT,
            last_result TEXT CHECK (json_valid(last_result))
        )
        """,
        """
        CREATE TABLE users (
            telegram_id INTEGER PRIMARY KEY NOT NULL,
            username TEXT,
            language TEXT,
            plan TEXT NOT NULL DEFAULT 'free',
            is_blocked INTEGER DEFAULT 0,
            can_message INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE member_counts (
            chat_id INTEGER NOT NULL,
            day TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (chat_id, day)
        )
        """,
        """
        CREATE TABLE user_activity (
            user_id INTEGER NOT NULL,
            activity_date TEXT NOT NULL,
            command_count INTEGER DEFAULT 0,
            download_count INTEGER DEFAULT 0,
            last_activity_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            PRIMARY KEY (user_id, activity_date)
        )
        """,
        """
        CREATE TABLE uptime_ticks (
            minute TEXT PRIMARY KEY NOT NULL
        )
        """,
        """
        CREATE TABLE log_batches (
            batch_id BLOB PRIMARY KEY NOT NULL,
            written_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        "CREATE UNIQUE INDEX uq_user_restrictions_open ON user_restrictions (group_id, user_id) "
            + "WHERE lifted_at IS NULL",
        "CREATE INDEX IF NOT EXISTS idx_groups_owner ON protected_groups (owner_id)",
        "CREATE INDEX IF NOT EXISTS idx_groups_enabled ON protected_groups (enabled)",
        "CREATE INDEX IF NOT EXISTS idx_links_group ON group_channel_links (group_id)",
        "CREATE INDEX IF NOT EXISTS idx_links_channel ON group_channel_links (channel_id)",
        "CREATE INDEX IF NOT EXISTS idx_verification_log_timestamp_status ON verification_log (timestamp, status)",
        "CREATE INDEX IF NOT EXISTS idx_verification_log_group_timestamp ON verification_log "
            + "(group_id, timestamp)",
        "CREATE INDEX IF NOT EXISTS idx_verification_log_timestamp_cached ON verification_log (timestamp, cached)",
        "CREATE INDEX IF NOT EXISTS idx_verification_log_timestamp_latency ON verification_log "
            + "(timestamp, latency_ms)",
        "CREATE INDEX IF NOT EXISTS idx_verification_log_user_id ON verification_log (user_id)",
        "CREATE INDEX IF NOT EXISTS idx_effects_due ON effects (lane, due_at)",
        "CREATE INDEX IF NOT EXISTS idx_effects_chat ON effects (chat_id, due_at)",
        "CREATE INDEX IF NOT EXISTS idx_effects_ledger ON effects (ledger_id)",
        "CREATE INDEX IF NOT EXISTS idx_user_restrictions_group_held ON user_restrictions (group_id, held_at)",
        "CREATE INDEX IF NOT EXISTS idx_user_restrictions_user_open ON user_restrictions (user_id) "
            + "WHERE lifted_at IS NULL",
        "CREATE INDEX IF NOT EXISTS idx_decisions_group_user ON decisions (group_id, user_id, at DESC)",
        "CREATE INDEX IF NOT EXISTS idx_decisions_at ON decisions (at)",
        "CREATE INDEX IF NOT EXISTS idx_decisions_update ON decisions (update_id)",
        "CREATE INDEX IF NOT EXISTS idx_processed_updates_created_at ON processed_updates (created_at)",
        "CREATE INDEX IF NOT EXISTS idx_user_activity_date ON user_activity (activity_date DESC)",
        "CREATE INDEX IF NOT EXISTS idx_user_activity_user ON user_activity (user_id, activity_date DESC)",
    ]

    static let down3SQLite = [
        "DROP TABLE log_batches",
        "DROP TABLE uptime_ticks",
        "DROP TABLE user_activity",
        "DROP TABLE member_counts",
        "DROP TABLE users",
        "DROP TABLE job_leases",
        "DROP TABLE replicas",
        "DROP TABLE decisions",
        "DROP TABLE settings",
        "DROP TABLE incidents",
        "DROP TABLE exemptions",
        "DROP TABLE processed_updates",
        "DROP TABLE effects",
        "DROP TABLE user_restrictions",
        "DROP INDEX IF EXISTS idx_groups_owner",
        "DROP INDEX IF EXISTS idx_groups_enabled",
        "DROP INDEX IF EXISTS idx_links_group",
        "DROP INDEX IF EXISTS idx_links_channel",
        "DROP INDEX IF EXISTS idx_verification_log_timestamp_status",
        "DROP INDEX IF EXISTS idx_verification_log_group_timestamp",
        "DROP INDEX IF EXISTS idx_verification_log_timestamp_cached",
        "DROP INDEX IF EXISTS idx_verification_log_timestamp_latency",
        "DROP INDEX IF EXISTS idx_verification_log_user_id",
        "ALTER TABLE verification_log DROP COLUMN hits",
        "ALTER TABLE verification_log DROP COLUMN source",
        "ALTER TABLE verification_log DROP COLUMN decisive",
        "ALTER TABLE group_channel_links DROP COLUMN health_since",
        "ALTER TABLE group_channel_links DROP COLUMN health",
        "ALTER TABLE protected_groups DROP COLUMN notice_thread_id",
        "ALTER TABLE protected_groups DROP COLUMN notice_sent_at",
        "ALTER TABLE protected_groups DROP COLUMN notice_message_id",
    ]
}
