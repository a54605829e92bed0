// Migration 1: the shape in which older databases are found and adopted.

extension Migration {
    /// Owners, groups, channels, links, verifications.
    static let earlierShape = Migration(
        version: 1, name: "earlier_shape", minimumCodeVersion: 1,
        up: MigrationText(postgreSQL: up1PostgreSQL, sqlite: up1SQLite),
        down: MigrationText(postgreSQL: down1, sqlite: down1))

    // MARK: - Up

    private static let up1PostgreSQL = [
        """
        CREATE TABLE owners (
            user_id BIGINT PRIMARY KEY NOT NULL,
            username VARCHAR(255),
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE protected_groups (
            group_id BIGINT PRIMARY KEY NOT NULL,
            owner_id BIGINT NOT NULL REFERENCES owners (user_id) ON DELETE CASCADE,
            title VARCHAR(255),
            enabled BOOLEAN NOT NULL DEFAULT TRUE,
            params JSONB DEFAULT '{}',
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE enforced_channels (
            channel_id BIGINT PRIMARY KEY NOT NULL,
            title VARCHAR(255),
            username VARCHAR(255),
            invite_link TEXT,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
        """
        CREATE TABLE group_channel_links (
            id SERIAL PRIMARY KEY,
            group_id BIGINT NOT NULL REFERENCES protected_groups (group_id) ON DELETE CASCADE,
            channel_id BIGINT NOT NULL REFERENCES enforced_channels (channel_id) ON DELETE CASCADE,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT uq_group_channel UNIQUE (group_id, channel_id)
        )
        """,
        """
        CREATE TABLE verification_log (
            id SERIAL PRIMARY KEY,
            user_id BIGINT NOT NULL,
            group_id BIGINT NOT NULL,
            channel_id BIGINT NOT NULL,
            status VARCHAR(20) NOT NULL,
            latency_ms INTEGER,
            cached BOOLEAN NOT NULL DEFAULT FALSE,
            timestamp TIMESTAMPTZ NOT NULL DEFAULT now()
        )
        """,
    ]

    private static let up1SQLite = [
        """
        CREATE TABLE owners (
            user_id INTEGER PRIMARY KEY NOT NULL,
            username VARCHAR(255),
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE protected_groups (
            group_id INTEGER PRIMARY KEY NOT NULL,
            owner_id INTEGER NOT NULL REFERENCES owners (user_id) ON DELETE CASCADE,
            title VARCHAR(255),
            enabled INTEGER NOT NULL DEFAULT 1,
            params TEXT DEFAULT '{}' CHECK (params IS NULL OR json_valid(params)),
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE enforced_channels (
            channel_id INTEGER PRIMARY KEY NOT NULL,
            title VARCHAR(255),
            username VARCHAR(255),
            invite_link TEXT,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
        """
        CREATE TABLE group_channel_links (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id INTEGER NOT NULL REFERENCES protected_groups (group_id) ON DELETE CASCADE,
            channel_id INTEGER NOT NULL REFERENCES enforced_channels (channel_id) ON DELETE CASCADE,
            created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
            CONSTRAINT uq_group_channel UNIQUE (group_id, channel_id)
        )
        """,
        """
        CREATE TABLE verification_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id INTEGER NOT NULL,
            group_id INTEGER NOT NULL,
            channel_id INTEGER NOT NULL,
            status VARCHAR(20) NOT NULL,
            latency_ms INTEGER,
            cached INTEGER NOT NULL DEFAULT 0,
            timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        )
        """,
    ]

    // MARK: - Down

    private static let down1 = [
        "DROP TABLE verification_log",
        "DROP TABLE group_channel_links",
        "DROP TABLE enforced_channels",
        "DROP TABLE protected_groups",
        "DROP TABLE owners",
    ]
}
