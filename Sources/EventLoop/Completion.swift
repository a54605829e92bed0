// A result that others wait for: the only place where continuations are made, so that none is lost.

/// One result, any number of waiters on the loop. The first `finish` counts, later ones are ignored.
///
/// Who makes one owes it a deadline: a timer that finishes it with a failure.
@IO
public final class Completion<Value: Sendable, Failure: Error> {
    private enum State {
        case waiting([CheckedContinuation<Result<Value, Failure>, Never>])
        case finished(Result<Value, Failure>)
    }

    private var state: State = .waiting([])

    /// A result that is not there yet.
    public init() {}

    /// Whether a result is there.
    public var isFinished: Bool {
        if case .finished = state { true } else { false }
    }

    /// Gives the result to all waiters; they go on in the loop's next round of jobs.
    public func finish(_ result: Result<Value, Failure>) {
        guard case .waiting(let continuations) = state else { return }
        state = .finished(result)
        for continuation in continuations { continuation.resume(returning: result) }
    }

    /// Waits for the result. Is not ended by cancellation: the deadline's owner ends it.
    public func wait() async throws(Failure) -> Value {
        if case .finished(let result) = state { return try result.get() }
        let result = await withCheckedContinuation { continuation in
            guard case .waiting(var continuations) = state else { return }
            continuations.append(continuation)
            state = .waiting(continuations)
        }
        return try result.get()
    }
}
