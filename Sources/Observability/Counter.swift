// Counters: how often something happened since the process began.

public import EventLoop

/// One series of a counter. Hold it where counting is hot.
@IO
public final class CounterCell {
    /// The count so far.
    public private(set) var value: Int64 = 0

    init() {}

    /// Counts `n` more.
    public func add(_ n: Int64 = 1) { value &+= n }
}

/// A counter without labels.
@IO
public final class Counter {
    private let cell: CounterCell

    /// Makes the counter and puts it into the registry.
    public init(_ name: StaticString, help: StaticString, in metrics: Metrics = .shared) {
        cell = CounterFamily(name, help: help, labels: [], values: [[]], in: metrics).child()
    }

    /// Counts `n` more.
    public func add(_ n: Int64 = 1) { cell.add(n) }

    /// The count so far.
    public var value: Int64 { cell.value }
}

/// A counter with labels.
@IO
public final class CounterFamily: MetricFamily {
    let name: StaticString
    let help: StaticString
    let labels: [StaticString]
    let kind = MetricKind.counter
    private var children: MetricChildren<CounterCell>

    /// Makes the family with a series, at 0, for each row of `values`.
    public init(
        _ name: StaticString, help: StaticString, labels: [StaticString], values: [[String]],
        in metrics: Metrics = .shared
    ) {
        self.name = name
        self.help = help
        self.labels = labels
        children = MetricChildren(labels: labels, values: values) { CounterCell() }
        metrics.register(self)
    }

    /// Counts `n` more in the series of those label values.
    public func add(_ n: Int64, _ labels: String...) { children.cell(labels).add(n) }

    /// Counts one more in the series of those label values.
    public func add(_ labels: String...) { children.cell(labels).add() }

    /// The series of those label values, to be held where counting is hot.
    public func child(_ labels: String...) -> CounterCell { children.cell(labels) }

    func write(to text: inout MetricText) {
        for entry in children.entries { text.sample(name, labels: entry.labels, String(entry.cell.value)) }
    }
}
