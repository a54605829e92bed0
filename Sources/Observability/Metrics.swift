// The registry: all families of the process, and the text that a scrape gets.

import EventLoop

/// Every metric of the process. A metric adds itself when it is made.
@IO
public final class Metrics {
    /// The registry that is scraped.
    public static let shared: Metrics = {
        let metrics = Metrics()
        ProcessMetrics.register(in: metrics)
        return metrics
    }()

    private var families: [any MetricFamily] = []
    private var isSorted = true

    /// An empty registry; tests have their own.
    public init() {}

    func register(_ family: any MetricFamily) {
        precondition(
            !families.contains { "\($0.name)" == "\(family.name)" }, "A metric of this name exists: \(family.name)")
        families.append(family)
        isSorted = false
    }

    /// All families in the order of their names, as Prometheus text 0.0.4.
    public func exposition() -> [UInt8] {
        if !isSorted {
            families.sort { "\($0.name)" < "\($1.name)" }
            isSorted = true
        }
        var text = MetricText()
        for family in families {
            text.head(family.name, help: family.help, kind: family.kind)
            family.write(to: &text)
        }
        return text.bytes
    }
}

/// What a family is, for its documentation.
public struct MetricDescription: Sendable, Equatable {
    /// The family's name.
    public let name: String
    /// `counter`, `gauge` or `histogram`.
    public let kind: String
    /// The names of its labels.
    public let labels: [String]
    /// What it counts.
    public let help: String
}

extension Metrics {
    /// All families in the order of their names.
    public func descriptions() -> [MetricDescription] {
        families.map { family in
            MetricDescription(
                name: family.name.description, kind: family.kind.rawValue, labels: family.labels.map(\.description),
                help: family.help.description)
        }.sorted { $0.name < $1.name }
    }
}

/// What the registry needs of a family.
@IO
protocol MetricFamily: AnyObject {
    var name: StaticString { get }
    var help: StaticString { get }
    var labels: [StaticString] { get }
    var kind: MetricKind { get }
    func write(to text: inout MetricText)
}

/// The types of the text format.
enum MetricKind: String {
    case counter, gauge, histogram
}
