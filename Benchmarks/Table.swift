// The collected lines as a table: medians of the rounds, ratios to nginx as measured just before. `least` is the ratio of
// the rounds that were disturbed least, ours and nginx's: what neighbours do to a cache only ever adds.

import EventLoop
import Glibc
import JSON

/// Reads lines of JSON and prints one row for each server and case.
enum Table {
    private struct Row {
        var name: String
        var which: String
        var values: [String: [Double]] = [:]

        func median(_ key: String) -> Double? {
            guard let sorted = values[key]?.sorted(), !sorted.isEmpty else { return nil }
            return sorted[sorted.count / 2]
        }

        var leastUsed: Double? { values["cpu_us"]?.min() }

        /// The case of nginx that this one is compared with.
        var peer: String { which == "handshake" ? which : "static" }
    }

    static func run(_ words: ArraySlice<String>) throws {
        guard let path = words.first else { throw BenchmarkError("table FILE") }
        var rows: [Row] = []
        /// What nginx needed last, by case: a machine's neighbours change from minute to minute.
        var nginx: [String: Double] = [:]
        for line in try text(of: path).split(separator: "\n") {
            let value = try JSONValue(parsing: Array(line.utf8))
            guard case .object(let members) = value, let name = value["name"]?.string,
                let which = value["case"]?.string
            else { continue }
            let index =
                rows.firstIndex { $0.name == name && $0.which == which }
                ?? {
                    rows.append(Row(name: name, which: which))
                    return rows.count - 1
                }()
            for (key, value) in members {
                guard let number = value.double ?? value.int.map(Double.init) else { continue }
                rows[index].values[key, default: []].append(number)
            }
            guard let used = value["cpu_us"]?.double, which != "log rows" else { continue }
            if name == "nginx" { nginx[which] = used }
            if let peer = nginx[rows[index].peer] {
                rows[index].values["ratio", default: []].append(used / peer)
            }
        }
        for index in rows.indices where rows[index].values["ratio"] != nil {
            let peer = rows.first { $0.name == "nginx" && $0.which == rows[index].peer }
            guard let used = rows[index].leastUsed, let least = peer?.leastUsed else { continue }
            rows[index].values["least"] = [used / least]
        }
        let columns = [
            "ratio", "least", "cpu_us", "per_second", "p50_ms", "p95_ms", "p99_ms", "max_ms", "rss_mib", "peak_mib",
            "ms",
        ]
        let titles = [
            "Case", "Server", "vs nginx", "least", "CPU µs", "per s", "p50 ms", "p95 ms", "p99 ms", "max ms", "MiB",
            "peak", "ms",
        ]
        print("| \(titles.joined(separator: " | ")) |")
        print("|\(String(repeating: " --- |", count: titles.count))")
        for row in rows {
            let cells = columns.map { column in
                row.median(column).map { rounded($0, column == "per_second" ? 0 : 2) } ?? "–"
            }
            print("| \(row.which) | \(row.name) | \(cells.joined(separator: " | ")) |")
        }
    }

    private static func rounded(_ number: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let whole = Int((number * scale).rounded())
        guard places > 0 else { return String(whole) }
        let fraction = String(abs(whole) % Int(scale))
        let zeros = String(repeating: "0", count: places - fraction.count)
        return "\(whole < 0 ? "-" : "")\(abs(whole) / Int(scale)).\(zeros)\(fraction)"
    }

    private static func text(of path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw BenchmarkError("\(path) cannot be read") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}
