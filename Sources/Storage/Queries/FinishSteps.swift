// What a finished attempt changes, step by step, and how few statements that takes on PostgreSQL.

import EventLoop

/// One change at the end of an attempt.
enum FinishStep: Int {
    case note, held, wakeLift, lifted, closed, dropOthers, editClosed, told, editFreed, notice, follow, remove,
        repeatLater

    var query: Query {
        switch self {
        case .note: FinishText.note
        case .held: FinishText.held
        case .wakeLift: FinishText.wakeLift
        case .lifted: FinishText.lifted
        case .closed: FinishText.closed
        case .dropOthers: FinishText.dropOthers
        case .editClosed: FinishText.editClosed
        case .told: FinishText.told
        case .editFreed: FinishText.editFreed
        case .notice: FinishText.notice
        case .follow: FinishText.follow
        case .remove: FinishText.remove
        case .repeatLater: FinishText.repeatLater
        }
    }

    /// Reads what others may have stored while the step before waited for their lock, so needs a view of its own.
    var needsOwnStatement: Bool {
        switch self {
        case .wakeLift, .dropOthers, .editFreed: true
        case .note, .held, .lifted, .closed, .editClosed, .told, .notice, .follow, .remove, .repeatLater: false
        }
    }

    /// Stores an edit. One statement cannot store two wishes with the same key, and what follows may be that edit too.
    var edits: Bool { self == .editFreed || self == .editClosed }

    /// Its rows say that something else is due.
    var tellsDue: Bool {
        switch self {
        case .wakeLift, .editClosed, .editFreed: true
        case .note, .held, .lifted, .closed, .dropOthers, .told, .notice, .follow, .remove, .repeatLater: false
        }
    }
}

/// The steps of one finish with their values beyond the effect and its owner. The last step is `remove` or `repeatLater`.
struct FinishSteps {
    private(set) var steps: [(step: FinishStep, values: [SQLValue])] = []

    mutating func add(_ step: FinishStep, _ values: [SQLValue]) { steps.append((step, values)) }
    mutating func add(_ others: FinishSteps) { steps += others.steps }

    /// Data-modifying statements, each with as many steps as may share a view. Each answers one row: whether the
    /// lease is ours, whether the effect ended, how many rows became due.
    @IO
    func postgreSQL(_ ours: [SQLValue]) -> [SQLStatement] {
        var statements: [SQLStatement] = []
        var group: [(step: FinishStep, values: [SQLValue])] = []
        for (index, entry) in steps.enumerated() {
            let repeats = entry.step == .follow && group.contains { $0.step.edits }
            if entry.step.needsOwnStatement || repeats, !group.isEmpty {
                statements.append(Self.statement(group, ours))
                group = []
            }
            group.append(entry)
            if index == steps.count - 1 { statements.append(Self.statement(group, ours)) }
        }
        return statements
    }

    @IO
    private static func statement(
        _ group: [(step: FinishStep, values: [SQLValue])], _ ours: [SQLValue]
    ) -> SQLStatement {
        let text = cached(group)
        return SQLStatement(text.text, id: text.id, ours + group.flatMap(\.values))
    }

    /// Texts by their steps; there are a few dozen combinations.
    @IO private static var texts: [[FinishStep]: (text: String, id: Int)] = [:]

    @IO
    private static func cached(_ group: [(step: FinishStep, values: [SQLValue])]) -> (text: String, id: Int) {
        let key = group.map(\.step)
        if let known = texts[key] { return known }
        let made = (text: text(group), id: SQLTextID.next())
        texts[key] = made
        return made
    }

    private static func text(_ group: [(step: FinishStep, values: [SQLValue])]) -> String {
        var text = """
            WITH mine AS MATERIALIZED (
                SELECT 1 FROM effects WHERE id = $1::bigint AND lease_owner = $2::text FOR UPDATE)
            """
        var offset = 0
        var due: [String] = []
        var isEnded = "0"
        for (index, entry) in group.enumerated() {
            let query = entry.step.query.postgreSQLText.replacing(
                FinishText.isOurs, with: "EXISTS (SELECT 1 FROM mine)")
            text += ",\ns\(index) AS (\(shifted(query, by: offset)))"
            offset += entry.values.count
            if entry.step.tellsDue { due.append("(SELECT count(*) FROM s\(index))") }
            if entry.step == .remove || entry.step == .repeatLater { isEnded = "(SELECT count(*) FROM s\(index))" }
        }
        let sum = due.isEmpty ? "0" : due.joined(separator: " + ")
        return text + "\nSELECT (SELECT count(*) FROM mine), \(isEnded), \(sum)"
    }

    /// The first two parameters are everybody's; the others come after those of the steps before.
    private static func shifted(_ text: String, by offset: Int) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            let digits = rest[rest.index(after: dollar)...].prefix { $0.isNumber }
            result += rest[..<dollar]
            let number = Int(digits) ?? 0
            result += number > 2 ? "$\(number + offset)" : "$\(digits)"
            rest = rest[digits.endIndex...]
        }
        return result + rest
    }
}
