// The ends of attempts that came at the same time, on SQLite: one turn of the writer, one note for each decision.

import EventLoop

/// Stores several ends.
struct FinishBatchSQLite: Sendable {
    let ends: [FinishSQLite]

    /// A row for each end, in their order: see `FinishEnd.init(_:)`.
    func run(_ connection: SQLiteConnection) throws(SQLiteFailure) -> [SQLRow] {
        var found: [SQLRow] = []
        // A hold's three ends mostly come together, and few decisions at a time: a list is enough.
        var traces: [(decision: Int64, notes: [String])] = []
        for end in ends {
            let outcome = try end.run(connection)
            found.append(outcome.row)
            guard outcome.isOurs, let decision = end.decision, let note = end.note else { continue }
            if let index = traces.firstIndex(where: { $0.decision == decision }) {
                traces[index].notes.append(note)
            } else {
                traces.append((decision, [note]))
            }
        }
        for (decision, notes) in traces { try Self.add(notes, to: decision, connection) }
        return found
    }

    // MARK: - The decision

    private static let decisionText = SQLiteText("SELECT facts, effects FROM decisions WHERE id = ?1")
    private static let noteText = SQLiteText("UPDATE decisions SET effects = ?2 WHERE id = ?1")

    /// Adds what was done, as long as facts and effects stay below 1 KiB together.
    private static func add(
        _ notes: [String], to decision: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let statement = try connection.statement(decisionText)
        statement.bind(1, decision)
        guard try statement.step() else { return }
        let factsCount = statement.byteCount(0)
        var effects = statement.text(1)
        statement.end()
        guard effects.popLast() == "]" else { return }
        for note in notes where factsCount + effects.utf8.count + 1 + note.utf8.count < 1024 {
            if effects != "[" { effects += "," }
            effects += note
        }
        effects += "]"
        let change = try connection.statement(noteText)
        change.bind(1, decision)
        change.bind(2, effects)
        try change.execute()
    }
}

extension FinishEnd {
    /// Whether the lease is ours, whether the effect ended, whether something became due.
    fileprivate var row: SQLRow { [.flag(isOurs), .flag(isEnded), .flag(isDue)] }

    /// As a row of either engine says it.
    init(_ row: SQLRow?) {
        isOurs = row?.flag(0) == true
        isEnded = row?.flag(1) == true
        isDue = row?.flag(2) == true
    }
}
