// The metrics port: figures and probes, never routed to the outside.

import EventLoop
import HTTPServer
import Observability

@IO
final class MetricsRoutes: HTTPHandler {
    private static let paths = ["/", "/metrics", "/health", "/ready", "/live"]

    /// `nil` until the database is open: the port answers before that.
    var health: Health?

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict {
        guard Self.paths.contains(head.path) else { return .refuse(.text(404, "not found")) }
        guard head.method == .get || head.method == .head else { return .refuse(.notAllowed("GET, HEAD")) }
        return .accept(bodyLimit: 0)
    }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        switch request.head.path {
        case "/metrics":
            responder.send(
                HTTPResponse(
                    status: 200,
                    headers: [(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")],
                    body: Metrics.shared.exposition()))
        case "/health":
            guard let report = health?.report() else {
                return responder.send(.json(503, Array(#"{"status":"unhealthy"}"#.utf8)))
            }
            responder.send(.json(report.isHealthy ? 200 : 503, report.body))
        case "/ready":
            let isReady = health?.isReady ?? false
            responder.send(.json(isReady ? 200 : 503, Array(#"{"ready":\#(isReady)}"#.utf8)))
        case "/live": responder.send(.json(200, Array(#"{"alive":true}"#.utf8)))
        default:
            let list = Self.paths.dropFirst().map { "\"\($0)\"" }.joined(separator: ",")
            responder.send(.json(200, Array(#"{"name":"nezuko","endpoints":[\#(list)]}"#.utf8)))
        }
    }
}
