// The life of a prompt: edited as people are freed, gone with the last, turned into the group's standing notice.

import Domain
import EventLoop
import Storage
import TelegramBotAPI
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Prompts and notices", .serialized)
struct NoticeTests {
    /// One prompt that addresses both.
    @IO
    private func prompted(_ outbox: OutboxWorld, _ people: [Int64]) async throws -> (id: Int64, text: String) {
        for person in people {
            try await outbox.recordHold(person, message: 9000)
        }
        // The look at a notice an hour later stays where it is.
        try await outbox.makeDue(kinds: "kind IN ('delete', 'restrict', 'prompt')")
        outbox.first.services.workers.wake()
        try await outbox.until("all are held and told") {
            try await outbox.text(
                "SELECT count(*) FROM user_restrictions WHERE state = 'held' AND told_at IS NOT NULL")
                == outbox.text("SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL")
        }
        let last = outbox.simulator.botMessages(in: outbox.world.group).last
        return (last?.id ?? 0, last?.text ?? "")
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a prompt names who is left, and goes with the last`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        let prompt = try await prompted(outbox, [ben, carl])
        #expect(prompt.text.contains("Ben") && prompt.text.contains("Carl"))
        #expect(outbox.calls("sendMessage") == 1)
        try await outbox.release(ben)
        try await outbox.until("Ben is not named any more") {
            let text = outbox.simulator.botMessages(in: outbox.world.group).map(\.text).joined()
            return !text.contains("Ben") && text.contains("Carl")
        }
        #expect(!outbox.isMuted(ben) && outbox.isMuted(carl))
        try await outbox.release(carl)
        try await outbox.until("gone") { outbox.simulator.botMessages(in: outbox.world.group).isEmpty }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `an expired prompt becomes the standing notice, which later ones join and the last one takes away`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        let first = try await prompted(outbox, [ben])
        try await outbox.makeDue(kinds: "kind = 'expire'")
        outbox.first.services.workers.wake()
        try await outbox.until("it is the notice") {
            try await outbox.text("SELECT notice_message_id FROM protected_groups") == "\(first.id)"
        }
        let notice = try #require(outbox.simulator.botMessages(in: outbox.world.group).first)
        #expect(notice.id == first.id && notice.text != first.text)

        // The next prompt goes when its time is up; the notice speaks for its people too.
        let second = try await prompted(outbox, [carl])
        #expect(second.id != first.id)
        try await outbox.makeDue(kinds: "kind = 'expire'")
        outbox.first.services.workers.wake()
        try await outbox.until("the second is gone") {
            outbox.simulator.botMessages(in: outbox.world.group).map(\.id) == [first.id]
        }
        try await outbox.until("both belong to the notice") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE warning_message_id = \(first.id)")
                == "2"
        }
        try await outbox.until("the notice counts both") {
            outbox.simulator.botMessages(in: outbox.world.group).first?.text.contains("2") == true
        }
        try await outbox.release(ben)
        try await outbox.release(carl)
        try await outbox.until("nobody waits, no notice") {
            let id = try await outbox.text("SELECT notice_message_id FROM protected_groups")
            return id == "-" && outbox.simulator.botMessages(in: outbox.world.group).isEmpty
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a notice far up and an hour old is replaced by the newest prompt`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        let first = try await prompted(outbox, [ben])
        try await outbox.makeDue(kinds: "kind = 'expire'")
        outbox.first.services.workers.wake()
        try await outbox.until("it is the notice") {
            try await outbox.text("SELECT notice_message_id FROM protected_groups") == "\(first.id)"
        }
        for _ in 1...51 {
            _ = try outbox.simulator.world.write(
                outbox.world.owner, in: outbox.world.group, "news", now: WallClock.now)
        }
        outbox.simulator.settle()
        await outbox.deliver()
        let long = engine == .sqlite ? "'2020-01-01T00:00:00.000Z'" : "clock_timestamp() - interval '2 hours'"
        try await outbox.execute("UPDATE protected_groups SET notice_sent_at = \(long)")
        let second = try await prompted(outbox, [carl])
        try await outbox.makeDue(kinds: "kind = 'expire'")
        outbox.first.services.workers.wake()
        try await outbox.until("the second is the notice") {
            let id = try await outbox.text("SELECT notice_message_id FROM protected_groups")
            return id == "\(second.id)"
                && outbox.simulator.botMessages(in: outbox.world.group).map(\.id) == [second.id]
        }
        #expect(
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE warning_message_id = \(second.id)")
                == "2")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a prompt whose people are free by the end of its time goes`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        _ = try await prompted(outbox, [ben])
        // An administrator has closed the row meanwhile; nobody edited the prompt.
        try await outbox.execute("UPDATE user_restrictions SET state = 'closed', lifted_at = held_at")
        try await outbox.makeDue(kinds: "kind = 'expire'")
        outbox.first.services.workers.wake()
        try await outbox.until("gone") { outbox.simulator.botMessages(in: outbox.world.group).isEmpty }
        #expect(try await outbox.text("SELECT notice_message_id FROM protected_groups") == "-")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `one message tells everybody, however many there are`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        for number in 1...130 {
            try await outbox.world.hold(outbox.person("P\(number)"), for: [outbox.world.news])
        }
        var record = Record(update: nil)
        record.effects = [.prompt(in: outbox.group)]
        _ = try await outbox.first.store.record(record)
        outbox.first.services.workers.start()
        try await outbox.until("all are told") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
        }
        #expect(outbox.calls("sendMessage") == 1)
        #expect(outbox.simulator.botMessages(in: outbox.world.group).first?.text.contains("120") == true)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `what the budget of messages forbids is put off, and told together then`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        outbox.first.services.budget = MessageBudget(
            global: .unlimited, group: .perMinute(1), privateChat: .unlimited)
        _ = try await prompted(outbox, [outbox.person("Ben")])
        for number in 1...3 { try await outbox.write(outbox.person("P\(number)")) }
        try await outbox.until("all are muted") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE state = 'held'") == "4"
        }
        try await outbox.until("the prompt waits") {
            try await outbox.text(
                "SELECT count(*) FROM effects WHERE kind = 'prompt' AND lease_owner IS NULL AND attempts = 0") == "1"
        }
        #expect(outbox.calls("sendMessage") == 1)
        #expect(try await outbox.text("SELECT sends FROM effects WHERE kind = 'prompt'") == "0")
        Loop.shared.advance(milliseconds: 61_000)
        try await outbox.makeDue(kinds: "kind = 'prompt'")
        outbox.first.services.workers.wake()
        try await outbox.until("told with one message") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
        }
        #expect(outbox.calls("sendMessage") == 2)
        await outbox.end()
    }
}
