// The database of a fault test: what is in it, and what must be true of it at the end.

import EventLoop
import JSON
import Storage
import TestSupport
import Testing

extension FaultWorld {
    /// Begins a new look: the server was stopped meanwhile.
    func reopenDatabase() async throws {
        await database.close()
        database = try await Storage.open(url: url, poolMax: 4)
    }

    /// All values of a query, columns parted by spaces, rows by commas.
    func ask(_ query: String) async throws -> String {
        let rows = try await database.run([SQLStatement(query)], .read).first ?? []
        return rows.map { row in row.map(\.shown).joined(separator: " ") }.joined(separator: ", ")
    }

    /// The rows of a query, columns parted by spaces.
    func rows(_ query: String) async throws -> [String] {
        try await ask(query).split(separator: ", ").map { String($0) }
    }

    func change(_ statement: String) async throws { _ = try await database.run([SQLStatement(statement)], .command) }

    func count(_ query: String) async throws -> Int { Int(try await ask("SELECT count(*) FROM " + query)) ?? -1 }

    /// Effects that are due, or leased: a lease's end is not further away than this.
    var dueSoon: String {
        switch engine {
        case .sqlite: "due_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+20 seconds')"
        case .postgreSQL: "due_at < now() + interval '20 seconds'"
        }
    }

    /// Every recorded effect is done, but those of a later time; with `chat` those of that chat.
    func effectsDone(in chat: Int64? = nil, seconds: Double = 30) async throws {
        let place = chat.map { " AND chat_id = \($0)" } ?? ""
        var left = ""
        try await until("effects are done: \(left)", seconds: seconds) {
            left = try await ask("SELECT dedup_key, attempts, lease_owner FROM effects WHERE \(dueSoon)\(place)")
            return left.isEmpty
        }
    }

    /// Rows of the log of calls become as many as calls were attempted, and stay so.
    func expectOneRowPerAttempt(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var (rows, calls) = (-1, -2)
        do {
            try await until("\(rows) rows for \(calls) attempts", seconds: 10) {
                rows = try await count("api_call_log")
                calls = try await callCount()
                return rows == calls
            }
        } catch {
            let logged = try await ask("SELECT method, count(*) FROM api_call_log GROUP BY method ORDER BY method")
            Issue.record("\(error); rows: \(logged)", sourceLocation: sourceLocation)
        }
    }

    /// Who is muted is held by one open row and was told; who is held is muted.
    func expectHeldAndTold(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        var muted: Set<String> = []
        for chat in try await control("state")["chats"]?.array ?? [] {
            for person in chat["restricted"]?.array ?? [] {
                muted.insert("\(chat["id"]?.int ?? 0) \(person.int ?? 0)")
            }
        }
        let rows = try await rows("SELECT group_id, user_id FROM user_restrictions WHERE lifted_at IS NULL")
        #expect(Set(rows) == muted, sourceLocation: sourceLocation)
        #expect(rows.count == Set(rows).count, sourceLocation: sourceLocation)
        let untold = try await ask(
            "SELECT group_id, user_id, state FROM user_restrictions WHERE lifted_at IS NULL AND (told_at IS NULL OR state <> 'held')"
        )
        #expect(untold.isEmpty, sourceLocation: sourceLocation)
    }
}
