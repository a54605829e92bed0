// Histograms: how long or how large, by buckets.

public import EventLoop

/// One series of a histogram.
@IO
public final class HistogramCell {
    /// Upper bounds, rising; the bucket above the last one is counted in `count` alone.
    private let bounds: [Double]
    /// Not cumulative: one store per observation. The text adds them up.
    private var counts: [Int64]
    private var sum: Double = 0
    /// How many were observed.
    public private(set) var count: Int64 = 0

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count)
    }

    /// Takes in a duration.
    public func observe(seconds: Double) { observe(seconds) }

    /// Takes in an amount in the unit of the metric's name.
    public func observe(_ value: Double) {
        count &+= 1
        sum += value
        for index in bounds.indices where value <= bounds[index] {
            counts[index] &+= 1
            return
        }
    }

    func write(_ name: StaticString, labels: String, to text: inout MetricText) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: Int64 = 0
        for index in bounds.indices {
            total &+= counts[index]
            let bound = MetricText.number(bounds[index])
            text.sample(name, suffix: "_bucket", labels: "\(prefix)le=\"\(bound)\"", String(total))
        }
        text.sample(name, suffix: "_bucket", labels: "\(prefix)le=\"+Inf\"", String(count))
        text.sample(name, suffix: "_sum", labels: labels, MetricText.number(sum))
        text.sample(name, suffix: "_count", labels: labels, String(count))
    }
}

/// A histogram without labels.
@IO
public final class Histogram {
    private let cell: HistogramCell

    /// Makes the histogram and puts it into the registry. `buckets` are upper bounds, rising.
    public init(_ name: StaticString, help: StaticString, buckets: [Double], in metrics: Metrics = .shared) {
        let family = HistogramFamily(name, help: help, buckets: buckets, labels: [], values: [[]], in: metrics)
        cell = family.child()
    }

    /// Takes in a duration.
    public func observe(seconds: Double) { cell.observe(seconds) }

    /// Takes in an amount in the unit of the metric's name.
    public func observe(_ value: Double) { cell.observe(value) }

    /// How many were observed.
    public var count: Int64 { cell.count }
}

/// A histogram with labels.
@IO
public final class HistogramFamily: MetricFamily {
    let name: StaticString
    let help: StaticString
    let labels: [StaticString]
    let kind = MetricKind.histogram
    private var children: MetricChildren<HistogramCell>

    /// Makes the family with an empty series for each row of `values`.
    public init(
        _ name: StaticString, help: StaticString, buckets: [Double], labels: [StaticString], values: [[String]],
        in metrics: Metrics = .shared
    ) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy(<), "Buckets must rise")
        self.name = name
        self.help = help
        self.labels = labels
        children = MetricChildren(labels: labels, values: values) { HistogramCell(bounds: buckets) }
        metrics.register(self)
    }

    /// Takes in a duration in the series of those label values.
    public func observe(seconds: Double, _ labels: String...) { children.cell(labels).observe(seconds) }

    /// The series of those label values, to be held where it is hot.
    public func child(_ labels: String...) -> HistogramCell { children.cell(labels) }

    func write(to text: inout MetricText) {
        for entry in children.entries { entry.cell.write(name, labels: entry.labels, to: &text) }
    }
}
