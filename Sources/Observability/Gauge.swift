// Gauges: how much there is now, told by the code that knows or asked at the scrape.

public import EventLoop

/// One series of a gauge.
@IO
public final class GaugeCell {
    /// The value now.
    public private(set) var value: Double = 0

    init() {}

    /// Sets the value.
    public func set(_ value: Double) { self.value = value }

    /// Moves the value by `delta`, which may be negative.
    public func add(_ delta: Double) { value += delta }
}

/// A gauge without labels.
@IO
public final class Gauge {
    private let cell: GaugeCell

    /// Makes a gauge that is set, and puts it into the registry.
    public init(_ name: StaticString, help: StaticString, in metrics: Metrics = .shared) {
        cell = GaugeFamily(name, help: help, labels: [], values: [[]], in: metrics).child()
    }

    /// Makes a gauge that is asked at each scrape. `read` must be quick.
    public init(
        _ name: StaticString, help: StaticString, in metrics: Metrics = .shared, read: @escaping @IO () -> Double
    ) {
        cell = GaugeCell()
        _ = GaugeFamily(name, help: help, labels: [], in: metrics) { [([], read())] }
    }

    /// Sets the value.
    public func set(_ value: Double) { cell.set(value) }

    /// Moves the value by `delta`, which may be negative.
    public func add(_ delta: Double) { cell.add(delta) }

    /// The value that was set last.
    public var value: Double { cell.value }
}

/// A gauge with labels.
@IO
public final class GaugeFamily: MetricFamily {
    let name: StaticString
    let help: StaticString
    let kind: MetricKind
    let labels: [StaticString]
    private var children: MetricChildren<GaugeCell>
    private let read: (@IO () -> [(labels: [String], value: Double)])?

    /// Makes the family with a series, at 0, for each row of `values`.
    public init(
        _ name: StaticString, help: StaticString, labels: [StaticString], values: [[String]],
        in metrics: Metrics = .shared
    ) {
        self.name = name
        self.help = help
        self.labels = labels
        kind = .gauge
        read = nil
        children = MetricChildren(labels: labels, values: values) { GaugeCell() }
        metrics.register(self)
    }

    /// Makes a family whose series are asked for at each scrape. `read` must be quick.
    public convenience init(
        _ name: StaticString, help: StaticString, labels: [StaticString], in metrics: Metrics = .shared,
        read: @escaping @IO () -> [(labels: [String], value: Double)]
    ) {
        self.init(name, help: help, kind: .gauge, labels: labels, in: metrics, read: read)
    }

    /// Also for counters that somebody else keeps, as the kernel does with processor time.
    init(
        _ name: StaticString, help: StaticString, kind: MetricKind, labels: [StaticString] = [], in metrics: Metrics,
        read: @escaping @IO () -> [(labels: [String], value: Double)]
    ) {
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
        self.read = read
        children = MetricChildren(labels: labels, values: []) { GaugeCell() }
        metrics.register(self)
    }

    /// Sets the value of the series of those label values.
    public func set(_ value: Double, _ labels: String...) { children.cell(labels).set(value) }

    /// Moves the value of the series of those label values.
    public func add(_ delta: Double, _ labels: String...) { children.cell(labels).add(delta) }

    /// The series of those label values, to be held where it is set often.
    public func child(_ labels: String...) -> GaugeCell { children.cell(labels) }

    func write(to text: inout MetricText) {
        for entry in children.entries { text.sample(name, labels: entry.labels, MetricText.number(entry.cell.value)) }
        guard let read else { return }
        for row in read() {
            text.sample(name, labels: MetricText.labels(labels, row.labels), MetricText.number(row.value))
        }
    }
}
