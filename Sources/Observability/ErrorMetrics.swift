// What went wrong, by kind and operation: one family for all rooms, so that it is declared below them.

import EventLoop

/// Failures of what the service uses and of itself.
@IO
public enum ErrorMetrics {
    /// Kinds of failures.
    public enum Kind: String {
        /// An attempt of a Bot API call.
        case telegramAPI = "telegram_api"
        /// A transaction.
        case database
        /// Our own fault.
        case other
    }

    private static let errors = CounterFamily(
        "nezuko_errors_total", help: "Failures by kind and operation.", labels: ["error_type", "operation"],
        values: [["other", "update"], ["other", "job"]])

    /// Makes the series of a room's operations exist before the first scrape.
    public static func register(_ kind: Kind, operations: [String]) {
        for operation in operations { _ = errors.child(kind.rawValue, operation) }
    }

    /// Counts a failure. `operation` is one of a closed set: a method, a kind of query, `update`, `job`.
    public static func count(_ kind: Kind, operation: String) { errors.add(kind.rawValue, operation) }
}
