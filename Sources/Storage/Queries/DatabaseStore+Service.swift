// What belongs to the whole service: people, jobs, replicas, settings, failures of our own.

import Domain
import EventLoop
import JSON

extension DatabaseStore {
    private static let failing = Query(
        """
        INSERT INTO processed_updates (bot_id, update_id, state, attempts, created_at)
        VALUES ($1::bigint, $2::bigint, 'failing', 1, {now})
        ON CONFLICT (bot_id, update_id) DO UPDATE SET attempts = processed_updates.attempts + 1,
            state = CASE WHEN processed_updates.attempts + 1 >= 5 THEN 'failed' ELSE processed_updates.state END,
            body = CASE WHEN processed_updates.attempts + 1 >= 5 THEN $3::jsonb ELSE processed_updates.body END
        WHERE processed_updates.state <> 'recorded'
        RETURNING state
        """)
    private static let upsertUser = Query(
        """
        INSERT INTO users (telegram_id, username, language, can_message, created_at, updated_at)
        VALUES ($1::bigint, $2::text, $3::text, $4::int = 1, {now}, {now})
        ON CONFLICT (telegram_id) DO UPDATE SET username = COALESCE(excluded.username, users.username),
            language = COALESCE(excluded.language, users.language), can_message = excluded.can_message,
            updated_at = excluded.updated_at
        """)
    /// A name may have changed hands: the latest to be seen with it.
    private static let named = Query(
        """
        SELECT telegram_id FROM users WHERE lower(username) = lower($1::text) ORDER BY updated_at DESC LIMIT 1
        """)
    private static let mayMessage = Query("SELECT can_message::int FROM users WHERE telegram_id = $1::bigint")
    private static let reachablePeople = Query(
        "SELECT telegram_id FROM users WHERE telegram_id {in:$1} AND can_message ORDER BY telegram_id")
    private static let takeJob = Query(
        """
        INSERT INTO job_leases (name, owner, lease_until, last_started_at)
        VALUES ($1::text, $2::text, {after:120000}, {now})
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until,
            last_started_at = excluded.last_started_at
        WHERE job_leases.owner IS NULL OR job_leases.owner = excluded.owner OR job_leases.lease_until IS NULL
            OR job_leases.lease_until <= {now}
        RETURNING 1
        """)
    private static let renewJob = Query(
        """
        UPDATE job_leases SET lease_until = {after:120000} WHERE name = $1::text AND owner = $2::text RETURNING 1
        """)
    private static let endJob = Query(
        """
        UPDATE job_leases SET owner = NULL, lease_until = NULL, last_finished_at = {now}, last_result = $3::jsonb
        WHERE name = $1::text AND owner = $2::text
        """)
    private static let jobAge = Query("SELECT {since:last_finished_at} / 1000 FROM job_leases WHERE name = $1::text")
    private static let tick = Query("INSERT INTO uptime_ticks (minute) VALUES ($1::timestamptz) ON CONFLICT DO NOTHING")
    private static let beat = Query(
        """
        INSERT INTO replicas (id, version, schema_version, started_at, heartbeat_at)
        VALUES ($1::text, $2::text, $3::int, {now}, {now})
        ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, version = excluded.version,
            schema_version = excluded.schema_version
        """)
    private static let dropDead = Query("DELETE FROM replicas WHERE heartbeat_at < {after:-30000}")
    private static let countAlive = Query("SELECT count(*) FROM replicas WHERE heartbeat_at > {after:-30000}")
    private static let countReplicas = Query("SELECT count(*) FROM replicas")
    private static let leave = Query("DELETE FROM replicas WHERE id = $1::text")
    private static let serviceFigures = Query(
        """
        SELECT (SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL),
            (SELECT count(*) FROM protected_groups WHERE enabled), (SELECT count(*) FROM users)
        """)
    private static let jobEnds = Query(
        "SELECT name, {epoch:last_finished_at}, last_result::text FROM job_leases WHERE last_finished_at IS NOT NULL")
    private static let getSetting = Query("SELECT value::text FROM settings WHERE key = $1::text")
    private static let putSetting = Query(
        """
        INSERT INTO settings (key, value, updated_at) VALUES ($1::text, $2::jsonb, {now})
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
        """)
    private static let dropSetting = Query("DELETE FROM settings WHERE key = $1::text")
    private static let tell = Query("SELECT pg_notify('nezuko_cache', $1::text)::text")

    /// Counts a failure of our own on an update; at the fifth it is `failed`, `body` is kept and true comes back.
    public func failed(_ update: UpdateID, body: String) async throws(StoreError) -> Bool {
        let values: [SQLValue] = [.int(botID), .int(update.value), .text(body)]
        return try await rows(Self.failing, values, .record).first?.text(0) == "failed"
    }

    /// Notes that a person may (or may no longer) be written to in private.
    public func setCanMessage(
        _ canMessage: Bool, user: UserID, username: String?, language: String?
    ) async throws(StoreError) {
        try await execute(
            Self.upsertUser, [.int(user.value), .optional(username), .optional(language), .flag(canMessage)])
    }

    /// Who last wrote to the bot under that public name.
    public func person(named username: String) async throws(StoreError) -> UserID? {
        try await rows(Self.named, [.text(username)], .read).first.map { UserID($0.int(0)) }
    }

    /// Those of these people who may be written to in private.
    public func reachable(among people: [UserID]) async throws(StoreError) -> [UserID] {
        guard !people.isEmpty else { return [] }
        return try await rows(Self.reachablePeople, [.ints(people.map(\.value))], .read).map { UserID($0.int(0)) }
    }

    /// Whether a person may be written to in private.
    public func canMessage(_ user: UserID) async throws(StoreError) -> Bool {
        try await rows(Self.mayMessage, [.int(user.value)], .read).first?.flag(0) ?? false
    }

    /// Takes a job's lease (`job:member-sync`) if it is free, past, or ours.
    public func takeJobLease(_ name: String) async throws(StoreError) -> JobLease {
        try await rows(Self.takeJob, [.text(name), .text(database.owner)]).isEmpty ? .busy : .taken
    }

    /// Renews it for two minutes; false when it is lost.
    public func renewJobLease(_ name: String) async throws(StoreError) -> Bool {
        try await !rows(Self.renewJob, [.text(name), .text(database.owner)]).isEmpty
    }

    /// Ends a run: the lease is free, the result (JSON) kept.
    public func finishJob(_ name: String, result: String) async throws(StoreError) {
        try await execute(Self.endJob, [.text(name), .text(database.owner), .text(result)])
    }

    /// Seconds since the job last finished, or `nil` if never.
    public func jobAgeSeconds(_ name: String) async throws(StoreError) -> Int64? {
        try await rows(Self.jobAge, [.text(name)], .read).first?.optionalInt(0)
    }

    /// Notes that the service ran in this UTC minute.
    public func tickUptime(minuteSeconds: Int64) async throws(StoreError) {
        let minute = Timestamp(seconds: minuteSeconds - minuteSeconds % 60)
        try await execute(Self.tick, [.time(minute)])
    }

    /// This replica is alive; rows without a heartbeat for 30 s are removed. Returns how many are alive.
    public func heartbeat(version: String, schemaVersion: Int) async throws(StoreError) -> Int {
        let steps = [
            statement(Self.beat, [.text(database.owner), .text(version), .int(Int64(schemaVersion))]),
            statement(Self.dropDead), statement(Self.countReplicas),
        ]
        return Int(try await database.run(steps, .command).last?.first?.int(0) ?? 0)
    }

    /// How many replicas had a heartbeat in the last 30 s.
    public func replicaCount() async throws(StoreError) -> Int {
        Int(try await rows(Self.countAlive, [], .read).first?.int(0) ?? 0)
    }

    /// Removes this replica's row at shutdown.
    public func removeReplica() async throws(StoreError) {
        try await execute(Self.leave, [.text(database.owner)])
    }

    /// Open holds, enabled groups, known people, ends of jobs.
    public func serviceCounts() async throws(StoreError) -> ServiceCounts {
        var counts = ServiceCounts()
        let results = try await database.run([statement(Self.serviceFigures), statement(Self.jobEnds)], .read)
        guard results.count == 2, let row = results[0].first else { return counts }
        for row in results[1] where Self.isSuccess(row.text(2)) {
            counts.jobSuccesses[String(row.text(0).drop { $0 != ":" }.dropFirst())] = row.int(1)
        }
        counts.holdsOpen = row.int(0)
        counts.activeGroups = row.int(1)
        counts.users = row.int(2)
        return counts
    }

    static func isSuccess(_ result: String) -> Bool {
        do throws(JSONError) {
            return try JSONValue(parsing: Array(result.utf8))["status"]?.string == "success"
        } catch {
            return false
        }
    }

    /// A service-wide setting (JSON), or `nil`.
    public func setting(_ key: String) async throws(StoreError) -> String? {
        try await rows(Self.getSetting, [.text(key)], .read).first?.optionalText(0)
    }

    /// Sets one; `nil` removes it.
    public func setSetting(_ key: String, _ value: String?) async throws(StoreError) {
        let step = value.map { putting(key, $0) } ?? statement(Self.dropSetting, [.text(key)])
        _ = try await database.run([step], .command)
    }

    func putting(_ key: String, _ value: String) -> SQLStatement {
        statement(Self.putSetting, [.text(key), .text(value)])
    }

    /// Tells other replicas to forget a cached thing. SQLite has one process: there is nobody to tell.
    public func tellCaches(_ message: String) async throws(StoreError) {
        guard database.dialect == .postgreSQL else { return }
        try await execute(Self.tell, [.text(message)])
    }
}
