// Races of the outbox as workers meet them: a second wish during an attempt, a release during a mute, a replica that
// was stopped, messages that went out and nobody knows.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Outbox: races", .serialized)
struct OutboxRaceTests {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `who is held while the prompt of another is being sent is told too`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        outbox.simulator.failNext(.slow(milliseconds: 400), of: "sendMessage")
        let sending = Task { @IO in try await outbox.write(ben) }
        try await outbox.until("the first prompt is on its way") { outbox.calls("sendMessage") == 1 }
        try await outbox.write(carl)
        _ = try await sending.value
        try await outbox.until("both are told") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
        }
        #expect(outbox.calls("sendMessage") == 2)
        #expect(outbox.simulator.botMessages(in: outbox.world.group).last?.text.contains("Carl") == true)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `who is freed while the prompt is on its way is not named in it for long`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.slow(milliseconds: 400), of: "sendMessage")
        let sending = Task { @IO in try await outbox.write(ben) }
        try await outbox.until("the prompt is on its way") { outbox.calls("sendMessage") == 1 && outbox.isMuted(ben) }
        try await outbox.release(ben)
        _ = try await sending.value
        try await outbox.until("the prompt is gone") {
            outbox.simulator.botMessages(in: outbox.world.group).isEmpty && !outbox.isMuted(ben)
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a lift waits for the mute in flight, and comes right after it`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.slow(milliseconds: 500), of: "restrictChatMember")
        let holding = Task { @IO in try await outbox.write(ben) }
        try await outbox.until("the mute is on its way") { outbox.calls("restrictChatMember") == 1 }
        try await outbox.release(ben)
        _ = try await holding.value
        try await outbox.until("the hold is over") {
            try await outbox.text("SELECT state FROM user_restrictions") == "closed"
        }
        #expect(!outbox.isMuted(ben))
        let calls = outbox.simulator.calls.filter { $0.method == "restrictChatMember" }
        #expect(calls.count == 2)
        let apart = (calls.last?.at.microseconds ?? 0) - (calls.first?.at.microseconds ?? 0)
        #expect(apart >= 490_000 && apart < 5_000_000)
        await outbox.end()
    }

    /// The hold ends without a word to anybody.
    @IO
    private func expectReleased(in outbox: OutboxWorld) async throws {
        outbox.first.services.workers.start()
        try await outbox.until("the hold is over") {
            try await outbox.text("SELECT state || ' ' || release_reason FROM user_restrictions")
                == "closed unprotected"
        }
        try await outbox.settle()
        #expect(outbox.calls("restrictChatMember") == 0 && outbox.calls("sendMessage") == 0)
        #expect(try await outbox.waiting() == "")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `who is held just after protection went off is not muted, nor told`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        // Decided before and stored after: the lifts of /unprotect did not find it.
        #expect(try await outbox.first.store.disable(as: .unprotected(outbox.group), audit: nil) == 0)
        try await outbox.recordHold(ben)
        try await expectReleased(in: outbox)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `who is held just after their channel was dropped is not muted, nor told`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.store.protect(
            Protection(
                group: outbox.group, title: "Talk", owner: UserID(outbox.world.owner), ownerUsername: nil,
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(outbox.world.market), title: "Market", username: "the_market")]))
        #expect(
            try await outbox.store.unlink(
                ChatID(outbox.world.news), as: .unprotected(outbox.group), audit: nil) == 1)
        try await outbox.recordHold(ben)
        try await expectReleased(in: outbox)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `whom a replica that died muted after protection went off is freed`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        _ = try await outbox.first.store.disable(as: .unprotected(outbox.group), audit: nil)
        try await outbox.recordHold(ben)
        // The other replica still took the group for protected, muted, and died before it could store that.
        try await outbox.execute(
            "UPDATE effects SET lease_owner = 'dead', lease_until = created_at WHERE kind = 'restrict'")
        let simulator = outbox.simulator
        simulator.world.restrict(
            ben, in: outbox.world.group, to: [], until: 0, by: simulator.world.botID, now: WallClock.now)
        simulator.settle()
        #expect(outbox.isMuted(ben))
        outbox.first.services.workers.start()
        try await outbox.until("the hold is over") {
            try await outbox.text("SELECT state FROM user_restrictions") == "closed" && !outbox.isMuted(ben)
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a mute by a replica that was stopped meanwhile is lifted again`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        var record = Record(update: nil)
        record.hold = HoldWish(
            group: outbox.group, user: UserID(ben), channels: [ChatID(outbox.world.news)], source: .message)
        var wish = EffectWish.restrict(UserID(ben), in: outbox.group)
        wish.startsAtOnce = true
        record.effects = [wish]
        guard case .recorded(let recorded) = try await outbox.first.store.record(record) else { return }

        // The first replica has read that the hold stands, and is stopped there.
        let stopped = Completion<Void, Never>()
        outbox.first.database.failNext(.read, with: "user_restrictions WHERE id", .answerWaits(stopped))
        outbox.first.services.workers.perform(recorded.effects)
        try await outbox.until("it has read") { outbox.first.database.heldAnswers == 1 }
        try await outbox.makeDue(leases: true)
        let second = outbox.replica("second")
        try await outbox.release(ben, by: second)
        second.services.workers.start()
        try await outbox.until("the second has lifted") {
            try await outbox.text("SELECT state FROM user_restrictions") == "closed"
        }
        #expect(!outbox.isMuted(ben))
        outbox.first.services.workers.start()
        stopped.finish(.success(()))
        try await outbox.until("the first has muted and it was found") { outbox.calls("restrictChatMember") == 3 }
        #expect(!outbox.isMuted(ben))
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `our own echo without an open hold is a mute too many and is lifted`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.first.services.workers.start()
        let simulator = outbox.simulator
        simulator.world.restrict(
            ben, in: outbox.world.group, to: [], until: 0, by: simulator.world.botID, now: WallClock.now)
        simulator.settle()
        #expect(outbox.isMuted(ben))
        await outbox.deliver()
        try await outbox.until("it is lifted") { !outbox.isMuted(ben) }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the echo of a mute of ours with an open hold changes nothing`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.write(ben)
        try await outbox.until("held") { outbox.isMuted(ben) }
        await outbox.deliver()
        #expect(outbox.isMuted(ben) && outbox.calls("restrictChatMember") == 1)
        #expect(try await outbox.text("SELECT count(*) FROM effects WHERE kind = 'recheck'") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a message of unknown fate is sent once more and then taken as sent`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.answerLost, of: "sendMessage", count: 5)
        try await outbox.write(ben)
        for _ in 0..<3 {
            try await outbox.makeDue(kinds: "kind = 'prompt'")
            outbox.first.services.workers.wake()
            try await outbox.until("an attempt is over") {
                try await outbox.text("SELECT count(*) FROM effects WHERE due_at <= \(outbox.now)") == "0"
                    && outbox.first.services.workers.activeCount == 0
            }
        }
        try await outbox.until("taken as sent") { try await outbox.waiting() == "" }
        #expect(outbox.calls("sendMessage") == 2)
        #expect(
            try await outbox.text("SELECT (told_at IS NOT NULL), warning_message_id FROM user_restrictions") == "1 -")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `taken over once a prompt is repeated, taken over twice it is taken as sent`(_ engine: Engine) async throws {
        for (earlier, calls) in [(1, 1), (2, 0)] {
            let outbox = try await OutboxWorld(engine)
            var record = Record(update: nil)
            record.hold = HoldWish(
                group: outbox.group, user: UserID(outbox.person()), channels: [ChatID(outbox.world.news)],
                source: .message)
            var prompt = EffectWish.prompt(in: outbox.group)
            prompt.startsAtOnce = true
            record.effects = [prompt]
            _ = try await outbox.first.store.record(record)
            // Its replicas were killed, so often as messages may have gone out.
            try await outbox.execute("UPDATE effects SET sends = \(earlier)")
            try await outbox.makeDue(leases: true)
            let second = outbox.replica("second")
            second.services.workers.start()
            try await outbox.until("told") {
                try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
            }
            #expect(outbox.calls("sendMessage") == calls)
            await outbox.end()
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `attempts that certainly sent nothing do not count as messages`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.serverError(500), of: "sendMessage")
        outbox.simulator.failNext(.tooManyRequests(retryAfter: 1), of: "sendMessage", count: 3)
        try await outbox.write(ben)
        for _ in 0..<4 {
            Loop.shared.advance(milliseconds: 1500)
            try await outbox.makeDue(kinds: "kind = 'prompt'")
            outbox.first.services.workers.wake()
            try await outbox.until("an attempt is over") {
                try await outbox.text("SELECT count(*) FROM effects WHERE due_at <= \(outbox.now)") == "0"
                    && outbox.first.services.workers.activeCount == 0
            }
        }
        try await outbox.until("told") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
        }
        #expect(outbox.calls("sendMessage 200") == 1)
        await outbox.end()
    }
}
