// Every decision that a test stored or offered is made once more from its facts: the same outcome, for the same reason.

import EventLoop
import Gate
import JSON
import Storage
import Testing

/// Decides again.
@IO
enum Replay {
    /// What is decided otherwise now, one line each.
    static func differences(of decisions: [(outcome: String, facts: String)]) throws -> [String] {
        var found: [String] = []
        for (outcome, facts) in decisions {
            let stored = try StoredFacts(facts)
            let again = decide(stored.facts)
            // Who was held already is only found out when it is recorded.
            let isSame =
                stored.reason == "already_held"
                ? outcome == "delete" && again.outcome == "hold"
                : again.outcome == outcome && again.reason == stored.reason
            if !isSame { found.append("\(outcome) is \(again.outcome) now: \(facts)") }
            if facts.utf8.count > 1024 { found.append("\(facts.utf8.count) bytes of facts: \(facts)") }
        }
        return found
    }

    /// The rows of a database.
    static func stored(in database: any Database) async throws -> [(outcome: String, facts: String)] {
        let text = database.dialect == .sqlite ? "facts" : "facts::text"
        let rows = try await database.run([SQLStatement("SELECT outcome, \(text) FROM decisions")], .read)
        return (rows.first ?? []).compactMap { row in
            if case (.text(let outcome), .text(let facts)) = (row[0], row[1]) { (outcome, facts) } else { nil }
        }
    }

    /// Those that went to the log.
    static func offered(to log: LogKeeper) -> [(outcome: String, facts: String)] {
        log.rows.compactMap { row in
            if case .decision(let row) = row { (row.outcome, row.facts) } else { nil }
        }
    }
}
