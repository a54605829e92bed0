// All metrics of the program at one place: what a scrape shows from the beginning, and what docs/metrics.md lists.

import EventLoop
import HTTPServer
import Handlers
import Observability
import Storage
import TelegramBotAPI

@IO
enum ServiceMetrics {
    private static let requests = CounterFamily(
        "nezuko_http_requests_total", help: "Requests by route and class of status.", labels: ["route", "status"],
        values: [])
    /// The hot one, looked up once.
    private static let handledUpdates = requests.child("webhook", "2xx")
    private static let build = GaugeFamily(
        "nezuko_build_info", help: "1, with the version of this program.", labels: ["version", "commit"],
        values: [[Program.version, Program.commit]])

    /// Makes every room's series exist before the first scrape.
    static func registerAll() {
        HTTPServerMetrics.registerMetrics()
        BotAPIMetrics.registerMetrics()
        DatabaseMetrics.registerMetrics()
        LogWriter.registerMetrics()
        Services.registerMetrics()
        _ = requests
        build.set(1, Program.version, Program.commit)
    }

    /// Counts a request. `route` is a registered name, else `other`.
    static func answered(_ route: String, _ status: Int) {
        guard route != "webhook" || status != 200 else { return handledUpdates.add() }
        requests.add(route, statusClass(status))
    }

    private static func statusClass(_ status: Int) -> String {
        switch status {
        case ..<300: "2xx"
        case ..<400: "3xx"
        case ..<500: "4xx"
        default: "5xx"
        }
    }
}
