// Why the room refused something, and the counter of it.

/// Reasons of `nezuko_http_rejected_total`.
enum Rejection: String, CaseIterable, Sendable {
    case requestLine = "request_line"
    case headers, body, framing, timeout, tls, connections, buffers
    case http2Budget = "h2_budget"
    case host, method
}
