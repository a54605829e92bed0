// Order, clocks and sends of the outbox, as the store alone shows them.

import Domain
import TestSupport
import Testing

@testable import EventLoop
@testable import Storage

@Suite("Outbox: leases", .serialized)
struct StoreLeaseTests {
    private let all = [1: 10, 2: 10, 3: 10, 4: 10]

    @IO
    private func record(_ wishes: [EffectWish], _ fixture: StoreFixture) async throws {
        var record = Record(update: nil)
        record.effects = wishes
        _ = try await fixture.recorded(record)
    }

    @Test(arguments: Engine.allCases) @IO
    func `one message of a chat is worked on at a time, and other chats do not wait for it`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let other = ChatID(-2002)
        try await record(
            [
                .edit(MessageID(1), in: fixture.group), .edit(MessageID(2), in: fixture.group),
                .edit(MessageID(3), in: fixture.group), .edit(MessageID(1), in: other),
            ], fixture)
        let first = try await fixture.store.leaseDue(limits: all)
        #expect(first.map(\.key) == ["edit:-1001:1", "edit:-2002:1"])
        #expect(try await fixture.other.leaseDue(limits: all).isEmpty)
        #expect(try await fixture.store.nextDueMilliseconds() != 0)
        #expect(try await fixture.store.finish(first[0], .done([], follow: []), note: nil) == .finished)
        #expect(try await fixture.other.leaseDue(limits: all).map(\.key) == ["edit:-1001:2"])
    }

    @Test(arguments: Engine.allCases) @IO
    func `lanes have their own share, and a full one is not looked at`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let lifts = (1...30).map { EffectWish.lift(LedgerID($0), of: UserID($0), in: fixture.group) }
        try await record(lifts + [.delete(MessageID(9), in: fixture.group)], fixture)
        let taken = try await fixture.store.leaseDue(limits: [1: 4, 2: 4, 3: 4, 4: 4])
        #expect(taken.count { $0.kind == .lift } == 4 && taken.count { $0.kind == .delete } == 1)
        #expect(try await fixture.store.nextDueMilliseconds(lanes: [2]) == 0)
        #expect(try await fixture.store.nextDueMilliseconds(lanes: [1, 3, 4]) ?? 1000 > 1000)
        #expect(try await fixture.store.nextDueMilliseconds(lanes: [3, 4]) == nil)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a new wish for a message of unknown fate is a new message`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        try await record([.prompt(in: fixture.group)], fixture)
        for sends in 1...2 {
            let prompt = try #require(try await fixture.store.leaseDue(limits: all).first)
            #expect(prompt.sends == sends)
            let unknown = EffectResult.again(afterMilliseconds: 0, counts: true, unsent: false)
            #expect(try await fixture.store.finish(prompt, unknown, note: nil) == .finished)
        }
        try await record([.prompt(in: fixture.group)], fixture)
        #expect(try await fixture.store.leaseDue(limits: all).first?.sends == 1)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a prompt's end edits it when somebody was freed meanwhile, and only then`(_ engine: Engine) async throws {
        for isFreed in [false, true] {
            let fixture = try await StoreFixture(engine)
            let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
            let prompt = try #require(recorded.effects.first { $0.kind == .prompt })
            if isFreed { _ = try await fixture.release(5) }
            let ledger = try #require(recorded.ledger)
            let done = EffectResult.done([.told([ledger], MessageID(90))], follow: [])
            let outcome = try await fixture.store.finish(prompt, done, note: nil)
            #expect(outcome == (isFreed ? .finishedWithDue : .finished))
            let edits = try await fixture.text("SELECT count(*), max(dedup_key) FROM effects WHERE kind = 'edit'")
            #expect(edits == (isFreed ? "1 edit:-1001:90" : "0 -"))
        }
    }

    @Test(arguments: Engine.allCases) @IO
    func `an end that edits the message anyhow does so once for somebody who was freed`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let prompt = try #require(recorded.effects.first { $0.kind == .prompt })
        let ledger = try #require(recorded.ledger)
        _ = try await fixture.release(5)
        let notice = MessageID(90)
        let done = EffectResult.done([.told([ledger], notice)], follow: [.edit(notice, in: fixture.group)])
        #expect(try await fixture.store.finish(prompt, done, note: nil) == .finishedWithDue)
        let edits = try await fixture.text("SELECT count(*), max(dedup_key) FROM effects WHERE kind = 'edit'")
        #expect(edits == "1 edit:-1001:90")
    }

    @Test(arguments: Engine.allCases) @IO
    func `a prompt that is taken as sent has no number`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let prompt = try #require(recorded.effects.first { $0.kind == .prompt })
        let ledger = try #require(recorded.ledger)
        _ = try await fixture.store.finish(prompt, .done([.told([ledger], nil)], follow: []), note: nil)
        let hold = try #require(try await fixture.store.hold(ledger))
        #expect(hold.isTold && hold.warning == nil)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a lease is written as the time when it is due again`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        try await record([.delete(MessageID(2), in: fixture.group)], fixture)
        let taken = try await fixture.store.leaseDue(limits: all)
        #expect(taken.count == 1)
        #expect(try await fixture.store.nextDueMilliseconds() ?? 0 > 11_000)
        #expect(try await fixture.store.renew(taken[0]))
        #expect(try await fixture.store.nextDueMilliseconds() ?? 0 > 11_000)
        #expect(try await fixture.store.leaseDue(limits: all).isEmpty)
    }

    @Test @IO
    func `records of the same keys in another order are stored, deadlock or not`() async throws {
        let fixture = try await StoreFixture(.postgreSQL)
        let name = try await fixture.text("SELECT current_database()")
        let url = try await offload { try PostgreSQLCluster.shared.get().url(of: name) }
        let second = try await Storage.open(url: url, poolMax: 4)
        let other = DatabaseStore(database: second, botID: 7)
        let messages = (1...40).map { MessageID($0) }
        var running: [Task<Void, any Error>] = []
        for round in 0..<30 {
            for (store, ids) in [(fixture.store, messages), (other, messages.reversed())] {
                running.append(
                    Task { @IO in
                        var record = Record(update: nil)
                        record.effects = ids.map { .delete($0, in: fixture.group) }
                        record.releases = [
                            ReleaseWish(group: fixture.group, user: UserID(Int64(round)), reason: .verified)
                        ]
                        guard case .recorded = try await store.record(record) else { return }
                    })
            }
        }
        for task in running { try await task.value }
        #expect(try await fixture.text("SELECT count(*), min(revision) FROM effects") == "40 59")
        await second.close()
    }

    @Test @IO
    func `a file that somebody else writes is waited for a second, then the record fails`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        let file = try #require((fixture.database as? SQLiteDatabase)?.path)
        let other = try SQLiteConnection(path: file, use: .writing)
        try other.execute("BEGIN IMMEDIATE")
        let began = Loop.shared.current()
        await #expect(throws: StoreError.unavailable) {
            try await fixture.store.record(fixture.holdRecord(update: 1, user: 5, message: 11))
        }
        #expect(Loop.shared.current().milliseconds(since: began) >= 900)
        #expect(fixture.store.uncertainRecords == 1)
        try other.execute("ROLLBACK")
        #expect(
            try await fixture.store.record(fixture.holdRecord(update: 1, user: 5, message: 11)) != .repeated)
    }

    @Test @IO
    func `what waits follows a wall clock that is set anew`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        try await record([.delete(MessageID(1), in: fixture.group, delayMilliseconds: 20_000)], fixture)
        let leased = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        for jump in [3_600_000, -7_200_000, 3_600_000] as [Int64] {
            WallClock.advance(milliseconds: jump)
            // Nothing is due before its time, nobody's lease has ended, and what is new is due now.
            try await record([.edit(MessageID(jump), in: ChatID(-3003))], fixture)
            let taken = try await fixture.store.leaseDue(limits: all)
            #expect(taken.map(\.key) == ["edit:-3003:\(jump)"])
            for effect in taken { _ = try await fixture.store.finish(effect, .done([], follow: []), note: nil) }
            let due = try #require(try await fixture.store.nextDueMilliseconds(lanes: [1]))
            #expect((5000...20_100).contains(due), "\(jump): \(due)")
            #expect(try await fixture.store.renew(leased.effects[0]))
        }
        // A small correction is no jump.
        let before = try await fixture.text("SELECT due_at FROM effects WHERE dedup_key = 'delete:-1001:1'")
        WallClock.advance(milliseconds: 3000)
        _ = try await fixture.store.leaseDue(limits: all)
        #expect(try await fixture.text("SELECT due_at FROM effects WHERE dedup_key = 'delete:-1001:1'") == before)
        WallClock.advance(milliseconds: -3000)
    }
}
