// What Telegram forbids for a while or for good: pauses of a chat, a refused token, chats that are gone or moved.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Outbox: pauses and refusals", .serialized)
struct OutboxPauseTests {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a 429 pauses the chat, in one statement and for every replica, and one call goes first after it`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        for number in 1...3 { try await outbox.recordHold(outbox.person("P\(number)"), message: Int64(number)) }
        outbox.simulator.failNext(.tooManyRequests(retryAfter: 30), of: nil, count: 1)
        let restrictions = outbox.calls("restrictChatMember")
        outbox.first.services.workers.start()
        try await outbox.until("everything waits") {
            try await outbox.text("SELECT count(*) FROM effects WHERE lease_owner IS NULL AND due_at > \(outbox.now)")
                == "7"
        }
        #expect(try await outbox.store.nextDueMilliseconds() ?? 0 > 25_000)
        #expect(try await outbox.text("SELECT sum(attempts), sum(sends) FROM effects") == "0 0")
        #expect(outbox.first.services.workers.isPaused(outbox.group))
        // Who was told nothing learns of the pause from the rows.
        let calls = outbox.simulator.callCount()
        let second = outbox.replica("second")
        second.services.workers.start()
        try await outbox.until("the second has looked") { second.database.runs[.lease, default: 0] >= 2 }
        #expect(outbox.simulator.callCount() == calls)
        #expect(outbox.calls("restrictChatMember") == restrictions)
        await second.services.workers.drain(graceMilliseconds: 1000)

        Loop.shared.advance(milliseconds: 31_000)
        let before = outbox.simulator.callCount()
        outbox.simulator.failNext(.slow(milliseconds: 5000), of: nil)
        try await outbox.makeDue()
        outbox.first.services.workers.wake()
        try await outbox.until("the probe is on its way") { outbox.simulator.callCount() == before + 1 }
        await Loop.shared.sleep(milliseconds: 100)
        #expect(outbox.simulator.callCount() == before + 1)
        Loop.shared.advance(milliseconds: 5000)
        try await outbox.settle()
        try await outbox.until("all are held") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE state = 'held'") == "3"
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a pause that meets deletions together does not end their chat`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        var messages: [Int64] = []
        for _ in 1...6 { messages.append(try outbox.simulator.personWrites(ben, in: outbox.world.group, "spam")) }
        _ = outbox.waitingUpdates()
        try await outbox.recordDeletions(messages)
        outbox.simulator.failNext(.tooManyRequests(retryAfter: 5), of: "deleteMessages")
        outbox.first.services.workers.start()
        try await outbox.until("all wait") {
            try await outbox.text("SELECT count(*) FROM effects WHERE lease_owner IS NULL AND attempts = 0") == "6"
                && outbox.calls("deleteMessages") == 1
        }
        Loop.shared.advance(milliseconds: 5100)
        try await outbox.settle(rounds: 3)
        try await outbox.until("all are gone") {
            !messages.contains { outbox.simulator.stands($0, in: outbox.world.group) }
        }
        #expect(try await outbox.waiting() == "")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a 429 on a membership check lets the message stand and looks again`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.tooManyRequests(retryAfter: 20), of: "getChatMember")
        let message = try await outbox.write(ben)
        #expect(outbox.simulator.stands(message, in: outbox.world.group))
        #expect(try await outbox.waiting() == "recheck")
        let payload = try await outbox.text("SELECT payload FROM effects").filter { $0 != " " }
        #expect(payload.contains(#""messages":[\#(message)]"#))
        #expect(try await outbox.store.nextDueMilliseconds() ?? 0 > 15_000)
        Loop.shared.advance(milliseconds: 21_000)
        try await outbox.makeDue()
        outbox.first.services.workers.start()
        try await outbox.until("held after all") {
            !outbox.simulator.stands(message, in: outbox.world.group) && outbox.isMuted(ben)
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a recheck that meets an outage is not lost`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        var record = Record(update: nil)
        record.effects = [.recheck(UserID(ben), in: outbox.group, source: .leave)]
        _ = try await outbox.first.store.record(record)
        // The person's state in the group is told, the one in the channel is not.
        outbox.simulator.failNext(.slow(milliseconds: 1), of: "getChatMember")
        outbox.simulator.failNext(.serverError(500), of: "getChatMember", count: 3)
        outbox.first.services.workers.start()
        try await outbox.until("it waits") {
            try await outbox.text("SELECT attempts FROM effects WHERE lease_owner IS NULL") == "1"
        }
        #expect(!outbox.isMuted(ben))
        try await outbox.makeDue()
        outbox.first.services.workers.wake()
        try await outbox.until("held after all") { outbox.isMuted(ben) }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `while Telegram is away nobody is muted, questions stop for five seconds, and one goes first`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        var away = FaultRates()
        away.cut = 1
        outbox.simulator.setFaultRates(away)
        let people = (1...9).map { outbox.person("P\($0)") }
        let bodies = try people.prefix(5).map { person in
            try outbox.simulator.personWrites(person, in: outbox.world.group, "hello")
            return outbox.waitingUpdates()[0]
        }
        let deliveries = bodies.map { body in Task { @IO in await outbox.first.intake.handle(body) } }
        for delivery in deliveries { #expect(await delivery.value == .ok) }
        let asked = outbox.calls("getChatMember")
        #expect(asked >= 5)
        try await outbox.write(people[5])
        #expect(outbox.calls("getChatMember") == asked)
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == "0")
        #expect(!people.contains { outbox.isMuted($0) })

        outbox.simulator.setFaultRates(FaultRates())
        Loop.shared.advance(milliseconds: 5100)
        outbox.simulator.failNext(.slow(milliseconds: 300), of: "getChatMember")
        let messages = try people[6...7].map { try outbox.simulator.personWrites($0, in: outbox.world.group, "hello") }
        let both = outbox.waitingUpdates().map { body in Task { @IO in await outbox.first.intake.handle(body) } }
        for delivery in both { #expect(await delivery.value == .ok) }
        // The probe's message was decided, the other's stands.
        try await outbox.until("one is held") {
            messages.count { !outbox.simulator.stands($0, in: outbox.world.group) } == 1
        }
        try await outbox.write(people[8])
        try await outbox.until("as before") { outbox.isMuted(people[8]) }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a prompt whose topic is gone is said in the open`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        var record = Record(update: nil)
        record.hold = HoldWish(
            group: outbox.group, user: UserID(ben), channels: [ChatID(outbox.world.news)], source: .message)
        record.effects = [.prompt(in: outbox.group, thread: 77)]
        _ = try await outbox.first.store.record(record)
        outbox.simulator.failNext(.refused(400, "Bad Request: message thread not found"), of: "sendMessage")
        outbox.first.services.workers.start()
        try await outbox.until("told") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0"
        }
        #expect(outbox.calls("sendMessage") == 2)
        #expect(outbox.simulator.botMessages(in: outbox.world.group).first?.threadID == nil)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a refused token stops all calls for a minute, then getMe goes first`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.refused(401, "Unauthorized"), of: "deleteMessage")
        try await outbox.write(ben)
        try await outbox.until("the deletion waits") {
            try await outbox.text(
                "SELECT count(*) FROM effects WHERE kind = 'delete' AND lease_owner IS NULL AND attempts = 0") == "1"
        }
        let calls = outbox.simulator.callCount()
        try await outbox.makeDue()
        outbox.first.services.workers.wake()
        Loop.shared.advance(milliseconds: 30_000)
        outbox.first.services.workers.wake()
        await Loop.shared.sleep(milliseconds: 30)
        #expect(outbox.simulator.callCount() == calls && outbox.calls("getMe") == 0)
        Loop.shared.advance(milliseconds: 31_000)
        outbox.first.services.workers.wake()
        try await outbox.settle(rounds: 2)
        #expect(outbox.calls("getMe") == 1)
        try await outbox.until("held and told") {
            try await outbox.text(
                "SELECT count(*) FROM user_restrictions WHERE state = 'held' AND told_at IS NOT NULL") == "1"
        }
        #expect(try await outbox.text("SELECT count(*) FROM effects WHERE kind = 'delete'") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `thrown out of a group: its effects go, its holds are orphaned, other chats keep theirs`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        try await outbox.recordHold(outbox.person("Ben"))
        let other = ChatID(outbox.simulator.addGroup("Other", owner: outbox.world.owner))
        try await outbox.recordDeletions([5], in: other, delayMilliseconds: 60_000)
        outbox.simulator.setBotPresence(in: outbox.world.group, .kicked)
        _ = outbox.waitingUpdates()
        outbox.first.services.workers.start()
        try await outbox.until("the effects are gone") {
            try await outbox.text("SELECT count(*) FROM effects WHERE chat_id = \(outbox.group)") == "0"
        }
        #expect(try await outbox.text("SELECT state, (lifted_at IS NULL) FROM user_restrictions") == "orphaned 1")
        #expect(
            try await outbox.text("SELECT enabled FROM protected_groups") == "0")
        // A mute whose row was dropped under it is looked at again, which finds the same.
        try await outbox.until("only the other chat's is left") { try await outbox.waiting() == "delete" }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a person's chat that is lost orphans nothing`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.recordHold(ben)
        try await outbox.recordDeletions([5], in: ChatID(privateWith: UserID(ben)))
        try await outbox.execute("UPDATE effects SET due_at = \(outbox.later) WHERE chat_id = \(outbox.group)")
        outbox.simulator.failNext(.refused(403, "Forbidden: bot was kicked from the chat"), of: "deleteMessage")
        outbox.first.services.workers.start()
        try await outbox.until("the deletion is given up") {
            try await outbox.text("SELECT count(*) FROM effects WHERE chat_id = \(ben)") == "0"
        }
        #expect(try await outbox.text("SELECT state FROM user_restrictions") == "intended")
        #expect(try await outbox.text("SELECT count(*) FROM effects") == "3")
        await outbox.end()
    }

    /// The rows move while a mute is being prepared: it must not be taken for one of a group that was given up.
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a mute in a group whose row is not there is made all the same`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.recordHold(ben)
        try await outbox.execute("DELETE FROM protected_groups WHERE group_id = \(outbox.group)")
        outbox.first.services.workers.start()
        try await outbox.until("the mute is made") {
            try await outbox.text("SELECT state FROM user_restrictions") == "held"
        }
        #expect(outbox.isMuted(ben))
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a group that has moved takes its holds along, and is tried once more at once`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let simulator = outbox.simulator
        let basic = simulator.addGroup("Basic", kind: .group, owner: outbox.world.owner)
        let ben = simulator.addPerson("Ben")
        simulator.place(ben, in: basic)
        try await outbox.store.protect(
            Protection(
                group: ChatID(basic), title: "Basic", owner: UserID(outbox.world.owner), ownerUsername: nil,
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(outbox.world.news), title: "News", username: "the_news")]))
        try await outbox.recordHold(ben, message: 77, in: ChatID(basic))
        let new = try simulator.migrate(basic)
        _ = outbox.waitingUpdates()
        outbox.first.services.workers.start()
        try await outbox.until("held in the new group") {
            try await outbox.text("SELECT group_id, state FROM user_restrictions WHERE told_at IS NOT NULL")
                == "\(new) held"
        }
        #expect(!simulator.permissions(of: ben, in: new).contains(.sendMessages))
        try await outbox.until("nothing of the old group is left") {
            try await outbox.text("SELECT kind, chat_id FROM effects") == "expire \(new)"
        }
        #expect(try await outbox.text("SELECT count(*) FROM protected_groups WHERE group_id = \(basic)") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a mute that Telegram forbids ends the hold and is told, once in a while`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let simulator = outbox.simulator
        try simulator.personStarts(outbox.world.owner)
        try await outbox.store.setCanMessage(true, user: UserID(outbox.world.owner), username: nil, language: "en")
        simulator.setBotRights(in: outbox.world.group, [.manageChat, .deleteMessages])
        _ = outbox.waitingUpdates()
        let ben = outbox.person("Ben")
        for _ in 1...2 {
            let message = try await outbox.write(ben)
            outbox.first.services.workers.wake()
            try await outbox.until("nothing is left to do now") {
                let due = try await outbox.text("SELECT count(*) FROM effects WHERE due_at <= \(outbox.now)")
                let open = try await outbox.text(
                    "SELECT count(*) FROM effects WHERE kind IN ('send', 'notify', 'restrict')")
                return due == "0" && open == "0" && outbox.first.services.workers.activeCount == 0
            }
            #expect(!simulator.stands(message, in: outbox.world.group))
        }
        #expect(
            try await outbox.text("SELECT state, release_reason FROM user_restrictions")
                == "closed refused, closed refused")
        #expect(!outbox.isMuted(ben))
        // Prompts that were faster than the refusal are gone; one note says what happened, without "muted".
        try await outbox.until("only the note stands") {
            simulator.botMessages(in: outbox.world.group).map(\.text).count { $0.contains("was removed") } == 1
                && simulator.botMessages(in: outbox.world.group).count == 1
        }
        #expect(simulator.botMessages(in: outbox.world.group).first?.text.contains("muted") == false)
        #expect(simulator.botMessages(in: outbox.world.owner).count == 1)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the mute of an administrator ends the hold with that reason`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(
            .refused(400, "Bad Request: user is an administrator of the chat"), of: "restrictChatMember")
        try await outbox.write(ben)
        try await outbox.until("closed") {
            try await outbox.text("SELECT state, release_reason FROM user_restrictions") == "closed admin"
        }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a hold whose question about the group is refused does not stay open`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.recordHold(ben)
        outbox.simulator.failNext(
            .refused(400, "Bad Request: member list is inaccessible"), of: "getChatMember")
        outbox.first.services.workers.start()
        try await outbox.until("closed") {
            try await outbox.text("SELECT state, release_reason FROM user_restrictions") == "closed refused"
        }
        await outbox.end()
    }
}
