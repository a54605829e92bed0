// Signs of life: the replica's heartbeat every 10 s and the minute's tick every 30 s (charts-api.md 3).

import EventLoop
import Observability
import Storage

/// Keeps this replica's row and the uptime minutes written until `stop`.
@IO
public final class UptimeTicks {
    private static let heartbeatMilliseconds: Int64 = 10_000

    private let store: any ServiceStore
    private let version: String
    private let schemaVersion: Int
    private var timer: LoopTimer?
    private var beats = 0
    private var isBeating = false
    private var isStopped = false
    /// Replicas alive at the last heartbeat; `nil` before the first.
    public private(set) var replicas: Int?

    /// Signs of life of a replica of that version.
    public init(store: any ServiceStore, version: String, schemaVersion: Int) {
        self.store = store
        self.version = version
        self.schemaVersion = schemaVersion
    }

    /// Begins at once.
    public func start() {
        guard !isStopped else { return }
        timer = Loop.shared.schedule(afterMilliseconds: Self.heartbeatMilliseconds) { [weak self] in self?.start() }
        // A slow database must not pile up heartbeats.
        guard !isBeating else { return }
        isBeating = true
        Task { await self.beat() }
    }

    /// Ends, and takes the replica's row away.
    public func stop() async {
        isStopped = true
        timer?.cancel()
        do throws(StoreError) {
            try await store.removeReplica()
        } catch {
            // Without a heartbeat the row goes by itself after 30 s.
            Log.debug("replica_not_removed", .error("\(error)"))
        }
    }

    private func beat() async {
        defer { isBeating = false }
        let ticks = beats % 3 == 0
        beats += 1
        do throws(StoreError) {
            if ticks { try await store.tickUptime(minuteSeconds: WallClock.now.seconds / 60 * 60) }
            replicas = try await store.heartbeat(version: version, schemaVersion: schemaVersion)
        } catch {
            Log.debug("heartbeat_failed", .error("\(error)"))
        }
    }
}
