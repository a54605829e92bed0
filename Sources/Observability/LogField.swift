// The closed list of what a log line may carry. A new field is a new case here, so a review sees it.

/// How loud a line is.
public enum LogLevel: Int, Comparable, Sendable, CaseIterable {
    /// All else; the only level at which there is a line per update.
    case debug
    /// The service's life cycle.
    case info
    /// We degraded.
    case warning
    /// Someone must act.
    case error

    /// Whether the left level is quieter.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    var name: String {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }
}

/// A named value of a line. Never message text, phone numbers or names of people.
public enum LogField: Equatable, Sendable {
    /// The part of the program that speaks.
    case logger(String)
    /// Telegram's number of the update.
    case updateID(Int64)
    /// The chat concerned.
    case chatID(Int64)
    /// The person concerned.
    case userID(Int64)
    /// A Bot API or HTTP method.
    case method(String)
    /// How long it took.
    case milliseconds(Int64)
    /// What went wrong.
    case error(String)
    /// How many.
    case count(Int64)
    /// A name out of a closed set: a job, a setting, a metric.
    case name(String)
    /// Words of our own.
    case text(String)
    /// What ties the lines of one update together.
    case traceID(String)
    /// An HTTP status.
    case status(Int64)
    /// A path of a request or file.
    case path(String)

    enum Value {
        case number(Int64)
        case text(String)
    }

    var key: StaticString {
        switch self {
        case .logger: "logger"
        case .updateID: "update_id"
        case .chatID: "chat_id"
        case .userID: "user_id"
        case .method: "method"
        case .milliseconds: "ms"
        case .error: "error"
        case .count: "count"
        case .name: "name"
        case .text: "text"
        case .traceID: "trace_id"
        case .status: "status"
        case .path: "path"
        }
    }

    var value: Value {
        switch self {
        case .updateID(let number), .chatID(let number), .userID(let number), .milliseconds(let number),
            .count(let number), .status(let number):
            .number(number)
        case .logger(let text), .method(let text), .error(let text), .name(let text), .text(let text),
            .traceID(let text), .path(let text):
            .text(text)
        }
    }
}
