// The answer to a method call, and Telegram's error texts (docs/simulator.md, E1).

import JSON

/// The answer to a method call.
public struct Reply: Sendable {
    /// Result, or error with its parameters.
    public enum Outcome: Sendable {
        /// What the method gives.
        case result(JSONValue)
        /// Why it was refused.
        case failure(MethodError)
    }
    /// Result or error.
    public let outcome: Outcome

    static let done = Reply(outcome: .result(.bool(true)))

    /// HTTP status, which equals `error_code`.
    public var status: Int {
        switch outcome {
        case .result: 200
        case .failure(let error): error.code
        }
    }

    /// The body as Telegram writes it.
    public var body: [UInt8] {
        var fields = Fields()
        switch outcome {
        case .result(let value):
            fields.add("ok", .bool(true))
            fields.add("result", value)
        case .failure(let error):
            fields.add("ok", .bool(false))
            fields.add("error_code", Int64(error.code))
            fields.add("description", error.description)
            var parameters = Fields()
            parameters.add("retry_after", error.retryAfter)
            parameters.add("migrate_to_chat_id", error.migratedTo)
            if !parameters.members.isEmpty { fields.add("parameters", parameters.object) }
        }
        return fields.object.encoded()
    }
}

/// A refusal in Telegram's words.
public struct MethodError: Error, Sendable, Equatable {
    /// HTTP status and `error_code`.
    public let code: Int
    /// The text for humans, with the class before the colon.
    public let description: String
    /// Seconds to wait, with 429.
    public var retryAfter: Int64?
    /// The supergroup that the group became.
    public var migratedTo: Int64?

    static func badRequest(_ text: String) -> MethodError {
        MethodError(code: 400, description: "Bad Request: " + text)
    }
    static func forbidden(_ text: String) -> MethodError {
        MethodError(code: 403, description: "Forbidden: " + text)
    }
    static func conflict(_ text: String) -> MethodError {
        MethodError(code: 409, description: "Conflict: " + text)
    }
    /// Too many requests.
    static func tooMany(_ seconds: Int64) -> MethodError {
        MethodError(code: 429, description: "Too Many Requests: retry after \(seconds)", retryAfter: seconds)
    }
    static func migrated(to chat: Int64) -> MethodError {
        MethodError(
            code: 400, description: "Bad Request: group chat was upgraded to a supergroup chat", migratedTo: chat)
    }
    static func server(_ code: Int) -> MethodError {
        switch code {
        case 502: MethodError(code: 502, description: "Bad Gateway")
        case 503: MethodError(code: 503, description: "Service Unavailable")
        default: MethodError(code: code, description: "Internal Server Error: restart")
        }
    }
    static let unauthorized = MethodError(code: 401, description: "Unauthorized")
    static let notFound = MethodError(code: 404, description: "Not Found")
    static let methodNotFound = MethodError(code: 404, description: "Not Found: method not found")
}
