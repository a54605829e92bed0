// Gives people their turns on the loop's timers.

import EventLoop

/// Lets one person act after the other, at random distances around the wanted rate.
@IO
final class PeopleRunner {
    private weak var simulator: Simulator?
    private var people: People
    private var random: SplitMix64
    private let meanMilliseconds: Int64
    private var timer: LoopTimer?

    init(simulator: Simulator, seed: UInt64, rate: Double) {
        self.simulator = simulator
        people = People(seed: seed)
        random = SplitMix64(seed: seed ^ 0x7121E5)
        meanMilliseconds = max(1, Int64(60_000 / rate))
    }

    func start() { scheduleNext() }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func scheduleNext() {
        let wait = 1 + Int64(random.below(Int(2 * meanMilliseconds)))
        timer = Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in self?.turn() }
    }

    private func turn() {
        guard let simulator else { return }
        people.act(in: &simulator.world, now: WallClock.now)
        simulator.settle()
        scheduleNext()
    }
}
