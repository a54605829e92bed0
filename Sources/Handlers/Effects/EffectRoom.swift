// Who waits for room among the effects in flight: new records, for a moment, in order.

import EventLoop

/// Records that wait to have their effects started at once.
///
/// An effect that starts with its record is stored once; one that is recorded for later is written again when it is
/// leased. So a record waits a moment for room rather than leave its effects to the workers' next look.
@IO
final class EffectRoom {
    private struct Waiter {
        let number: Int
        let count: Int
        let completion: Completion<Bool, Never>
    }

    private static let patienceMilliseconds: Int64 = 100
    private var waiters: [Waiter] = []
    private var lastNumber = 0
    /// Room given to callers that have not gone on yet.
    private(set) var promised = 0

    var hasWaiters: Bool { !waiters.isEmpty }

    /// Waits until `grant` finds room for `count` effects, or the moment is over.
    func wait(for count: Int) async {
        lastNumber += 1
        let waiter = Waiter(number: lastNumber, count: count, completion: Completion())
        waiters.append(waiter)
        let timer = Loop.shared.schedule(afterMilliseconds: Self.patienceMilliseconds) { [weak self] in
            self?.giveUp(waiter)
        }
        if await waiter.completion.wait() { promised -= count }
        timer.cancel()
    }

    /// All are as patient as each other, so whose moment is over is the first, or has gone on.
    private func giveUp(_ waiter: Waiter) {
        if waiters.first?.number == waiter.number { waiters.removeFirst() }
        waiter.completion.finish(.success(false))
    }

    /// Lets those go on for whom there is room, the first of them first.
    func grant(_ hasRoom: @IO (Int) -> Bool) {
        while let first = waiters.first, hasRoom(first.count) {
            waiters.removeFirst()
            promised += first.count
            first.completion.finish(.success(true))
        }
    }
}
