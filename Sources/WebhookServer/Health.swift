// How the service is: what the probes and `/health` tell.

import EventLoop
import JSON
import Observability
import Storage

/// Watches the parts that a probe asks about.
@IO
final class Health {
    private static let looksPerSchemaCheck = 15
    /// Counting effects costs more than asking whether the database is there.
    private static let looksPerCount = 5

    private let environment: String
    private let started = Loop.shared.now
    private var schemaFits = false
    private var isListening = false
    private var isStopping = false
    private var unreachableSince: Instant?
    private var timer: LoopTimer?
    private var databaseMilliseconds: Int64?
    private var looks = 0
    private weak var database: (any Database)?
    private let store: @IO () async -> PendingEffects?
    private var pending = PendingEffects()
    /// Replicas alive, once known.
    var replicas: @IO () -> Int? = { nil }
    /// Whether enforcement is paused everywhere.
    var isPaused: @IO () -> Bool = { false }
    /// Whether Telegram answered the last call, once known.
    var telegram: @IO () -> Bool? = { nil }

    init(environment: String, database: any Database, pending: @escaping @IO () async -> PendingEffects?) {
        self.environment = environment
        self.database = database
        store = pending
        watch()
    }

    func schemaFound(fits: Bool) { schemaFits = fits }
    func listenerOpened() { isListening = true }
    func shutdownBegan() {
        isStopping = true
        timer?.cancel()
    }

    /// Updates can be handled: schema, database within 5 s, listener.
    var isReady: Bool {
        !isStopping && schemaFits && isListening && unreachableMilliseconds < 5000
    }

    private var unreachableMilliseconds: Int64 {
        unreachableSince.map { Loop.shared.now.milliseconds(since: $0) } ?? 0
    }

    /// One look a second; costs nothing while nobody waits for it.
    private func watch() {
        timer = Loop.shared.schedule(afterMilliseconds: 1000) { [weak self] in
            guard let self, !isStopping else { return }
            Task { @IO in
                await self.look()
                self.watch()
            }
        }
    }

    func look() async {
        looks += 1
        if looks % Self.looksPerSchemaCheck == 0 { await lookAtSchema() }
        let before = Loop.shared.current()
        if looks % Self.looksPerCount == 1, let found = await store() {
            pending = found
            noteContact(since: before)
        } else if await isAnswering() {
            noteContact(since: before)
        } else if unreachableSince == nil {
            unreachableSince = before
            databaseMilliseconds = nil
        }
    }

    private func noteContact(since before: Instant) {
        unreachableSince = nil
        databaseMilliseconds = Loop.shared.current().milliseconds(since: before)
    }

    /// The least that can be asked of the database.
    private func isAnswering() async -> Bool {
        guard let database else { return false }
        do throws(StoreError) {
            _ = try await database.run([SQLStatement("SELECT 1")], .read)
            return true
        } catch {
            return false
        }
    }

    /// Somebody may migrate while this runs: it goes on, but takes no new traffic until they fit again.
    private func lookAtSchema() async {
        guard let database else { return }
        do throws(MigrationError) {
            if case .fits = try await Migrator.schemaFits(database) { schemaFits = true } else { schemaFits = false }
        } catch {
            // The database is away, which the look itself notices.
            Log.debug("schema_not_checked", .error("\(error)"))
        }
    }

    /// The document of `/health`, and whether it is 200.
    func report() -> (isHealthy: Bool, body: [UInt8]) {
        let isUnhealthy = isStopping || !schemaFits || unreachableMilliseconds > 30_000
        let isDegraded = unreachableSince != nil || telegram() == false
        var json = JSONWriter()
        json.object { json in
            json.key("status")
            json.string(isUnhealthy ? "unhealthy" : isDegraded ? "degraded" : "healthy")
            json.key("uptime_seconds")
            json.int(Loop.shared.now.milliseconds(since: started) / 1000)
            json.key("timestamp")
            json.string(WallClock.now.rfc3339)
            json.key("version")
            json.string(Program.version)
            json.key("environment")
            json.string(environment)
            json.key("checks")
            json.object { checks in
                checks.key("database")
                checks.object { part in
                    part.key("healthy")
                    part.bool(unreachableSince == nil && schemaFits)
                    if let databaseMilliseconds {
                        part.key("latency_ms")
                        part.int(databaseMilliseconds)
                    }
                }
                checks.key("telegram")
                checks.object { part in
                    part.key("healthy")
                    part.bool(telegram() != false)
                }
            }
            if let replicas = replicas() {
                json.key("replicas")
                json.int(replicas)
            }
            json.key("enforcement_paused")
            json.bool(isPaused())
            json.key("effects")
            json.object { effects in
                effects.key("pending")
                effects.int(pending.byLane.values.reduce(0, +))
                effects.key("oldest_seconds")
                effects.int(pending.oldestMilliseconds / 1000)
            }
        }
        return (!isUnhealthy, json.bytes)
    }
}
