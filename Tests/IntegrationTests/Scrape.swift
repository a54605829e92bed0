// The metrics as a scrape shows them.

import EventLoop
import Observability

@testable import WebhookServer

/// What a scrape shows: values by series.
@IO
struct Scrape {
    private(set) var series: [String: Double] = [:]

    init() {
        ServiceMetrics.registerAll()
        let text = String(decoding: Metrics.shared.exposition(), as: UTF8.self)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            series[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
    }

    subscript(_ name: String) -> Double { series[name] ?? -1 }

    /// How much more than in an earlier one; a series that is not there is far below.
    func gain(_ name: String, since earlier: Scrape) -> Double {
        (series[name] ?? -1e9) - (earlier.series[name] ?? 0)
    }
}
