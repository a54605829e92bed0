// A result that others wait for: the only place where continuations are made, so that none is lost.
// Inlinable, since every call that waits for something outside goes through here.

/// One result, any number of waiters on the loop. The first `finish` counts, later ones are ignored.
///
/// Who makes one owes it a deadline: a timer that finishes it with a failure.
@IO
public final class Completion<Value: Sendable, Failure: Error> {
    @usableFromInline typealias Waiter = CheckedContinuation<Result<Value, Failure>, Never>

    @usableFromInline var result: Result<Value, Failure>?
    /// Nearly always there is one waiter, so it needs no array.
    @usableFromInline var first: Waiter?
    @usableFromInline var others: [Waiter] = []

    /// A result that is not there yet.
    @inlinable
    public init() {}

    /// Whether a result is there.
    @inlinable
    public var isFinished: Bool { result != nil }

    /// Gives the result to all waiters; they go on in the loop's next round of jobs.
    @inlinable
    public func finish(_ result: Result<Value, Failure>) {
        guard self.result == nil else { return }
        self.result = result
        let (first, others) = (first, others)
        self.first = nil
        self.others = []
        first?.resume(returning: result)
        for waiter in others { waiter.resume(returning: result) }
    }

    /// Waits for the result. Is not ended by cancellation: the deadline's owner ends it.
    @inlinable
    public func wait() async throws(Failure) -> Value {
        if let result { return try result.get() }
        let result = await withCheckedContinuation { (waiter: Waiter) in
            if first == nil { first = waiter } else { others.append(waiter) }
        }
        return try result.get()
    }
}
