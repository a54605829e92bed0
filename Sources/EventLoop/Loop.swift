// The loop: descriptors, timers and the order of one turn. What descriptors mean is for others.

import CLinux
import Glibc

/// A moment on the monotonic clock, in nanoseconds. Says nothing about the date.
public struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since some fixed moment before the process began.
    public let nanoseconds: Int64

    /// A moment that many nanoseconds after the clock's zero.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Whether the left moment is earlier.
    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment that many milliseconds later.
    public func adding(milliseconds: Int64) -> Instant {
        Instant(nanoseconds: nanoseconds + milliseconds * 1_000_000)
    }

    /// Whole milliseconds from `earlier` to this moment; negative when it is the later one.
    public func milliseconds(since earlier: Instant) -> Int64 {
        (nanoseconds - earlier.nanoseconds) / 1_000_000
    }
}

/// Which readiness a watcher asks for.
public struct Interest: OptionSet, Sendable {
    /// Bits of `EPOLLIN` and `EPOLLOUT`.
    public let rawValue: UInt32
    /// The bits as given.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Data or a connection can be taken, or the other side closed.
    public static let read = Interest(rawValue: 0x001)
    /// Data can be sent.
    public static let write = Interest(rawValue: 0x004)
}

/// What is ready on a descriptor. Errors and hang-ups show as both, so that the next call reports them.
public typealias Readiness = Interest

/// A descriptor under watch. Cancel it **before** the descriptor is closed.
@IO
public final class Watch {
    let descriptor: Int32
    let generation: UInt32
    let handler: (Readiness) -> Void
    fileprivate(set) var interest: Interest
    fileprivate var isCancelled = false

    init(descriptor: Int32, generation: UInt32, interest: Interest, handler: @escaping @IO (Readiness) -> Void) {
        self.descriptor = descriptor
        self.generation = generation
        self.interest = interest
        self.handler = handler
    }

    /// Changes what is asked for; a call with the present interest costs nothing.
    public func update(_ interest: Interest) {
        guard !isCancelled, interest != self.interest else { return }
        self.interest = interest
        Loop.shared.modify(self)
    }

    /// Ends the watch; the handler is not called again. May be called twice.
    public func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        Loop.shared.remove(self)
    }
}

/// The one loop of the process. All functions are for the loop thread.
@IO
public final class Loop {
    /// The loop behind `@IO`.
    public static let shared = Loop()

    /// The moment at which this turn began; one clock read a turn.
    public private(set) var now: Instant
    /// The longest turn so far, in nanoseconds, from wake-up to the end of its work.
    public private(set) var longestTurnNanoseconds: Int64 = 0

    private let epoll: Int32
    private var watches: [Watch?] = []
    private var generation: UInt32 = 0
    private var timers = TimerHeap()
    private var turnEnds: [@IO () -> Void] = []
    private var eventEnds: [@IO () -> Void] = []
    private var advancedNanoseconds: Int64 = 0

    private init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(epoll >= 0, "epoll_create1 failed: raise the limit of open files")
        now = Instant(nanoseconds: Self.monotonic())
        // Key ~0 is no watch: the eventfd needs no handler of its own.
        _ = nezuko_epoll_control(epoll, EPOLL_CTL_ADD, LoopExecutor.shared.wakeDescriptor, 0x001, UInt64.max)
    }

    /// Calls `handler` whenever `descriptor` is ready, level-triggered, until the watch is cancelled.
    ///
    /// - Precondition: the descriptor is open, non-blocking and not watched yet.
    public func watch(
        _ descriptor: Int32, _ interest: Interest, handler: @escaping @IO (Readiness) -> Void
    ) -> Watch {
        generation &+= 1
        let watch = Watch(descriptor: descriptor, generation: generation, interest: interest, handler: handler)
        while watches.count <= Int(descriptor) { watches.append(nil) }
        watches[Int(descriptor)] = watch
        let result = nezuko_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, interest.rawValue, key(watch))
        precondition(result == 0, "epoll refused a descriptor: it is closed or watched twice")
        return watch
    }

    /// Calls `body` once after that many milliseconds (0: in the next turn), unless cancelled.
    @discardableResult
    public func schedule(afterMilliseconds milliseconds: Int64, _ body: @escaping @IO () -> Void) -> LoopTimer {
        schedule(at: current().adding(milliseconds: milliseconds), body)
    }

    /// Calls `body` once at that moment, in the next turn at the earliest, unless cancelled.
    @discardableResult
    public func schedule(at moment: Instant, _ body: @escaping @IO () -> Void) -> LoopTimer {
        let timer = LoopTimer(deadline: moment, body: body)
        timers.push(timer)
        return timer
    }

    func timerCancelled() { timers.noteCancelled() }

    /// Calls `body` once when this turn's other work is done: the place to flush what the turn gathered.
    public func atTurnEnd(_ body: @escaping @IO () -> Void) { turnEnds.append(body) }

    /// Calls `body` once when all that this turn found ready has been handled, before the tasks that wait for it go on.
    public func afterEvents(_ body: @escaping @IO () -> Void) { eventEnds.append(body) }

    /// Waits on the loop's clock. Returns early, without error, when the task is cancelled.
    public func sleep(milliseconds: Int64) async {
        let done = Completion<Void, Never>()
        let timer = schedule(afterMilliseconds: milliseconds) { done.finish(.success(())) }
        await withTaskCancellationHandler {
            await done.wait()
        } onCancel: {
            Task { @IO in done.finish(.success(())) }
        }
        timer.cancel()
    }

    /// For tests: moves this clock and `WallClock` forward, so that timers are due without waiting.
    public func advance(milliseconds: Int64) {
        advancedNanoseconds += milliseconds * 1_000_000
        WallClock.advance(milliseconds: milliseconds)
        now = current()
    }

    /// The moment right now, read from the clock. `now` is cheaper and right for most uses.
    public func current() -> Instant { Instant(nanoseconds: Self.monotonic() + advancedNanoseconds) }

    // MARK: - The turn

    func run() {
        let capacity: Int32 = 256
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Int(capacity))
        defer { events.deallocate() }
        while true {
            let count = epoll_wait(epoll, events, capacity, waitMilliseconds())
            now = current()
            let began = now
            for index in 0..<Int(max(count, 0)) { dispatch(events[index]) }
            if !eventEnds.isEmpty {
                let bodies = eventEnds
                eventEnds.removeAll(keepingCapacity: true)
                for body in bodies { body() }
            }
            for timer in timers.takeDue(at: now) { timer.fire() }
            LoopExecutor.shared.drain()
            // Work at the turn's end may enqueue jobs; those keep the next wait at zero.
            while !turnEnds.isEmpty {
                let bodies = turnEnds
                turnEnds.removeAll(keepingCapacity: true)
                for body in bodies { body() }
            }
            longestTurnNanoseconds = max(longestTurnNanoseconds, current().nanoseconds - began.nanoseconds)
        }
    }

    private func dispatch(_ event: epoll_event) {
        let key = event.data.u64
        guard key != UInt64.max else {
            LoopExecutor.shared.wakeSeen()
            return
        }
        let descriptor = Int(UInt32(truncatingIfNeeded: key))
        // A handler earlier in this turn may have closed the descriptor, and another may have got its number.
        guard descriptor < watches.count, let watch = watches[descriptor],
            watch.generation == UInt32(truncatingIfNeeded: key >> 32)
        else { return }
        let failed = event.events & 0x018 != 0  // EPOLLERR, EPOLLHUP
        let ready = failed ? Interest([.read, .write]) : Interest(rawValue: event.events)
        watch.handler(ready)
    }

    private func waitMilliseconds() -> Int32 {
        if LoopExecutor.shared.hasLocalJobs || !turnEnds.isEmpty || !eventEnds.isEmpty { return 0 }
        guard let deadline = timers.nextDeadline else { return -1 }
        let nanoseconds = deadline.nanoseconds - current().nanoseconds
        if nanoseconds <= 0 { return 0 }
        // Rounded up: waking before the deadline would spin.
        return Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
    }

    fileprivate func modify(_ watch: Watch) {
        _ = nezuko_epoll_control(epoll, EPOLL_CTL_MOD, watch.descriptor, watch.interest.rawValue, key(watch))
    }

    fileprivate func remove(_ watch: Watch) {
        guard watches[Int(watch.descriptor)] === watch else { return }
        watches[Int(watch.descriptor)] = nil
        _ = nezuko_epoll_control(epoll, EPOLL_CTL_DEL, watch.descriptor, 0, 0)
    }

    private func key(_ watch: Watch) -> UInt64 {
        UInt64(watch.generation) << 32 | UInt64(UInt32(watch.descriptor))
    }

    private nonisolated static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
