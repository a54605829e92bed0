// Timers of the loop: a binary heap whose entries may be moved or cancelled without a search.

/// One scheduled call. Kept by the loop until it ran or was cancelled.
@IO
public final class LoopTimer {
    fileprivate var deadline: Instant
    fileprivate var body: (@IO () -> Void)?

    init(deadline: Instant, body: @escaping @IO () -> Void) {
        self.deadline = deadline
        self.body = body
    }

    /// Whether the call is still to come.
    public var isPending: Bool { body != nil }

    /// Puts the call off until that many milliseconds from now. Costs two stores.
    ///
    /// - Precondition: not earlier than before; an earlier moment takes effect at the former one.
    public func postpone(toMilliseconds milliseconds: Int64) {
        deadline = Loop.shared.now.adding(milliseconds: milliseconds)
    }

    /// Makes the call, unless it was cancelled or moved meanwhile.
    func fire() {
        guard let body else { return }
        self.body = nil
        body()
    }

    /// The call does not happen. May be called twice, or after the call.
    public func cancel() {
        guard body != nil else { return }
        body = nil
        Loop.shared.timerCancelled()
    }
}

@IO
struct TimerHeap {
    /// A timer and the moment by which it is sorted; at most its `deadline`, since moving later does not touch the heap.
    private struct Entry {
        let deadline: Instant
        let timer: LoopTimer
    }

    private var heap: [Entry] = []
    private var cancelled = 0

    var nextDeadline: Instant? { heap.first?.deadline }

    mutating func push(_ timer: LoopTimer) {
        heap.append(Entry(deadline: timer.deadline, timer: timer))
        siftUp(heap.count - 1)
    }

    /// Counts a cancelled timer, and drops all of them once they are the greater part: most timers are deadlines
    /// of what ends long before, and would otherwise lie here until then.
    mutating func noteCancelled() {
        cancelled += 1
        guard cancelled > 64, cancelled * 2 > heap.count else { return }
        cancelled = 0
        // Not by a closure, whose isolation would be checked for each.
        var kept: [Entry] = []
        kept.reserveCapacity(heap.count)
        for entry in heap where entry.timer.isPending { kept.append(entry) }
        heap = kept
        for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    /// Takes out what is due. The caller runs it, since the bodies schedule timers of their own.
    mutating func takeDue(at now: Instant) -> [LoopTimer] {
        var due: [LoopTimer] = []
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            guard first.timer.isPending else {
                cancelled -= 1
                continue
            }
            if first.timer.deadline > now { push(first.timer) } else { due.append(first.timer) }
        }
        return due
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
