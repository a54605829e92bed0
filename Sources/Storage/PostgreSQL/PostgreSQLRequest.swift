// One caller's transaction on its way through a connection's pipeline.

import EventLoop

/// The statements up to one Sync, and what came back so far.
@IO
final class PostgreSQLRequest {
    let statements: [SQLStatement]
    let completion = Completion<[[SQLRow]], StoreError>()
    /// Filled as results come; the caller sees them only after the Sync.
    var results: [[SQLRow]]
    /// SQLSTATE of the first refusal (an empty one: without).
    var failure: String?
    /// How often it was sent.
    var attempts = 0

    init(_ statements: [SQLStatement]) {
        self.statements = statements
        results = Array(repeating: [], count: statements.count)
    }

    /// Whether a further attempt may succeed: deadlock, serialisation failure, a prepared statement that is gone
    /// or whose tables have changed.
    var mayRetry: Bool {
        guard let failure, attempts <= 3 else { return false }
        return ["40001", "40P01", "26000", "0A000"].contains(failure)
    }

    func beginAttempt() {
        attempts += 1
        failure = nil
        results = Array(repeating: [], count: statements.count)
    }

    func finish() {
        if let failure {
            completion.finish(.failure(PostgreSQLValues.error(state: failure.isEmpty ? nil : failure)))
        } else {
            completion.finish(.success(results))
        }
    }
}
