// Work that a replica does again and again as long as it lives.

import EventLoop

/// Runs work at once and then in equal steps, never twice at a time: a slow database must not pile it up.
@IO
final class Repeating {
    private let intervalMilliseconds: Int64
    private let work: @IO () async -> Void
    private var timer: LoopTimer?
    private var running: Task<Void, Never>?
    /// Whether it has ended; long work looks.
    private(set) var isStopped = false

    init(everyMilliseconds: Int64, _ work: @escaping @IO () async -> Void) {
        intervalMilliseconds = everyMilliseconds
        self.work = work
    }

    /// Begins.
    func start() {
        guard !isStopped else { return }
        timer = Loop.shared.schedule(afterMilliseconds: intervalMilliseconds) { [weak self] in self?.start() }
        guard running == nil else { return }
        running = Task {
            await self.work()
            self.running = nil
        }
    }

    /// Ends; what is under way goes on.
    func stop() {
        isStopped = true
        timer?.cancel()
    }

    /// Ends after what is under way.
    func finish() async {
        stop()
        await running?.value
    }
}
