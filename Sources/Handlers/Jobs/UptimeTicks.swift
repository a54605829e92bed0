// Signs of life: the replica's heartbeat every 10 s and the minute's tick every 30 s.

import EventLoop
import Observability
import Storage

/// Keeps this replica's row and the uptime minutes written until `stop`.
@IO
public final class UptimeTicks {
    private static let heartbeatMilliseconds: Int64 = 10_000
    private static let alive = Gauge("nezuko_replicas", help: "Replicas with a heartbeat in the last 30 s.")

    private let store: any ServiceStore
    private let version: String
    private let schemaVersion: Int
    private var beats = 0
    private lazy var repeating = Repeating(everyMilliseconds: Self.heartbeatMilliseconds) { [weak self] in
        await self?.beat()
    }
    /// Replicas alive at the last heartbeat; `nil` before the first.
    public private(set) var replicas: Int?

    /// Signs of life of a replica of that version.
    public init(store: any ServiceStore, version: String, schemaVersion: Int) {
        self.store = store
        self.version = version
        self.schemaVersion = schemaVersion
    }

    /// Makes the series exist before the first scrape.
    static func registerMetrics() { _ = alive }

    /// Begins at once.
    public func start() { repeating.start() }

    /// Ends, and takes the replica's row away.
    public func stop() async {
        // A heartbeat under way would bring the row back.
        await repeating.finish()
        do throws(StoreError) {
            try await store.removeReplica()
        } catch {
            // Without a heartbeat the row goes by itself after 30 s.
            Log.debug("replica_not_removed", .error("\(error)"))
        }
    }

    private func beat() async {
        let ticks = beats % 3 == 0
        beats += 1
        do throws(StoreError) {
            if ticks { try await store.tickUptime(minuteSeconds: WallClock.now.seconds / 60 * 60) }
            let count = try await store.heartbeat(version: version, schemaVersion: schemaVersion)
            replicas = count
            Self.alive.set(Double(count))
        } catch {
            Log.debug("heartbeat_failed", .error("\(error)"))
        }
    }
}
