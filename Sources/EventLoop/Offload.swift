// Blocking work beside the loop: rare, so each has a thread of its own for as long as it lasts.

import Glibc

/// Runs blocking `work` on another thread and returns to the caller's isolation.
///
/// Not the runtime's pool: what the loop thread hands to that comes back to the loop (see `LoopExecutor`).
@IO
public func offload<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let done = Completion<Value, Failure>()
    OffloadThread.start {
        let result: Result<Value, Failure>
        do throws(Failure) { result = .success(try work()) } catch { result = .failure(error) }
        Task { @IO in done.finish(result) }
    }
    return try await done.wait()
}

/// A thread that runs one closure and ends.
private final class OffloadThread: Sendable {
    private let body: @Sendable () -> Void

    private init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var id = pthread_t()
        // Released by the thread.
        let argument = Unmanaged.passRetained(OffloadThread(body)).toOpaque()
        let failure = pthread_create(
            &id, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<OffloadThread>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, argument)
        precondition(failure == 0, "A thread for blocking work could not be started")
        pthread_detach(id)
    }
}
