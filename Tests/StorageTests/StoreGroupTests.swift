// Groups, ledger and service over both engines.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Store of groups and service")
struct StoreGroupTests {
    @IO
    private func protected(_ engine: Engine, channels: [Int64] = [-1002]) async throws -> StoreFixture {
        let fixture = try await StoreFixture(engine)
        let required = channels.map { RequiredChannel(id: ChatID($0), title: "Channel", username: "name") }
        try await fixture.store.protect(
            Protection(
                group: fixture.group, title: "Group", owner: UserID(1), ownerUsername: "o", replacesOwner: false,
                channels: required))
        return fixture
    }

    @Test(arguments: Engine.allCases) @IO
    func `a group comes back as it was protected and set`(_ engine: Engine) async throws {
        let fixture = try await protected(engine, channels: [-1002, -1003])
        var params = GroupParams()
        params.failMode = .closed
        params.warningSeconds = 30
        _ = try await fixture.store.changeParams(
            from: GroupParams(), to: params, of: fixture.group, releasing: nil, audit: nil)
        #expect(
            try await fixture.store.exempt(
                UserID(8), in: fixture.group, untilSeconds: nil, reason: "exempt", audit: nil))
        try await fixture.store.setNotice(MessageID(4), thread: nil, of: fixture.group)
        let group = try #require(try await fixture.store.group(fixture.group))
        #expect(group.params == params && group.isProtected && group.notice == MessageID(4))
        #expect(group.channels.map(\.id.value) == [-1002, -1003])
        #expect(group.isExempt(UserID(8), atSeconds: 0))
        #expect(try await fixture.store.noticeSentAtSeconds(of: fixture.group) ?? 0 > 0)
        #expect(try await fixture.store.setHealth(.broken, of: fixture.channel, in: fixture.group))
        #expect(try await !fixture.store.setHealth(.broken, of: fixture.channel, in: fixture.group))
        #expect(try await fixture.store.brokenLinks(limit: 5).isEmpty)
        #expect(try await fixture.store.groups(requiring: fixture.channel) == [fixture.group])
        try await fixture.store.setTitle("New", username: "other", of: fixture.channel)
        try await fixture.store.removeExemption(of: UserID(8), in: fixture.group, audit: nil)
        let later = try #require(try await fixture.store.group(fixture.group))
        #expect(later.exemptions.isEmpty && later.channels.first?.title == "New")
        #expect(try await fixture.store.botRemoved(fromChannel: ChatID(-1003)) == [fixture.group])
        #expect(try await fixture.store.group(ChatID(-5)) == nil)
    }

    @Test(arguments: Engine.allCases) @IO
    func `of two changes of the settings at the same time both stand`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        var (one, other) = (GroupParams(), GroupParams())
        one.warningText = "Hi"
        other.pausedUntilSeconds = 1_900_000_000
        for params in [one, other] {
            let audit = AuditRow(.settings, by: UserID(1), .group(fixture.group))
            _ = try await fixture.store.changeParams(
                from: GroupParams(), to: params, of: fixture.group, releasing: nil, audit: audit)
        }
        let both = try #require(try await fixture.store.group(fixture.group)).params
        #expect(both.warningText == "Hi" && both.pausedUntilSeconds == 1_900_000_000)
        _ = try await fixture.store.changeParams(
            from: one, to: GroupParams(), of: fixture.group, releasing: nil, audit: nil)
        #expect(try await fixture.store.group(fixture.group)?.params == other)
        let details = try await fixture.store.rows(
            Query("SELECT details FROM admin_audit_log ORDER BY id"), [], .read
        ).map { $0.text(0) }
        #expect(
            details == [
                #"{"group_id":\#(fixture.group.value),"warning_text":"Hi"}"#,
                #"{"group_id":\#(fixture.group.value),"paused_until":"2030-03-17T17:46:40.000Z"}"#,
            ])
    }

    @Test(arguments: Engine.allCases) @IO
    func `what changes nothing is not noted`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        func noted() async throws -> [String] {
            try await fixture.store.rows(
                Query("SELECT action, target_type, target_id FROM admin_audit_log ORDER BY id"), [], .read
            ).map { "\($0.text(0)) \($0.text(1)) \($0.text(2))" }
        }
        func unlink(_ channel: ChatID) async throws -> Int? {
            try await fixture.store.unlink(
                channel, as: fixture.unprotected,
                audit: AuditRow(.unprotect, by: nil, .channel(channel, in: fixture.group)))
        }
        func exempt(_ user: Int64) async throws -> Bool {
            try await fixture.store.exempt(
                UserID(user), in: fixture.group, untilSeconds: nil, reason: "admin",
                audit: AuditRow(.exempt, by: nil, .user(UserID(user), in: fixture.group)))
        }
        #expect(try await unlink(ChatID(-7)) == nil)
        #expect(try await noted().isEmpty)
        #expect(try await unlink(fixture.channel) == 0)
        for user in Int64(1)...200 { #expect(try await exempt(user)) }
        #expect(try await !exempt(201))
        let rows = try await noted()
        #expect(rows.count == 201 && rows.first == "unprotect channel \(fixture.channel.value)")
        #expect(rows.last == "exempt user 200")
    }

    @Test(arguments: Engine.allCases) @IO
    func `a link is broken and its notice recorded together, once`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        let notice = EffectWish(.notify, key: "notify:1", chat: fixture.group, payload: #"{"say":"broken"}"#)
        for isFirst in [true, false] {
            let hasChanged = try await fixture.store.setHealth(
                .broken, of: fixture.channel, in: fixture.group, telling: notice)
            #expect(hasChanged == isFirst)
            let limits = [notice.kind.lane: 10]
            let due = try await fixture.store.leaseDue(limits: limits)
            #expect(due.map(\.key) == (isFirst ? ["notify:1"] : []))
            #expect(due.allSatisfy { $0.kind == .notify && $0.chat == fixture.group })
            for effect in due {
                _ = try await fixture.store.finish(effect, .done([], follow: []), note: nil)
            }
        }
    }

    @Test(arguments: Engine.allCases) @IO
    func `200 people are exempt for good, and any number for a time`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        func exempt(_ user: Int64, until seconds: Int64? = nil) async throws -> Bool {
            try await fixture.store.exempt(
                UserID(user), in: fixture.group, untilSeconds: seconds, reason: "exempt", audit: nil)
        }
        for user in Int64(1)...200 { #expect(try await exempt(user)) }
        #expect(try await !exempt(201))
        #expect(try await exempt(201, until: 4_000_000_000))
        // Who is exempt already may be named again, and one who was for a time is still one too many.
        #expect(try await exempt(200))
        #expect(try await !exempt(201))
        try await fixture.store.removeExemption(of: UserID(7), in: fixture.group, audit: nil)
        #expect(try await exempt(201))
        #expect(try await !exempt(202))
        #expect(try await fixture.text("SELECT count(*) FROM exemptions WHERE until IS NULL") == "200")
    }

    @Test(arguments: Engine.allCases) @IO
    func `disabling lifts all holds, ten in a second`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
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
        let fixture = try await protected(engine)
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
        let fixture = try await protected(.postgreSQL)
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
        let fixture = try await protected(engine, channels: [-1002, -1003])
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
        let fixture = try await protected(engine)
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
        let fixture = try await protected(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        try await fixture.store.botRemoved(from: fixture.group)
        let ledger = try #require(recorded.ledger)
        #expect(try await fixture.store.hold(ledger)?.state == .orphaned)
        #expect(try await fixture.store.pending() == PendingEffects())
        #expect(try await fixture.store.nextDueMilliseconds() == nil)
        try await fixture.store.dropEffects(of: fixture.group)
    }

    @Test(arguments: Engine.allCases) @IO
    func `the ledger keeps what it is told`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        let ledger = try #require(try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1)).ledger)
        try await fixture.store.setPrior(#"{"until_date":0}"#, of: ledger)
        try await fixture.store.pressed(ledger)
        try await fixture.store.setChannels([ChatID(-9)], of: ledger)
        let hold = try #require(try await fixture.store.openHolds(of: UserID(5)).first)
        #expect(hold.presses == 1 && hold.channels == [ChatID(-9)] && hold.priorPermissions != nil)
        #expect(try await fixture.store.recentHolds(of: UserID(5), in: fixture.group, seconds: 600).count == 1)
        #expect(try await fixture.store.addressed(by: MessageID(3), in: fixture.group).isEmpty)
        let status = try #require(try await fixture.store.status(of: fixture.group))
        #expect(status.held == 1 && status.channels.count == 1 && status.countAgeSeconds == nil)
        #expect(try await fixture.store.statistics(of: fixture.group, days: 7) == GroupStatistics())
    }

    @Test(arguments: Engine.allCases) @IO
    func `a job has one runner, and counts are stored`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        let store = fixture.store
        #expect(try await store.takeJobLease("job:a") == .taken)
        #expect(try await fixture.other.takeJobLease("job:a") == .busy)
        #expect(try await store.renewJobLease("job:a"))
        #expect(try await !fixture.other.renewJobLease("job:a"))
        #expect(try await store.jobAgeSeconds("job:a") == nil)
        try await store.finishJob("job:a", result: "{}")
        #expect(try await store.jobAgeSeconds("job:a") != nil)
        #expect(try await fixture.other.takeJobLease("job:a") == .taken)
        let chats = try await store.chatsToSync(limit: 10)
        #expect(chats.map(\.id.value).sorted() == [-1002, -1001])
        try await store.storeCounts(chats.map { ($0, 42) })
        #expect(try await store.chatsToSync(limit: 10).isEmpty)
        #expect(try await store.status(of: fixture.group)?.members == 42)
    }

    @Test(arguments: Engine.allCases) @IO
    func `people, settings, replicas, ticks`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let store = fixture.store
        #expect(try await !store.canMessage(UserID(3)))
        try await store.setCanMessage(true, user: UserID(3), username: nil, language: "en")
        #expect(try await store.canMessage(UserID(3)))
        #expect(try await store.setting("k") == nil)
        try await store.setSetting("k", "true")
        #expect(try await store.setting("k") == "true")
        #expect(try await store.heartbeat(version: "1", schemaVersion: 3) == 1)
        #expect(try await fixture.other.heartbeat(version: "1", schemaVersion: 3) == 2)
        try await fixture.other.removeReplica()
        try await store.tickUptime(minuteSeconds: 120)
        try await store.tickUptime(minuteSeconds: 125)
        try await store.tellCaches("group:-1001")
        try await store.voidLeases()
    }

    @Test(arguments: Engine.allCases) @IO
    func `an effect's end closes rows, sets the notice and may ask to be repeated`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        let ledger = try #require(recorded.ledger)
        let restrict = try #require(recorded.effects.first { $0.kind == .restrict })
        let prompt = try #require(recorded.effects.first { $0.kind == .prompt })
        let notice = LedgerChange.notice(fixture.group, MessageID(9), thread: 3)
        let later = EffectWish.prompt(in: fixture.group)
        var waiting = later
        waiting.delayMilliseconds = 60_000
        let result = EffectResult.done([notice], follow: [waiting])
        #expect(try await fixture.store.finish(prompt, result, note: nil) == .finished)
        #expect(try await fixture.store.group(fixture.group)?.notice == MessageID(9))
        #expect(try await fixture.store.leaseDue(limits: [3: 5]).isEmpty)
        let refused = EffectResult.done([.closed(ledger, .refused)], follow: [])
        #expect(try await fixture.store.finish(restrict, refused, note: nil) == .finished)
        #expect(try await fixture.text("SELECT state, release_reason FROM user_restrictions") == "closed refused")
        _ = try await fixture.recorded(fixture.holdRecord(update: 2, user: 5, message: 2, startsAtOnce: false))
        var record = Record(update: nil)
        record.releases = [ReleaseWish(group: fixture.group, user: UserID(5), reason: .admin, lifts: false)]
        #expect(try await fixture.recorded(record).effects.isEmpty)
        #expect(try await fixture.store.openHold(of: UserID(5), in: fixture.group) == nil)
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind IN ('lift', 'restrict')") == "0")
    }

    @Test(arguments: Engine.allCases) @IO
    func `one message of a chat at a time, and figures of people's decisions`(_ engine: Engine) async throws {
        let fixture = try await protected(engine)
        var record = Record(update: nil)
        record.effects = [.prompt(in: fixture.group), .edit(MessageID(3), in: fixture.group)]
        _ = try await fixture.recorded(record)
        let first = try await fixture.store.leaseDue(limits: [3: 5])
        #expect(first.count == 1)
        #expect(try await fixture.other.leaseDue(limits: [3: 5]).isEmpty)
        #expect(try await fixture.store.nextDueMilliseconds() ?? 0 > 0)
        #expect(try await fixture.store.finish(first[0], .done([], follow: []), note: nil) == .finished)
        #expect(try await fixture.other.leaseDue(limits: [3: 5]).count == 1)
        let now = WallClock.now.microseconds
        let rows = ["verified", "restricted", "error"].map { status in
            LogRow.verification(
                VerificationRow(
                    user: UserID(5), group: fixture.group, channel: fixture.channel, status: status,
                    latencyMilliseconds: 1, isCached: false, isDecisive: true, source: .message, errorType: nil,
                    atMicroseconds: now))
        }
        try await fixture.store.write(rows, batch: [UInt8](repeating: 1, count: 16))
        let status = try #require(try await fixture.store.status(of: fixture.group))
        #expect(status.verified == 1 && status.restricted == 1)
        let figures = try await fixture.store.statistics(of: fixture.group, days: 7)
        #expect(figures.verifications == 3 && figures.restrictions == 1 && figures.errors == 1)
        #expect(figures.topHour == Int(now / 3_600_000_000 % 24))
    }
}
