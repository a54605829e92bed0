// Ledger, jobs, people and replicas over both engines.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Store of ledger and service")
struct StoreServiceTests {
    @Test(arguments: Engine.allCases) @IO
    func `the ledger keeps what it is told`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture.protected(engine)
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
        let fixture = try await StoreFixture.protected(engine)
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
        let fixture = try await StoreFixture.protected(engine)
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
        let fixture = try await StoreFixture.protected(engine)
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
