// The room's own metrics: what was refused, and how many connections are open.

import EventLoop
import Observability

/// Counters of all servers of the process.
@IO
public enum HTTPServerMetrics {
    private static let rejected = CounterFamily(
        "nezuko_http_rejected_total", help: "Requests and connections refused by the HTTP server.",
        labels: ["reason"], values: Rejection.allCases.map { [$0.rawValue] })
    private static let connections = GaugeFamily(
        "nezuko_http_connections", help: "Open HTTP connections.", labels: ["protocol"], values: [["h1"], ["h2"]])

    private static let certificateExpiry = Gauge(
        "nezuko_tls_certificate_expiry_timestamp_seconds",
        help: "When the certificate in use ends, since 1970; 0 without TLS.")

    /// Makes the series exist before the first scrape.
    public static func registerMetrics() { _ = (rejected, connections, certificateExpiry) }

    static func certificateLoaded(expiry: Timestamp?) { certificateExpiry.set(Double(expiry?.seconds ?? 0)) }

    static func count(_ reason: Rejection) { rejected.add(reason.rawValue) }
    static func addConnections(_ delta: Double, isHTTP2: Bool) { connections.add(delta, isHTTP2 ? "h2" : "h1") }
}
