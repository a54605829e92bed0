// The rules of the outbox, each over both engines.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Outbox")
struct StoreOutboxTests {
    private let all = [1: 10, 2: 10, 3: 10, 4: 10]

    @Test(arguments: Engine.allCases) @IO
    func `an update is recorded once, and a further message of a held person is only deleted`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let first = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        #expect(first.effects.map(\.kind.rawValue).sorted() == ["delete", "prompt", "restrict"])
        #expect(first.ledger != nil && !first.wasHeldAlready && first.decision != nil)
        #expect(first.effects.first { $0.kind == .prompt }?.sends == 1)
        #expect(try await fixture.store.record(fixture.holdRecord(update: 1, user: 5, message: 11)) == .repeated)
        let second = try await fixture.recorded(fixture.holdRecord(update: 2, user: 5, message: 12))
        #expect(second.effects.map(\.key) == ["delete:-1001:12"])
        #expect(second.wasHeldAlready && second.ledger == nil)
        #expect(try await fixture.text("SELECT count(*) FROM effects") == "4")
        let last = try await fixture.text("SELECT outcome, facts FROM decisions ORDER BY id DESC LIMIT 1")
        #expect(last.hasPrefix("delete") && last.contains("already_held"))
        #expect(try await fixture.store.openHold(of: UserID(5), in: fixture.group)?.channels == [fixture.channel])
    }

    @Test(arguments: Engine.allCases) @IO
    func `a release that others have recorded already has its decision`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        func release(lifts: Bool) async throws -> Recorded {
            var record = Record(update: nil)
            record.decision = DecisionRow(
                update: nil, group: fixture.group, user: UserID(5), ruleVersion: 1, outcome: "release",
                facts: #"{"v":1,"reason":"verified"}"#)
            record.releases = [ReleaseWish(group: fixture.group, user: UserID(5), reason: .verified, lifts: lifts)]
            record.effects = [.edit(MessageID(90), in: fixture.group)]
            return try await fixture.recorded(record)
        }
        // At once: both have seen the open row.
        async let first = release(lifts: true)
        async let second = release(lifts: true)
        let decisions = try await [first.decision, second.decision]
        #expect(decisions.count { $0 == nil } == 1)
        #expect(try await fixture.text("SELECT count(*) FROM decisions") == "2")
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'lift'") == "1")
        let kept = try await fixture.text("SELECT max(decision_id) FROM effects WHERE kind IN ('lift', 'edit')")
        #expect(kept == decisions.compactMap(\.self).first.map(String.init))
        // An administrator's word ends what is being lifted too, and then there is nothing to end.
        #expect(try await release(lifts: false).decision != nil)
        #expect(try await release(lifts: false).decision == nil)
        #expect(try await release(lifts: true).decision == nil)
        #expect(try await fixture.text("SELECT count(*) FROM decisions") == "3")
    }

    @Test(arguments: Engine.allCases) @IO
    func `our failures are counted, a failing update can be recorded, the fifth gives it up`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        #expect(try await !fixture.store.failed(UpdateID(1), body: "{}"))
        #expect(try await fixture.store.record(Record(update: UpdateID(1))) != .repeated)
        for _ in 1...4 { #expect(try await !fixture.store.failed(UpdateID(2), body: "{}")) }
        #expect(try await fixture.store.failed(UpdateID(2), body: #"{"update_id":2}"#))
        #expect(try await fixture.store.record(Record(update: UpdateID(2))) == .repeated)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a wish that comes while its effect is performed is not swallowed`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let first = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let prompt = try #require(first.effects.first { $0.kind == .prompt })
        let second = try await fixture.recorded(fixture.holdRecord(update: 2, user: 6, message: 12))
        #expect(!second.effects.contains { $0.kind == .prompt })
        let ledger = try #require(first.ledger)
        let done = EffectResult.done([.told([ledger], MessageID(90))], follow: [])
        #expect(try await fixture.store.finish(prompt, done, note: #"{"kind":"prompt"}"#) == .revised)
        #expect(try await fixture.store.untold(in: fixture.group, limit: 10).map(\.user) == [UserID(6)])
        let again = try await fixture.store.leaseDue(limits: all)
        #expect(again.map(\.key) == ["prompt:-1001"])
        #expect(again.first?.revision == 1 && again.first?.sends == 1 && again.first?.isTakenOver == false)
        let follow = EffectWish.expire(MessageID(91), in: fixture.group, afterMilliseconds: 300_000)
        let last = try #require(again.first)
        #expect(try await fixture.store.finish(last, .done([], follow: [follow]), note: nil) == .finished)
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'expire'") == "1")
        #expect(try await fixture.text("SELECT effects FROM decisions ORDER BY id LIMIT 1").contains("prompt"))
    }

    @Test(arguments: Engine.allCases) @IO
    func `rechecks of a person are merged`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        for (messages, audits) in [(1...15, true), (10...30, false)] {
            var record = Record(update: nil)
            let ids = messages.map { MessageID(Int64($0)) }
            record.effects = [
                .recheck(UserID(5), in: fixture.group, messages: ids, audits: audits, source: .message)
            ]
            _ = try await fixture.recorded(record)
        }
        let recheck = try #require(try await fixture.store.leaseDue(limits: all).first)
        let payload = recheck.payload.filter { $0 != " " }
        #expect(payload.contains("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]"))
        #expect(payload.contains(#""audit":true"#))
    }

    @Test(arguments: Engine.allCases) @IO
    func `leases: one owner, take-over after the end, nothing for who lost it`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11, startsAtOnce: false))
        #expect(try await fixture.store.nextDueMilliseconds() == 0)
        #expect(try await fixture.store.pending().byLane == [1: 2, 3: 1])
        let mine = try await fixture.store.leaseDue(limits: all)
        #expect(mine.count == 3)
        #expect(try await fixture.other.leaseDue(limits: all).isEmpty)
        #expect(try await fixture.store.leaseOwnForgotten(running: [mine[0].id, mine[1].id]).map(\.id) == [mine[2].id])
        #expect(try await fixture.store.renew(mine[0]))
        #expect(try await !fixture.other.renew(mine[0]))
        try await fixture.expireLeases()
        let taken = try await fixture.other.leaseDue(limits: all)
        #expect(taken.count == 3 && taken.allSatisfy(\.isTakenOver))
        #expect(taken.first { $0.kind == .prompt }?.sends == 2)
        let ledger = try #require(taken.first { $0.kind == .restrict }?.ledger)
        let restrict = try #require(mine.first { $0.kind == .restrict })
        #expect(try await fixture.store.finish(restrict, .done([.held(ledger)], follow: []), note: nil) == .lostLease)
        #expect(try await fixture.store.hold(ledger)?.state == .intended)
        try await fixture.other.giveBack(taken.map(\.id))
        let again = try await fixture.store.leaseDue(limits: all)
        #expect(again.count == 3 && !again.contains { $0.isTakenOver })
        #expect(again.first { $0.kind == .prompt }?.sends == 2)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a transient failure waits, and a send that certainly did not happen does not count`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let prompt = try #require(recorded.effects.first { $0.kind == .prompt })
        let again = EffectResult.again(afterMilliseconds: 4000, counts: true, unsent: true)
        #expect(try await fixture.store.finish(prompt, again, note: nil) == .finished)
        #expect(try await fixture.text("SELECT attempts, sends FROM effects WHERE kind = 'prompt'") == "1 0")
        let due = try #require(try await fixture.store.nextDueMilliseconds())
        #expect((1...4000).contains(due))
        try await fixture.store.push(fixture.group, milliseconds: 60_000)
        #expect(try await fixture.store.nextDueMilliseconds() ?? 0 > 11_000)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a lift never overtakes a restrict in flight`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let restrict = try #require(recorded.effects.first { $0.kind == .restrict })
        let ledger = try #require(recorded.ledger)
        let released = try await fixture.release(5)
        #expect(released.released == 1 && released.effects.isEmpty)
        #expect(try await fixture.store.leaseDue(limits: all).isEmpty)
        #expect(
            try await fixture.store.finish(restrict, .done([.held(ledger)], follow: []), note: nil) == .finishedWithDue)
        #expect(try await fixture.store.hold(ledger)?.state == .lifting)
        let lift = try #require(try await fixture.store.leaseDue(limits: all).first)
        #expect(lift.kind == .lift)
        #expect(try await fixture.store.finish(lift, .done([.lifted(ledger)], follow: []), note: nil) == .finished)
        #expect(try await fixture.store.hold(ledger)?.state == .closed)
        #expect(try await fixture.text("SELECT release_reason FROM user_restrictions") == "verified")
    }

    @Test(arguments: Engine.allCases) @IO
    func `a restrict that has not started goes with the release`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11, startsAtOnce: false))
        let released = try await fixture.release(5)
        #expect(released.effects.map(\.kind) == [.lift])
        #expect(try await fixture.text("SELECT count(*) FROM effects WHERE kind = 'restrict'") == "0")
        #expect(try await fixture.release(9).released == 0)
    }

    @Test(arguments: Engine.allCases) @IO
    func `a restrict that fails while its row is lifted is given up`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        let restrict = try #require(recorded.effects.first { $0.kind == .restrict })
        _ = try await fixture.release(5)
        let again = EffectResult.again(afterMilliseconds: 4000, counts: true, unsent: false)
        #expect(try await fixture.store.finish(restrict, again, note: nil) == .finishedWithDue)
        #expect(try await fixture.store.leaseDue(limits: all).map(\.kind) == [.lift])
    }

    @Test @IO
    func `after a restart on SQLite unfinished effects are taken over at once`() async throws {
        let fixture = try await StoreFixture(.sqlite)
        _ = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 11))
        try await fixture.other.voidLeases()
        let taken = try await fixture.other.leaseDue(limits: all)
        #expect(taken.count == 3 && taken.allSatisfy(\.isTakenOver))
        #expect(taken.first { $0.kind == .prompt }?.sends == 2)
    }

    @Test @IO
    func `two replicas that record and lease at once share the work`() async throws {
        let fixture = try await StoreFixture(.postgreSQL)
        let records = (1...20).map {
            fixture.holdRecord(update: $0 % 10, user: $0 % 10, message: $0 % 10, startsAtOnce: false)
        }
        let running = records.enumerated().map { index, record in
            Task { @IO in try await (index % 2 == 0 ? fixture.store : fixture.other).record(record) }
        }
        var outcomes: [RecordOutcome] = []
        for task in running { outcomes.append(try await task.value) }
        #expect(outcomes.count { $0 == .repeated } == 10)
        async let mine = fixture.store.leaseDue(limits: all)
        async let others = fixture.other.leaseDue(limits: all)
        var ids = try await (mine + others).map(\.id)
        ids += try await fixture.store.leaseDue(limits: [1: 100, 3: 100]).map(\.id)
        #expect(ids.count == 21 && Set(ids).count == 21)
    }

    @Test(arguments: Engine.allCases) @IO
    func `only the first who is held in a group is the only one to be told`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let first = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        let second = try await fixture.recorded(fixture.holdRecord(update: 2, user: 6, message: 2))
        let again = try await fixture.recorded(fixture.holdRecord(update: 3, user: 5, message: 3))
        #expect(first.isOnlyUntold && !second.isOnlyUntold && !again.isOnlyUntold)
    }
}
