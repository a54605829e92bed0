// The exposition as a scrape gets it.

import EventLoop
import Glibc
import Testing

@testable import Observability

@Suite("Metrics")
struct MetricsTests {
    private static let golden = #"""
        # HELP a_seconds How long.
        # TYPE a_seconds histogram
        a_seconds_bucket{kind="x",le="0.005"} 1
        a_seconds_bucket{kind="x",le="0.25"} 3
        a_seconds_bucket{kind="x",le="1"} 3
        a_seconds_bucket{kind="x",le="10000000"} 3
        a_seconds_bucket{kind="x",le="+Inf"} 4
        a_seconds_sum{kind="x"} 20000000.505
        a_seconds_count{kind="x"} 4
        a_seconds_bucket{kind="y",le="0.005"} 0
        a_seconds_bucket{kind="y",le="0.25"} 0
        a_seconds_bucket{kind="y",le="1"} 0
        a_seconds_bucket{kind="y",le="10000000"} 0
        a_seconds_bucket{kind="y",le="+Inf"} 0
        a_seconds_sum{kind="y"} 0
        a_seconds_count{kind="y"} 0
        # HELP b_plain With a \\ and a\nbreak.
        # TYPE b_plain gauge
        b_plain -1.5
        # HELP c_read Asked at the scrape.
        # TYPE c_read gauge
        c_read{lane="1"} 7
        c_read{lane="2"} +Inf
        # HELP d_plain_total Plain.
        # TYPE d_plain_total counter
        d_plain_total 3
        # HELP e_total Labelled.
        # TYPE e_total counter
        e_total{result="ok",why=""} 2
        e_total{result="no",why=""} 0
        e_total{result="a\\b\"c\nd",why="z"} 1

        """#

    @Test @IO func `the text is stable, escaped and cumulative`() {
        let metrics = Metrics()
        let labelled = CounterFamily(
            "e_total", help: "Labelled.", labels: ["result", "why"], values: [["ok", ""], ["no", ""]], in: metrics)
        let plain = Counter("d_plain_total", help: "Plain.", in: metrics)
        _ = GaugeFamily("c_read", help: "Asked at the scrape.", labels: ["lane"], in: metrics) {
            [(["1"], 7), (["2"], .infinity)]
        }
        let gauge = Gauge("b_plain", help: "With a \\ and a\nbreak.", in: metrics)
        let histogram = HistogramFamily(
            "a_seconds", help: "How long.", buckets: [0.005, 0.25, 1, 1e7], labels: ["kind"], values: [["x"], ["y"]],
            in: metrics)
        labelled.child("ok", "").add()
        labelled.add("ok", "")
        labelled.add(1, "a\\b\"c\nd", "z")
        plain.add(3)
        gauge.set(1)
        gauge.add(-2.5)
        for seconds in [0.005, 0.25, 0.25, 2e7] { histogram.observe(seconds: seconds, "x") }
        #expect(String(decoding: metrics.exposition(), as: UTF8.self) == Self.golden)
    }

    @Test @IO func `a family without bounds does not grow without bound`() {
        let metrics = Metrics()
        let family = CounterFamily("x_total", help: "X.", labels: ["l"], values: [], in: metrics)
        for number in 0..<2000 { family.add("\(number)") }
        let lines = String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 + 512 + 1)
        #expect(lines.last == "x_total{l=\"other\"} 1488")
    }

    @Test @IO func `the process is measured from the first scrape on`() throws {
        let text = String(decoding: Metrics.shared.exposition(), as: UTF8.self)
        for (name, least) in [
            ("process_resident_memory_bytes", 1e6), ("process_cpu_seconds_total", 0.0001), ("process_open_fds", 3),
            ("process_start_time_seconds", 1.6e9), ("nezuko_uptime_seconds", 0),
        ] {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
            #expect(try #require(Double(line.dropFirst(name.utf8.count + 1))) >= least, "\(line)")
        }
        // Not our clock, which tests of other rooms move forward by days.
        let now = Double(Glibc.time(nil))
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("process_start_time_seconds ") })
        // The kernel's moment of the boot is rounded, and corrected while it runs.
        #expect(abs(now - (Double(line.dropFirst(27)) ?? 0)) < 86_400)
    }
}
