// The ends of protection and what comes after them over both engines: disabling, unlinking, absence, migration.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Store: ends of protection")
struct StoreGroupLifeTests {
    @Test(arguments: Engine.allCases) @IO
    func `disabling lifts all holds, ten in a second`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        for user in Int64(1)...25 {
            _ = try await fixture.recorded(
                fixture.holdRecord(update: user, user: user, message: user, startsAtOnce: false))
        }
        #expect(try await fixture.store.disable(as: fixture.unprotected, audit: nil) == 25)
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'restrict'") == "0")
        let lifts = try await fixture.store.leaseDue(limits: [2: 100])
        #expect((1..<25).contains(lifts.count))
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'lift'") == "25")
        let decided = """
            SELECT count(*) FROM effects e JOIN decisions d ON d.id = e.decision_id AND d.user_id = e.user_id
            WHERE e.kind = 'lift' AND d.outcome = 'release' AND d.rule_version = 7
            """
        #expect(try await fixture.text(decided) == "25")
        #expect(try await fixture.text("SELECT count(*) FROM decisions WHERE outcome = 'release'") == "25")
        #expect(try await fixture.store.group(fixture.group)?.isProtected == false)
    }

    @Test(arguments: Engine.allCases, [true, false]) @IO
    func `who is being muted is freed after that, also when the bot has its right back`(
        _ engine: Engine, wasReleased: Bool
    ) async throws {
        let fixture = try await StoreFixture.protected(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        if wasReleased { _ = try await fixture.release(5) }
        try await fixture.store.resume(fixture.group, releasing: wasReleased ? nil : fixture.unprotected)
        #expect(try await fixture.store.openHold(of: UserID(5), in: fixture.group)?.state == .lifting)
        #expect(try await fixture.store.leaseDue(limits: [2: 100]).isEmpty)
        let restrict = try #require(recorded.effects.first { $0.kind == .restrict })
        let ledger = try #require(recorded.ledger)
        _ = try await fixture.store.finish(restrict, .done([.held(ledger)], follow: []), note: nil)
        #expect(try await fixture.store.leaseDue(limits: [2: 100]).map(\.kind) == [.lift])
    }

    /// SQLite has one writer; on PostgreSQL each statement sees what others have stored meanwhile.
    @Test @IO
    func `a hold that comes between the statements of disabling is not taken for one that is lifted`() async throws {
        let fixture = try await StoreFixture.protected(.postgreSQL)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1, startsAtOnce: false))
        // In place of another replica, at the only moment that matters: once the lifts are recorded.
        let late = [
            """
            CREATE FUNCTION late_hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO user_restrictions (group_id, user_id, state, channel_ids, source, held_at)
                VALUES (NEW.chat_id, 6, 'intended', '[-1002]', 'message', now());
                RETURN NEW;
            END $$
            """,
            """
            CREATE TRIGGER late_hold AFTER INSERT ON effects FOR EACH ROW WHEN (NEW.kind = 'lift')
            EXECUTE FUNCTION late_hold()
            """,
        ]
        _ = try await fixture.database.run(late.map { SQLStatement($0) }, .command)
        #expect(try await fixture.store.disable(as: fixture.unprotected, audit: nil) == 1)
        #expect(try await fixture.store.openHold(of: UserID(5), in: fixture.group)?.state == .lifting)
        #expect(try await fixture.store.openHold(of: UserID(6), in: fixture.group)?.state == .intended)
    }

    @Test(arguments: Engine.allCases) @IO
    func `unlinking lifts who was held for that channel alone and looks at the others again`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture.protected(engine, channels: [-1002, -1003])
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        var both = fixture.holdRecord(update: 2, user: 6, message: 2)
        both.hold?.channels = [ChatID(-1002), ChatID(-1003)]
        _ = try await fixture.recorded(both)
        #expect(try await fixture.store.unlink(fixture.channel, as: fixture.unprotected, audit: nil) == 1)
        #expect(try await fixture.store.openHold(of: UserID(5), in: fixture.group)?.state == .lifting)
        #expect(try await fixture.store.openHold(of: UserID(6), in: fixture.group)?.state == .intended)
        #expect(try await fixture.text("SELECT user_id FROM effects WHERE kind = 'recheck'") == "6")
        #expect(try await fixture.text("SELECT user_id FROM decisions WHERE outcome = 'release'") == "5")
        #expect(try await fixture.store.unlink(ChatID(-1003), as: fixture.unprotected, audit: nil) == 0)
        #expect(try await fixture.store.unlink(ChatID(-1003), as: fixture.unprotected, audit: nil) == nil)
        #expect(try await fixture.store.openHold(of: UserID(6), in: fixture.group)?.state == .lifting)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a migrated group keeps its rows under the new id`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        let new = ChatID(-1_009_999)
        _ = try await fixture.recorded(
            fixture.holdRecord(update: 1, user: 5, message: 1, startsAtOnce: false))
        try await fixture.store.migrate(fixture.group, to: new)
        #expect(try await fixture.store.group(fixture.group) == nil)
        #expect(try await fixture.store.group(new)?.channels.count == 1)
        #expect(try await fixture.store.openHoldCount(in: new) == 1)
        let keys = try await fixture.store.leaseDue(limits: [1: 5, 3: 5]).map { $0.kind == .prompt ? $0.key : "" }
        #expect(keys.sorted() == ["", "prompt:-1009999"])
    }

    @Test(arguments: Engine.allCases) @IO
    func `holds of a group without the bot are orphaned`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        try await fixture.store.botRemoved(from: fixture.group)
        let ledger = try #require(recorded.ledger)
        #expect(try await fixture.store.hold(ledger)?.state == .orphaned)
        #expect(try await fixture.store.pending() == PendingEffects())
        #expect(try await fixture.store.nextDueMilliseconds() == nil)
        try await fixture.store.dropEffects(of: fixture.group)
    }
}
