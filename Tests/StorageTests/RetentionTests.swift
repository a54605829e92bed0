// Deletions by age and of whole groups, and what a person's wish to be forgotten changes: over both engines.

import Domain
import EventLoop
import Foundation
import Testing

@testable import Storage

@Suite("Retention", .serialized)
struct RetentionTests {
    /// By the clock of the database: PostgreSQL's is not moved with ours.
    @IO private func ago(_ fixture: StoreFixture, days: Double) -> SQLValue {
        let now =
            fixture.database.dialect == .sqlite
            ? WallClock.now : Timestamp(seconds: Int64(Date().timeIntervalSince1970))
        return .time(now.adding(seconds: -Int64(days * 86_400)))
    }

    @IO private func run(_ fixture: StoreFixture, _ text: String, _ values: [SQLValue]) async throws {
        _ = try await fixture.database.run([SQLStatement(text, values)], .command)
    }

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
                var moment = ago(fixture, days: days)
                if table == .userActivity, let time = moment.timestamp { moment = .text(SQLTime.day(time)) }
                let key: [SQLValue] =
                    table == .logBatches
                    ? [.bytes([UInt8(number)])] : insertion.contains("$2") ? [.int(Int64(number))] : []
                try await run(fixture, insertion, [moment] + key)
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
        let long = ago(fixture, days: 500)
        let hold =
            "INSERT INTO user_restrictions (group_id, user_id, state, held_at, lifted_at) VALUES ($3, $4, $5, $1, $2)"
        func held(_ group: Int64, _ user: Int64, _ state: String, until end: SQLValue) async throws {
            try await run(fixture, hold, [long, end, .int(group), .int(user), .text(state)])
        }
        try await held(-1, 1, "held", until: .null)
        try await held(-1, 2, "orphaned", until: .null)
        try await held(-2, 3, "closed", until: ago(fixture, days: 399))
        for group in [Int64(-3), -2, -1] { try await held(group, 4, "closed", until: ago(fixture, days: 401)) }
        try await run(fixture, "INSERT INTO exemptions (group_id, user_id, created_at) VALUES (-1, 1, $1)", [long])
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

    // MARK: - Groups

    /// Rows of a group in every table that has some, with a channel and an owner of its own and ones that are shared.
    @IO private func furnish(_ fixture: StoreFixture, _ group: Int64, owner: Int64, own channel: Int64) async throws {
        let shared = RequiredChannel(id: ChatID(-5000), title: "Shared", username: nil)
        try await fixture.store.protect(
            Protection(
                group: ChatID(group), title: "Group", owner: UserID(owner), ownerUsername: "o", replacesOwner: false,
                channels: [shared, RequiredChannel(id: ChatID(channel), title: "Own", username: nil)]))
        let key: [SQLValue] = [.int(group), .int(channel)]
        for text in [
            "INSERT INTO exemptions (group_id, user_id) VALUES ($1, $2)",
            "INSERT INTO incidents (group_id, kind, ended_at) SELECT $1, 'raid', NULL WHERE CAST($2 AS BIGINT) < 0",
            """
            INSERT INTO member_counts (chat_id, day, count) VALUES ($1, '2026-01-01', 3), ($2, '2026-01-01', 4)
            ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO decisions (group_id, user_id, rule_version, outcome, facts, effects)
            VALUES ($1, $2, 1, 'hold', '{}', '[]')
            """,
            "INSERT INTO user_restrictions (group_id, user_id, state) VALUES ($1, $2, 'orphaned')",
            "INSERT INTO verification_log (user_id, group_id, channel_id, status) VALUES (5, $1, $2, 'verified')",
            "INSERT INTO api_call_log (method, chat_id, group_id) VALUES ('getChatMember', $2, $1)",
            """
            INSERT INTO effects (dedup_key, kind, lane, chat_id, user_id) VALUES ('prompt:' || CAST($1 AS TEXT),
                'prompt', 3, CAST(CAST($1 AS TEXT) AS BIGINT), $2)
            """,
        ] { try await run(fixture, text, key) }
        try await fixture.store.setSetting("notice:broken:\(group)", "1")
    }

    private static let ofGroups = [
        "protected_groups", "group_channel_links", "exemptions", "incidents", "decisions", "user_restrictions",
        "verification_log", "api_call_log", "effects",
    ]

    @IO private func counts(_ fixture: StoreFixture) async throws -> [String: String] {
        var counts: [String: String] = [:]
        for table in Self.ofGroups + ["enforced_channels", "owners", "member_counts", "settings"] {
            counts[table] = try await fixture.text("SELECT count(*) FROM \(table)")
        }
        return counts
    }

    @Test(arguments: Engine.allCases) @IO
    func `a purged group leaves no row, and others lose none`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        try await furnish(fixture, -2001, owner: 1, own: -5001)
        let before = try await counts(fixture)
        try await furnish(fixture, -2002, owner: 2, own: -5002)
        let both = try await counts(fixture)
        #expect(Self.ofGroups.allSatisfy { before[$0] != both[$0] })
        // Switched on: nothing is touched.
        #expect(try await fixture.store.purge(ChatID(-2002)).rows == 0)
        #expect(try await counts(fixture) == both)
        _ = try await fixture.store.disable(as: fixture.unprotected(ChatID(-2002)))
        #expect(try await fixture.store.purge(ChatID(-2002), while: { false }).isDone == false)
        let purge = try await fixture.store.purge(ChatID(-2002))
        #expect(purge.isDone && purge.rows > 10)
        #expect(try await counts(fixture) == before)
        #expect(try await fixture.store.group(ChatID(-2001))?.channels.map(\.id.value) == [-5000, -5001])
        #expect(try await fixture.text("SELECT user_id FROM owners") == "1")
        #expect(try await fixture.store.purge(ChatID(-2002)).rows == 0)
        // The last group takes the channels with it that it shared.
        _ = try await fixture.store.disable(as: fixture.unprotected(ChatID(-2001)))
        try await fixture.store.purge(ChatID(-2001))
        #expect(try await counts(fixture).values.allSatisfy { $0 == "0" })
    }

    @Test(arguments: Engine.allCases) @IO
    func `a group that removed the bot is known as left until it is protected again or the bot is back`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let protection = Protection(
            group: fixture.group, title: "Group", owner: UserID(1), ownerUsername: nil, replacesOwner: false,
            channels: [RequiredChannel(id: fixture.channel, title: "Channel", username: nil)])
        func left() async throws -> Bool {
            try await run(fixture, "UPDATE settings SET updated_at = $1", [ago(fixture, days: 30.1)])
            return try await fixture.store.groupsLeft(olderThanDays: 30) == [fixture.group]
        }
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await fixture.text("SELECT count(*) FROM settings") == "0")
        try await fixture.store.protect(protection)
        _ = try await fixture.store.disable(as: fixture.unprotected)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await fixture.store.groupsLeft(olderThanDays: 30).isEmpty)
        #expect(try await left())
        try await fixture.store.botReturned(to: fixture.group)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await left())
        try await fixture.store.protect(protection)
        _ = try await fixture.store.disable(as: fixture.unprotected)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await left())
        try await fixture.store.purge(fixture.group)
        #expect(try await !left())
        #expect(try await fixture.text("SELECT count(*) FROM settings") == "0")
    }

    // MARK: - People

    @Test(arguments: Engine.allCases) @IO
    func `who is forgotten has no activity, no decision and no name, and may still be written to`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        for group in [Int64(-2001), -2002] { try await furnish(fixture, group, owner: 5, own: -5001) }
        for user in [Int64(5), 6] {
            try await fixture.store.setCanMessage(true, user: UserID(user), username: "u\(user)", language: "ru")
            try await run(
                fixture, "INSERT INTO user_activity (user_id, activity_date) VALUES ($1, '2026-01-01')", [.int(user)])
            for group in [Int64(-2001), -2002] {
                try await run(
                    fixture,
                    """
                    INSERT INTO decisions (group_id, user_id, rule_version, outcome, facts, effects)
                    VALUES ($1, $2, 1, 'hold', '{}', '[]')
                    """, [.int(group), .int(user)])
            }
        }
        try await run(
            fixture, "INSERT INTO user_restrictions (group_id, user_id, state) VALUES (-2001, $1, 'held')", [.int(5)])
        var expected = ForgottenRows()
        (expected.activityDays, expected.decisions, expected.verifications) = (1, 2, 2)
        #expect(try await fixture.store.forget(UserID(5)) == expected)
        #expect(try await fixture.store.forget(UserID(5)) == ForgottenRows())
        for (table, count) in [("user_activity", "0"), ("decisions", "0"), ("verification_log", "0")] {
            #expect(try await fixture.text("SELECT count(*) FROM \(table) WHERE user_id = 5") == count)
        }
        #expect(try await fixture.text("SELECT count(*) FROM verification_log WHERE user_id = 0") == "2")
        #expect(try await fixture.text("SELECT count(*) FROM decisions WHERE user_id = 6") == "2")
        #expect(try await fixture.text("SELECT username, language FROM users WHERE telegram_id = 5") == "- -")
        #expect(try await fixture.text("SELECT username FROM owners") == "-")
        #expect(try await fixture.text("SELECT username FROM users WHERE telegram_id = 6") == "u6")
        #expect(try await fixture.store.canMessage(UserID(5)))
        #expect(try await fixture.store.person(named: "u5") == nil)
        #expect(try await fixture.store.openHold(of: UserID(5), in: ChatID(-2001))?.state == .held)
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
