// Migration 3 in PostgreSQL's words; Migration003SQLite.swift says the same.

extension Migration {
    static let up3PostgreSQL = [
        "ALTER TABLE protected_groups ADD COLUMN notice_message_id BIGINT",
        "ALTER TABLE protected_groups ADD COLUMN notice_sent_at TIMESTAMPTZ",
        "ALTER TABLE protected_groups ADD COLUMN notice_thread_id BIGINT",
        "ALTER TABLE group_channel_links ADD COLUMN health VARCHAR(20) NOT NULL DEFAULT 'ok'",
        "ALTER TABLE group_channel_links ADD COLUMN health_since TIMESTAMPTZ",
        "ALTER TABLE verification_log ADD COLUMN decisive BOOLEAN NOT NULL DEFAULT TRUE",
        "ALTER TABLE verification_log ADD COLUMN source VARCHAR(10) NOT NULL DEFAULT 'message'",
        "ALTER TABLE verification_log ADD COLUMN hits INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE verification_log ALTER COLUMN id TYPE BIGINT",
        "ALTER SEQUENCE verification_log_id_seq AS BIGINT",
        """
        CREATE TABLE user_restrictions (
            id BIGSERIAL PRIMARY KEY,
            group_id BIGINT NOT NULL,
            user_id BIGINT NOT NULL,
            state VARCHAR(10) NOT NULL,
            channel_ids JSONB,
            source VARCHAR(10),
            update_id BIGINT,
            decision_id BIGINT,
            incident_id BIGINT,
            prior_permissions JSONB,
            warning_message_id BIGINT,
            held_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            told_at TIMESTAMPTZ,
            first_pressed_at TIMESTAMPTZ,
            presses INTEGER NOT NULL DEFAULT 0,
            lifted_at TIMESTAMPTZ,
            release_reason VARCHAR(20)
        )
        """,
        """
        CREATE TABLE effects (
            id BIGSERIAL PRIMARY KEY,
            dedup_key VARCHAR(100) NOT NULL UNIQUE,
            kind VARCHAR(20) NOT NULL,
            lane SMALLINT NOT NULL,
            chat_id BIGINT NOT NULL,
            user_id BIGINT,
            ledger_id BIGINT,
            decision_id BIGINT,
            payload JSONB NOT NULL DEFAULT '{}',
            due_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            attempts INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL DEFAULT 0,
            sends INTEGER NOT NULL DEFAULT 0,
            lease_owner VARCHAR(40),
            lease_until TIMESTAMPTZ,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now()
        ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
        """,
        """
        CREATE TABLE processed_updates (
            bot_id BIGINT NOT NULL,
            update_id BIGINT NOT NULL,
            state VARCHAR(10) NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            body JSONB,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            PRIMARY KEY (bot_id, update_id)
        )
        """,
        """
        CREATE TABLE exemptions (
            group_id BIGINT NOT NULL,
            user_id BIGINT NOT NULL,
            until TIMESTAMPTZ,
            reason VARCHAR(20),
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            PRIMARY KEY (group_id, user_id)
        )
        """,
        """
        CREATE TABLE incidents (
            id BIGSERIAL PRIMARY KEY,
            group_id BIGINT NOT NULL,
            kind VARCHAR(20) NOT NULL,
            started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            ended_at TIMESTAMPTZ,
            report JSONB
        )
        """,
        """
        CREATE TABLE settings (
            key VARCHAR(50) PRIMARY KEY NOT NULL,
            value JSONB NOT NULL,
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE decisions (
            id BIGSERIAL PRIMARY KEY,
            update_id BIGINT,
            group_id BIGINT,
            user_id BIGINT,
            at TIMESTAMPTZ NOT NULL DEFAULT now(),
            rule_version INTEGER NOT NULL,
            outcome VARCHAR(20) NOT NULL,
            facts JSONB NOT NULL,
            effects JSONB NOT NULL
        )
        """,
        """
        CREATE TABLE replicas (
            id VARCHAR(40) PRIMARY KEY NOT NULL,
            version TEXT,
            schema_version INTEGER,
            started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            heartbeat_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE job_leases (
            name VARCHAR(40) PRIMARY KEY NOT NULL,
            owner VARCHAR(40),
            lease_until TIMESTAMPTZ,
            last_started_at TIMESTAMPTZ,
            last_finished_at TIMESTAMPTZ,
            last_result JSONB
        )
        """,
        """
        CREATE TABLE users (
            telegram_id BIGINT PRIMARY KEY NOT NULL,
            username TEXT,
            language TEXT,
            plan TEXT NOT NULL DEFAULT 'free',
            is_blocked BOOLEAN DEFAULT FALSE,
            can_message BOOLEAN NOT NULL DEFAULT FALSE,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE member_counts (
            chat_id BIGINT NOT NULL,
            day DATE NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (chat_id, day)
        )
        """,
        """
        CREATE TABLE user_activity (
            user_id BIGINT NOT NULL,
            activity_date DATE NOT NULL,
            command_count INTEGER DEFAULT 0,
            download_count INTEGER DEFAULT 0,
            last_activity_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            PRIMARY KEY (user_id, activity_date)
        )
        """,
        """
        CREATE TABLE uptime_ticks (
            minute TIMESTAMPTZ PRIMARY KEY NOT NULL
        )
        """,
        """
        CREATE TABLE log_batches (
            batch_id BYTEA PRIMARY KEY NOT NULL,
            written_at TIMESTAMPTZ NOT NULL DEFAULT now()
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

    static let down3PostgreSQL = [
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
        "ALTER SEQUENCE verification_log_id_seq AS INTEGER",
        "ALTER TABLE verification_log ALTER COLUMN id TYPE INTEGER",
    ]
}
