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
        guard Self.paths.contains(head.path) else { return refuse(.text(404, "not found"), "other") }
        guard head.method == .get || head.method == .head else {
            return refuse(.notAllowed("GET, HEAD"), Self.name(head.path))
        }
        return .accept(bodyLimit: 0)
    }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        let answer = answer(request.head.path)
        ServiceMetrics.answered(Self.name(request.head.path), answer.status)
        responder.send(answer)
    }

    private func answer(_ path: String) -> HTTPResponse {
        switch path {
        case "/metrics":
            return HTTPResponse(
                status: 200, headers: [(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")],
                body: Metrics.shared.exposition())
        case "/health":
            guard let report = health?.report() else { return .json(503, Array(#"{"status":"unhealthy"}"#.utf8)) }
            return .json(report.isHealthy ? 200 : 503, report.body)
        case "/ready":
            let isReady = health?.isReady ?? false
            return .json(isReady ? 200 : 503, Array(#"{"ready":\#(isReady)}"#.utf8))
        case "/live": return .json(200, Array(#"{"alive":true}"#.utf8))
        default:
            let list = Self.paths.dropFirst().map { "\"\($0)\"" }.joined(separator: ",")
            return .json(200, Array(#"{"name":"nezuko","endpoints":[\#(list)]}"#.utf8))
        }
    }

    /// The path's name as a route.
    private static func name(_ path: String) -> String { path == "/" ? "index" : String(path.dropFirst()) }

    private func refuse(_ response: HTTPResponse, _ route: String) -> HTTPHeadVerdict {
        ServiceMetrics.answered(route, response.status)
        return .refuse(response)
    }
}
