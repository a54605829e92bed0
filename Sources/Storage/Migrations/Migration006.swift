// Migration 6: who changed what by a command.

extension Migration {
    static let adminAudit = Migration(
        version: 6, name: "admin_audit", minimumCodeVersion: 3,
        up: MigrationText(
            postgreSQL: [
                """
                CREATE TABLE admin_audit_log (
                    id BIGSERIAL PRIMARY KEY,
                    admin_id BIGINT,
                    action TEXT NOT NULL,
                    target_type TEXT,
                    target_id TEXT,
                    details TEXT,
                    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
                )
                """
            ],
            sqlite: [
                """
                CREATE TABLE admin_audit_log (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    admin_id INTEGER,
                    action TEXT NOT NULL,
                    target_type TEXT,
                    target_id TEXT,
                    details TEXT,
                    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                )
                """
            ]),
        down: MigrationText(
            postgreSQL: ["DROP TABLE admin_audit_log"], sqlite: ["DROP TABLE admin_audit_log"]))
}
