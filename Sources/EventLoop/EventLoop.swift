// EventLoop: the one loop thread on which everything that is not pure runs.
//
// Invariants of the room:
// - There is one loop thread in a process; all `@IO` code runs there, so `@IO` state needs no lock.
// - Nothing on it blocks: blocking work leaves through `offload` or a thread of its own.
// - A turn is: sockets, timers, jobs, what was asked for at the turn's end.

/// The isolation domain of the loop thread.
///
/// Everything with state or effects is `@IO`; pure code is not isolated at all.
@globalActor
public actor IO {
    /// The one instance that the global actor needs; it has no state.
    public static let shared = IO()

    private init() {}

    /// Jobs of this actor run on the loop thread, which starts with the first of them.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        LoopExecutor.shared.asUnownedSerialExecutor()
    }

    /// Runs `operation` as `@IO` code at once. For C callbacks and the loop itself.
    ///
    /// - Precondition: the caller is on the loop thread; checked in all builds.
    ///
    /// Inlinable: C calls back a dozen times for each request.
    @inlinable
    @inline(__always)
    public static nonisolated func assume<Value, Failure: Error>(
        _ operation: @IO () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        precondition(isLoopThread, "IO.assume was called off the loop thread")
        typealias Isolated = @IO () throws(Failure) -> Value
        typealias Free = () throws(Failure) -> Value
        // The two types differ in isolation only, and the precondition proved the isolation.
        return try withoutActuallyEscaping(operation) { (escaping: @escaping Isolated) throws(Failure) -> Value in
            try unsafeBitCast(escaping, to: Free.self)()
        }
    }

    /// The same for a C callback: what it was called with is handed on as an argument, pointers as their bits, so that
    /// nothing is captured and no memory needed.
    @inlinable
    @inline(__always)
    public static nonisolated func assume<Argument: Sendable, Value: Sendable>(
        _ argument: Argument, _ operation: @escaping @IO (Argument) -> Value
    ) -> Value {
        precondition(isLoopThread, "IO.assume was called off the loop thread")
        typealias Free = (Argument) -> Value
        // As above.
        return unsafeBitCast(operation, to: Free.self)(argument)
    }

    @usableFromInline
    static nonisolated var isLoopThread: Bool { LoopExecutor.shared.isLoopThread }
}
