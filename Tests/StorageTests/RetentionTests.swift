// Deletions by age over both engines, their plans, and the page that tells people of them.

import Domain
import EventLoop
import Foundation
import Testing

@testable import Storage

extension StoreFixture {
    /// By the clock of the database: PostgreSQL's is not moved with ours.
    func ago(days: Double) -> SQLValue {
        let now = database.dialect == .sqlite ? WallClock.now : Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        return .time(now.adding(seconds: -Int64(days * 86_400)))
    }

    func run(_ text: String, _ values: [SQLValue]) async throws {
        _ = try await database.run([SQLStatement(text, values)], .command)
    }
}

@Suite("Retention", .serialized)
struct RetentionTests {
    /// How a row of a table is made that has that age: `$1`.
    private static let rows: [(table: AgingTable, insertion: String)] = [
        (.logBatches, "INSERT INTO log_batches (batch_id, written_at) VALUES ($2, $1)"),
        (
            .processedUpdates,
            "INSERT INTO processed_updates (bot_id, update_id, state, created_at) VALUES (7, $2, 'recorded', $1)"
        ), (.exemptions, "INSERT INTO exemptions (group_id, user_id, until) VALUES (-1001, $2, $1)"),
        (.uptimeTicks, "INSERT INTO uptime_ticks (minute) VALUES ($1)"),
        (.incidents, "INSERT INTO incidents (group_id, kind, started_at) VALUES (-1001, 'raid', $1)"),
        (.userActivity, "INSERT INTO user_activity (user_id, activity_date) VALUES ($2, $1)"),
        (
            .decisions,
            """
            INSERT INTO decisions (group_id, user_id, at, rule_version, outcome, facts, effects)
            VALUES (-1001, 5, $1, 1, 'allow', '{}', '[]')
            """
        ),
        (
            .restrictions,
            """
            INSERT INTO user_restrictions (group_id, user_id, state, held_at, lifted_at)
            VALUES (-1001, 5, 'closed', $1, $1)
            """
        ),
        (
            .verificationLog,
            """
            INSERT INTO verification_log (user_id, group_id, channel_id, status, timestamp)
            VALUES (5, -1001, -1002, 'verified', $1)
            """
        ), (.apiCallLog, "INSERT INTO api_call_log (method, timestamp) VALUES ('getMe', $1)"),
    ]

    @Test(arguments: Engine.allCases) @IO
    func `of each table what is older goes, what is younger stays`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        #expect(Set(Self.rows.map(\.table)) == Set(AgingTable.allCases))
        for (table, insertion) in Self.rows {
            for (number, days) in [5.1, 4.1, 2.1, 1.0].enumerated() {
                var moment = fixture.ago(days: days)
                if table == .userActivity, let time = moment.timestamp { moment = .text(SQLTime.day(time)) }
                let key: [SQLValue] =
                    table == .logBatches
                    ? [.bytes([UInt8(number)])] : insertion.contains("$2") ? [.int(Int64(number))] : []
                try await fixture.run(insertion, [moment] + key)
            }
            #expect(try await fixture.store.deleteAged(table, olderThanDays: 3) == 2, "\(table)")
            #expect(try await fixture.store.deleteAged(table, olderThanDays: 3) == 0, "\(table)")
            #expect(try await fixture.text("SELECT count(*) FROM \(table.rawValue)") == "2", "\(table)")
        }
    }

    @Test(arguments: Engine.allCases) @IO
    func `open holds and exemptions for good have no age, and a long hold is as old as its end`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let long = fixture.ago(days: 500)
        let hold =
            "INSERT INTO user_restrictions (group_id, user_id, state, held_at, lifted_at) VALUES ($3, $4, $5, $1, $2)"
        func held(_ group: Int64, _ user: Int64, _ state: String, until end: SQLValue) async throws {
            try await fixture.run(hold, [long, end, .int(group), .int(user), .text(state)])
        }
        try await held(-1, 1, "held", until: .null)
        try await held(-1, 2, "orphaned", until: .null)
        try await held(-2, 3, "closed", until: fixture.ago(days: 399))
        for group in [Int64(-3), -2, -1] { try await held(group, 4, "closed", until: fixture.ago(days: 401)) }
        try await fixture.run("INSERT INTO exemptions (group_id, user_id, created_at) VALUES (-1, 1, $1)", [long])
        #expect(try await fixture.store.deleteAged(.restrictions, olderThanDays: 400) == 3)
        #expect(try await fixture.store.deleteAged(.exemptions, olderThanDays: 1) == 0)
        #expect(try await fixture.text("SELECT sum(user_id) FROM user_restrictions") == "6")
        #expect(try await fixture.text("SELECT count(*) FROM exemptions") == "1")
    }

    @Test(arguments: Engine.allCases) @IO
    func `a batch is 5 000 rows, the oldest first`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let rows = (0..<6000).map { second in
            LogRow.apiCall(
                APICallRow(
                    method: "getMe", chat: nil, user: nil, group: nil, latencyMilliseconds: 1, errorType: nil,
                    errorClass: nil, atMicroseconds: 1_600_000_000_000_000 + Int64(5999 - second) * 1_000_000))
        }
        try await fixture.store.write(rows, batch: [UInt8](repeating: 3, count: 16))
        #expect(try await fixture.store.deleteAged(.apiCallLog, olderThanDays: 90) == 5000)
        let oldest = SQLTime.text(Timestamp(seconds: 1_600_005_000))
        #expect(try await fixture.text("SELECT count(*) FROM api_call_log WHERE timestamp >= '\(oldest)'") == "1000")
        #expect(try await fixture.store.deleteAged(.apiCallLog, olderThanDays: 90) == 1000)
    }

    @Test @IO
    func `the page on privacy speaks of every table`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        let tables = try await fixture.database.run([SQLStatement(names)], .read)[0].map { $0.text(0) }
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/privacy.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(tables.count > 15)
        for table in tables { #expect(text.contains("| `\(table)`") || text.contains(", `\(table)`"), "\(table)") }
    }

    // MARK: - Plans

    /// What the index that serves a deletion is asked; without an entry: a small table that has no such index.
    private static let indexed: [AgingTable: String] = [
        .processedUpdates: "created_at <", .uptimeTicks: "minute <", .userActivity: "activity_date <",
        .decisions: "at <", .restrictions: "group_id = walk.id", .verificationLog: "timestamp <",
        .apiCallLog: "timestamp <",
    ]

    @IO private func plan(
        _ fixture: StoreFixture, _ query: Query, _ values: [SQLValue], isByJob: Bool = true
    ) async throws -> [String] {
        let statement = query.statement(fixture.database.dialect, values)
        let explain = fixture.database.dialect == .sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN (COSTS OFF) "
        let rows = try await fixture.database.run(
            (isByJob && fixture.database.dialect == .postgreSQL ? [SQLStatement(RetentionText.inOrder)] : [])
                + [SQLStatement(explain + statement.text, statement.parameters)], .retention)
        return (rows.last ?? []).map { ($0.last?.string ?? "").replacing("\"", with: "") }
    }

    /// Lines of a plan that read a whole table of ours, or all of an index of it.
    private func scans(_ plan: [String], _ table: String) -> [String] {
        let named = plan.enumerated().filter { index, line in
            let isFile = line.hasPrefix("SCAN \(table)") || line.hasPrefix("SCAN r")
            let isServer = line.contains("Scan") && line.contains(" on \(table)")
            // PostgreSQL says below which part of the index it reads.
            let below = plan.dropFirst(index + 1).first ?? ""
            let isBounded = below.contains("Index Cond") || below.contains("Recheck Cond")
            return isFile || (isServer && !isBounded)
        }
        return named.map(\.element)
    }

    @Test(arguments: Engine.allCases) @IO
    func `no deletion reads a whole table that has an index for it`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        for (table, condition) in Self.indexed {
            let plan = try await plan(fixture, RetentionText.query(table), [.int(-1000)])
            #expect(scans(plan, table.rawValue).isEmpty && !plan.contains { $0.contains("Sort") }, "\(plan)")
            // The file's plan has another spelling: `SEARCH … USING INDEX … (timestamp<?)`.
            let spelled = [condition, condition.replacing(" ", with: ""), "group_id=?"]
            #expect(plan.contains { line in spelled.contains { line.contains($0) } }, "\(plan)")
        }
        for (query, table) in zip(
            PurgeText.logs, ["verification_log", "api_call_log", "decisions", "user_restrictions"])
        {
            let plan = try await plan(fixture, query, [.int(-1001)])
            #expect(scans(plan, table).isEmpty, "\(plan)")
        }
        for (query, table) in zip(DatabaseStore.forgetting, ["user_activity", "decisions", "verification_log"]) {
            let plan = try await plan(fixture, query, [.int(5)], isByJob: false)
            #expect(scans(plan, table).isEmpty, "\(plan)")
        }
    }
}
