// The labelled series of a family: made beforehand, found by their values, bounded in number.

import EventLoop

/// Cells by label values, in the order in which they were made.
@IO
struct MetricChildren<Cell> {
    /// A family with more would be one whose labels are not a closed set.
    private let maximumCount = 512

    private let names: [StaticString]
    private let make: @IO () -> Cell
    private var places: [[String]: Int] = [:]
    private(set) var entries: [(labels: String, cell: Cell)] = []

    init(labels names: [StaticString], values: [[String]], make: @escaping @IO () -> Cell) {
        self.names = names
        self.make = make
        for row in values { _ = cell(row) }
    }

    /// The cell of those values, made when it is new. Beyond the bound all share the one labelled `other`.
    mutating func cell(_ values: [String]) -> Cell {
        precondition(values.count == names.count, "A metric was given another number of labels than it has")
        if let place = places[values] { return entries[place].cell }
        let isFull = entries.count >= maximumCount
        let row = isFull ? names.map { _ in "other" } : values
        if isFull, let place = places[row] { return entries[place].cell }
        let cell = make()
        places[row] = entries.count
        entries.append((MetricText.labels(names, row), cell))
        return cell
    }
}
