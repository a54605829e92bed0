// All rows of a group, deleted, and what a person's wish to be forgotten changes: over both engines.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Purging and forgetting", .serialized)
struct PurgeTests {
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
        ] { try await fixture.run(text, key) }
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
        _ = try await fixture.store.disable(as: fixture.unprotected(ChatID(-2002)), audit: nil)
        #expect(try await fixture.store.purge(ChatID(-2002), while: { false }).isDone == false)
        let purge = try await fixture.store.purge(ChatID(-2002))
        #expect(purge.isDone && purge.rows > 10)
        #expect(try await counts(fixture) == before)
        #expect(try await fixture.store.group(ChatID(-2001))?.channels.map(\.id.value) == [-5000, -5001])
        #expect(try await fixture.text("SELECT user_id FROM owners") == "1")
        #expect(try await fixture.store.purge(ChatID(-2002)).rows == 0)
        // The last group takes the channels with it that it shared.
        _ = try await fixture.store.disable(as: fixture.unprotected(ChatID(-2001)), audit: nil)
        try await fixture.store.purge(ChatID(-2001))
        #expect(try await counts(fixture).values.allSatisfy { $0 == "0" })
    }

    /// On PostgreSQL somebody else may protect a group between two statements of a purge. Here the other transaction
    /// stands still, having linked the channel, until the purge waits for it.
    @Test(.timeLimit(.minutes(1))) @IO
    func `a channel that is linked anew while its group is purged stays, with the link`() async throws {
        let fixture = try await StoreFixture(.postgreSQL)
        for group in [Int64(-2001), -2002] {
            let channel = RequiredChannel(id: ChatID(group == -2001 ? -5001 : -5002), title: "Channel", username: nil)
            try await fixture.store.protect(
                Protection(
                    group: ChatID(group), title: "Group", owner: UserID(1), ownerUsername: nil, replacesOwner: false,
                    channels: [channel]))
        }
        _ = try await fixture.store.disable(as: fixture.unprotected(ChatID(-2001)), audit: nil)
        func waiting(_ count: Int64) async throws {
            let query = """
                SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE NOT l.granted AND a.datname = current_database()
                """
            // On the connection of logs, since the purge has that of reads.
            while try await fixture.database.run([SQLStatement(query)], .log) != [[[.int(count)]]] {
                await Loop.shared.sleep(milliseconds: 2)
            }
        }
        _ = try await fixture.database.run([SQLStatement("SELECT pg_advisory_lock(42)::text")], .log)
        let linking = Task { @IO in
            let texts = [
                "UPDATE enforced_channels SET title = 'Anew' WHERE channel_id = -5001",
                "INSERT INTO group_channel_links (group_id, channel_id) VALUES (-2002, -5001)",
                "SELECT pg_advisory_xact_lock(42)::text",
            ]
            _ = try await fixture.database.run(texts.map { SQLStatement($0) }, .record)
        }
        try await waiting(1)
        let purging = Task { @IO in try await fixture.store.purge(ChatID(-2001)) }
        try await waiting(2)
        _ = try await fixture.database.run([SQLStatement("SELECT pg_advisory_unlock(42)::text")], .log)
        try await linking.value
        #expect(try await purging.value.isDone)
        #expect(try await fixture.store.group(ChatID(-2001)) == nil)
        #expect(try await fixture.store.group(ChatID(-2002))?.channels.map(\.id.value) == [-5002, -5001])
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
            try await fixture.run("UPDATE settings SET updated_at = $1", [fixture.ago(days: 30.1)])
            return try await fixture.store.groupsLeft(olderThanDays: 30) == [fixture.group]
        }
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await fixture.text("SELECT count(*) FROM settings") == "0")
        try await fixture.store.protect(protection)
        _ = try await fixture.store.disable(as: fixture.unprotected, audit: nil)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await fixture.store.groupsLeft(olderThanDays: 30).isEmpty)
        #expect(try await left())
        try await fixture.store.botReturned(to: fixture.group)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await left())
        try await fixture.store.protect(protection)
        _ = try await fixture.store.disable(as: fixture.unprotected, audit: nil)
        #expect(try await !left())
        try await fixture.store.botRemoved(from: fixture.group)
        #expect(try await left())
        try await fixture.store.purge(fixture.group)
        #expect(try await !left())
        #expect(try await fixture.text("SELECT count(*) FROM settings") == "0")
    }

    @Test(arguments: Engine.allCases) @IO
    func `who is forgotten has no activity, no decision and no name, and may still be written to`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        for group in [Int64(-2001), -2002] { try await furnish(fixture, group, owner: 5, own: -5001) }
        for user in [Int64(5), 6] {
            try await fixture.store.setCanMessage(true, user: UserID(user), username: "u\(user)", language: "ru")
            try await fixture.run(
                "INSERT INTO user_activity (user_id, activity_date) VALUES ($1, '2026-01-01')", [.int(user)])
            for group in [Int64(-2001), -2002] {
                try await fixture.run(
                    """
                    INSERT INTO decisions (group_id, user_id, rule_version, outcome, facts, effects)
                    VALUES ($1, $2, 1, 'hold', '{}', '[]')
                    """, [.int(group), .int(user)])
            }
        }
        try await fixture.run(
            "INSERT INTO user_restrictions (group_id, user_id, state) VALUES (-2001, $1, 'held')", [.int(5)])
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
}
