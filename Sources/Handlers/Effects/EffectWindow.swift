// What is in flight, and how much more may be: the window and each lane's share of it. Pure.

import Domain
import EventLoop

/// The effects that this replica performs now.
struct EffectWindow {
    /// At most so many effects are in flight.
    static let size = 64
    /// Each lane's share, so that mass work does not hold up a new hold.
    private static let shares = [1: 28, 2: 16, 3: 12, 4: 8]

    private struct Running {
        let effect: Effect
        var leaseEnd: Instant
        var isStarted = false
    }

    private var running: [Int64: Running] = [:]

    var count: Int { running.count }
    var isEmpty: Bool { running.isEmpty }
    var ids: [Int64] { Array(running.keys) }
    /// Those whose first call was not made yet.
    var unstarted: [Int64] { running.filter { !$0.value.isStarted }.map(\.key) }

    func contains(_ effect: Effect) -> Bool { running[effect.id] != nil }

    /// How many more may be leased, by lane; a lane without room is missing.
    func limits() -> [Int: Int] {
        var taken: [Int: Int] = [:]
        for entry in running.values { taken[entry.effect.kind.lane, default: 0] += 1 }
        var free = Self.size - count
        var limits: [Int: Int] = [:]
        for lane in 1...4 where free > 0 {
            let share = min(free, (Self.shares[lane] ?? 0) - (taken[lane] ?? 0))
            guard share > 0 else { continue }
            limits[lane] = share
            free -= share
        }
        return limits
    }

    mutating func insert(_ effect: Effect, leaseEnd: Instant) {
        running[effect.id] = Running(effect: effect, leaseEnd: leaseEnd)
    }

    mutating func remove(_ effect: Effect) { running[effect.id] = nil }

    mutating func start(_ effect: Effect) { running[effect.id]?.isStarted = true }

    mutating func renew(_ effect: Effect, leaseEnd: Instant) { running[effect.id]?.leaseEnd = leaseEnd }

    /// Milliseconds of the lease that are left, or `nil` when the effect is not in flight.
    func leaseMilliseconds(_ effect: Effect, at now: Instant) -> Int64? {
        running[effect.id].map { $0.leaseEnd.milliseconds(since: now) }
    }
}
