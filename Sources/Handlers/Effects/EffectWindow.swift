// What is in flight, and how much more may be: the window and each lane's share of it. Pure.

import Domain
import EventLoop

/// The effects that this replica performs now.
struct EffectWindow {
    /// At most so many effects are in flight: from their lease to the end of their attempt.
    static let size = 64
    /// So many more may wait for their ends to be stored: as many as share a transaction. With more of them a busy
    /// PostgreSQL falls behind, and records wait for ends.
    static let storing = 64
    /// So many of them may be started by their own records; the rest is for looks, which find what waits longer.
    static let startedByRecords = size - 4 * leastLook
    /// How many of a lane a look asks for at least, so that it finds out whether any wait.
    private static let leastLook = 2
    /// Each lane's share, so that mass work does not hold up a new hold.
    private static let shares = [1: 28, 2: 16, 3: 12, 4: 8]

    private struct Running {
        var leaseEnd: Instant
        var isStarted = false
        var hasEnded = false
    }

    private var running: [Int64: Running] = [:]
    /// How many of them are only to be stored.
    private var ended = 0
    /// How many of the others there are, by lane.
    private var taken = [0, 0, 0, 0, 0]
    /// Lanes whose last look found all that it asked for: more wait there.
    private var behind: Set<Int> = []

    var count: Int { running.count - min(ended, Self.storing) }
    var isEmpty: Bool { running.isEmpty }
    var ids: [Int64] { Array(running.keys) }
    /// Those whose first call was not made yet.
    var unstarted: [Int64] { running.filter { !$0.value.isStarted }.map(\.key) }

    func contains(_ effect: Effect) -> Bool { running[effect.id] != nil }

    /// How many more may be leased, by lane; a lane where more wait is missing until it has some room: a look costs as
    /// much for one as for ten.
    func limits() -> [Int: Int] {
        var free = Self.size - count
        var limits: [Int: Int] = [:]
        for lane in 1...4 where !behind.contains(lane) || isWorthALook(lane) {
            let left = free - Self.leastLook * (4 - lane)
            let room = min(left, max(Self.share(lane) - taken[lane], Self.leastLook))
            guard room > 0 else { continue }
            limits[lane] = room
            free -= room
        }
        return limits
    }

    /// Notes what a look with these limits found.
    mutating func looked(_ limits: [Int: Int], found: [Effect]) {
        for (lane, limit) in limits {
            if found.count(where: { $0.kind.lane == lane }) < limit { behind.remove(lane) } else { behind.insert(lane) }
        }
    }

    /// Whether effects wait that are older than what is recorded now.
    var isBehind: Bool { !behind.isEmpty }

    /// Whether a quarter of the lane's share is free.
    func isWorthALook(_ lane: Int) -> Bool { (Self.share(lane) - taken[lane]) * 4 >= Self.share(lane) }

    /// Whether less than a quarter of the whole window is free.
    var isNearlyFull: Bool { (Self.size - count) * 4 < Self.size }

    private static func share(_ lane: Int) -> Int { shares[lane] ?? 0 }

    mutating func insert(_ effect: Effect, leaseEnd: Instant) {
        taken[effect.kind.lane] += 1
        running[effect.id] = Running(leaseEnd: leaseEnd)
    }

    mutating func remove(_ effect: Effect) {
        guard let removed = running.removeValue(forKey: effect.id) else { return }
        if removed.hasEnded { ended -= 1 } else { taken[effect.kind.lane] -= 1 }
    }

    /// Its attempt is over; until its end is stored it is still ours.
    mutating func end(_ effect: Effect) {
        guard running[effect.id]?.hasEnded == false else { return }
        running[effect.id]?.hasEnded = true
        ended += 1
        taken[effect.kind.lane] -= 1
    }

    mutating func start(_ effect: Effect) { running[effect.id]?.isStarted = true }

    mutating func renew(_ effect: Effect, leaseEnd: Instant) { running[effect.id]?.leaseEnd = leaseEnd }

    /// Milliseconds of the lease that are left, or `nil` when the effect is not in flight.
    func leaseMilliseconds(_ effect: Effect, at now: Instant) -> Int64? {
        running[effect.id].map { $0.leaseEnd.milliseconds(since: now) }
    }
}
