// A result that others wait for: the only place where continuations are made, so that none is lost.
// Inlinable, since every call that waits for something outside goes through here.

/// One result, any number of waiters on the loop. The first `finish` counts, later ones are ignored.
///
/// Who makes one owes it a deadline: a timer that finishes it with a failure.
@IO
public final class Completion<Value: Sendable, Failure: Error> {
    // Checked wherever tests run. Unchecked in the program that is shipped, where a check is memory at each wait: only
    // `keep` stores one, and only `finish` takes it, out of its place before it is resumed.
    #if DEBUG
        @usableFromInline typealias Waiter = CheckedContinuation<Result<Value, Failure>, Never>
    #else
        @usableFromInline typealias Waiter = UnsafeContinuation<Result<Value, Failure>, Never>
    #endif

    /// A function that gives the result: what it looks like does not depend on `Value`, so that the runtime need not
    /// look up types when this object goes.
    @usableFromInline var result: (() -> Result<Value, Failure>)?
    /// Nearly always there is one waiter, so it needs no array.
    @usableFromInline var first: Waiter?
    @usableFromInline var others: [Waiter] = []

    /// A result that is not there yet.
    @inlinable
    public init() {}

    deinit {
        let isAwaited = first != nil
        assert(!isAwaited, "A result was given up while somebody waited for it")
    }

    /// Whether a result is there.
    @inlinable
    public var isFinished: Bool { result != nil }

    /// Gives the result to all waiters; they go on in the loop's next round of jobs.
    @inlinable
    public func finish(_ result: Result<Value, Failure>) {
        guard self.result == nil else { return }
        self.result = { result }
        let (first, others) = (first, others)
        self.first = nil
        self.others = []
        first?.resume(returning: result)
        for waiter in others { waiter.resume(returning: result) }
    }

    /// Waits for the result. Is not ended by cancellation: the deadline's owner ends it.
    @inlinable
    public func wait() async throws(Failure) -> Value {
        if let result { return try result().get() }
        // Not by way of `outcome`: a function more that waits is memory and a step more at each wait.
        let result = await suspended()
        return try result.get()
    }

    /// Waits for the result, a failure too as a value. Is not ended by cancellation either.
    @inlinable
    public func outcome() async -> Result<Value, Failure> {
        if let result { return result() }
        return await suspended()
    }

    @inlinable
    func suspended() async -> Result<Value, Failure> {
        #if DEBUG
            await withCheckedContinuation { keep($0) }
        #else
            await withUnsafeContinuation { keep($0) }
        #endif
    }

    @inlinable
    func keep(_ waiter: Waiter) {
        if first == nil { first = waiter } else { others.append(waiter) }
    }
}
