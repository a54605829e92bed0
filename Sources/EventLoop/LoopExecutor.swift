// The serial executor behind `@IO`: takes jobs from any thread, hands them to the loop's turn.
// Thread creation and the eventfd stand here; sockets and timers are in Loop.

import CLinux
import CSwiftJobs
import Glibc
import Synchronization

/// Takes the jobs of `@IO` and wakes the loop when one comes from another thread.
final class LoopExecutor: SerialExecutor {
    static let shared = LoopExecutor()

    let wakeDescriptor: Int32
    private let remote = Mutex<[UnownedJob]>([])
    private let startOnce = Mutex<Bool>(false)
    /// Written once before the loop's first turn, and read by others only to compare.
    private let thread = Atomic<UInt>(0)
    // Touched on the loop thread alone: `enqueue` checks before it appends, and `drain` runs in a turn.
    private nonisolated(unsafe) var local: [UnownedJob] = []
    private nonisolated(unsafe) var draining: [UnownedJob] = []

    private init() {
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(wakeDescriptor >= 0, "eventfd failed: raise the limit of open files")
    }

    var isLoopThread: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isLoopThread {
            local.append(job)
            return
        }
        let wasEmpty = remote.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        startThreadIfNeeded()
        if wasEmpty { wake() }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() {
        precondition(isLoopThread, "@IO code was entered off the loop thread")
    }

    func isIsolatingCurrentContext() -> Bool? { isLoopThread }

    var hasLocalJobs: Bool { !local.isEmpty }

    /// Runs what is waiting now; jobs that these enqueue run in the next round of the same turn,
    /// at most `rounds` times, so that sockets are looked at again.
    func drain(rounds: Int = 16) {
        takeRemote()
        for _ in 0..<rounds where !local.isEmpty {
            swap(&local, &draining)
            for job in draining { job.runSynchronously(on: asUnownedSerialExecutor()) }
            draining.removeAll(keepingCapacity: true)
        }
    }

    /// Forgets earlier wakes; called when the loop sees the eventfd readable.
    func wakeSeen() {
        var value: UInt64 = 0
        _ = read(wakeDescriptor, &value, 8)
    }

    private func takeRemote() {
        remote.withLock { jobs in
            guard !jobs.isEmpty else { return }
            local.append(contentsOf: jobs)
            jobs.removeAll(keepingCapacity: true)
        }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, 8)
    }

    private func startThreadIfNeeded() {
        startOnce.withLock { isStarted in
            guard !isStarted else { return }
            isStarted = true
            var id = pthread_t()
            let failure = pthread_create(
                &id, nil,
                { _ in
                    LoopExecutor.shared.thread.store(UInt(pthread_self()), ordering: .relaxed)
                    LoopExecutor.keepContinuations()
                    IO.assume { Loop.shared.run() }
                    return nil
                }, nil)
            precondition(failure == 0, "The loop thread could not be started")
        }
    }

    /// A continuation comes back through the global pool, whatever executor its task was on (Swift 6.3,
    /// `swift_continuation_init`): two changes of thread, 30 µs, for each wait. Those of the loop thread stay here.
    private static func keepContinuations() {
        nezuko_take_jobs_of_this_thread { job in
            guard let job else { return }
            // An `UnownedJob` is the runtime's pointer to the job, which this hands over once.
            LoopExecutor.shared.local.append(unsafeBitCast(job, to: UnownedJob.self))
        }
    }
}
