// Holding a person for a message: what is recorded, what is done, what a second message changes, what undoes it.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Enforcing", .serialized) struct EnforceTests {
    private static let ledger = "SELECT state, release_reason FROM user_restrictions ORDER BY id"

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a hold is recorded whole before anything is done`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        let handler = MessageHandler(services: scene.services)
        var messages: [TelegramBotAPI.Message] = []
        for text in ["one", "two"] {
            try scene.simulator.personWrites(person, in: scene.group, text)
        }
        let waiting = scene.simulator.delivery.queues.list(limit: 9, now: WallClock.now.seconds)
        for entry in waiting {
            if case .message(let message) = try Update(parsing: entry.body).kind { messages.append(message) }
        }
        scene.simulator.delivery.queues.clear()
        let (first, second) = (messages[0], messages[1])

        let handled = try await handler.judge(first, occasion: .message, update: UpdateID(1))
        guard case .recorded(let effects, _) = handled.handled else { return #expect(Bool(false)) }
        #expect(!handled.stands)
        #expect(try await scene.ask("SELECT state, source FROM user_restrictions") == "intended message")
        #expect(
            try await scene.ask("SELECT dedup_key FROM effects ORDER BY lane, kind")
                == "delete:\(scene.group):\(first.id.value), restrict:1, prompt:\(scene.group)")
        #expect(try await scene.ask("SELECT outcome, update_id FROM decisions") == "hold 1")
        #expect(try await scene.ask("SELECT update_id, state FROM processed_updates") == "1 recorded")
        #expect(scene.stands(first.id.value), "nothing is done yet")

        // The same update again writes nothing; the second message is deleted and nothing else.
        guard case .repeated = try await handler.handle(first, occasion: .message, update: UpdateID(1)) else {
            return #expect(Bool(false))
        }
        let again = try await handler.handle(second, occasion: .message, update: UpdateID(2))
        guard case .recorded(let more, _) = again else { return #expect(Bool(false)) }
        #expect(more.map(\.kind) == [.delete])
        #expect(try await scene.ask("SELECT count(*) FROM effects") == "4")
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions") == "1")
        #expect(try await scene.ask("SELECT outcome FROM decisions ORDER BY id") == "hold, delete")

        scene.services.workers.perform(effects + more)
        try await scene.settle()
        #expect(!scene.stands(first.id.value) && !scene.stands(second.id.value) && scene.isMuted(person))
        #expect(scene.simulator.member(person, in: scene.group).permissions == [], "every permission is false")
        #expect(scene.simulator.member(person, in: scene.group).untilDate == 0)
        #expect(scene.texts.count == 1)
        let prompt = try #require(scene.simulator.botMessages(in: scene.group).first)
        #expect(
            try await scene.ask(
                "SELECT state, warning_message_id FROM user_restrictions WHERE told_at IS NOT NULL")
                == "held \(prompt.id)")
        // Who is a member of the group was asked before anything was set.
        let path = scene.simulator.calls.filter { $0.userID == person && $0.chatID == scene.group }.map(\.method)
        #expect(path == ["getChatMember", "restrictChatMember"])
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `each part of an album goes, with one hold and one prompt`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        let parts = try scene.simulator.personSendsAlbum(person, in: scene.group, count: 4)
        try await scene.deliver(together: true)
        try await scene.settle()
        #expect(parts.allSatisfy { !scene.stands($0) })
        #expect(scene.calls("restrictChatMember") == 1 && scene.calls("sendMessage") == 1)
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions") == "1")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a restriction of others is stored before ours and restored with its end`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        let until = WallClock.now.seconds + 86_400
        scene.simulator.adminRestricts(person, in: scene.group, to: .sendMessages, until: until)
        scene.simulator.delivery.queues.clear()
        scene.simulator.failNext(.serverError(500), of: "restrictChatMember")
        let message = try await scene.write(person)
        #expect(!scene.isMuted(person), "the first attempt failed")
        #expect(
            try await scene.ask("SELECT count(*) FROM user_restrictions WHERE prior_permissions IS NOT NULL") == "1")
        try await scene.pass(seconds: 2)
        #expect(scene.isMuted(person) && !scene.stands(message))

        try scene.simulator.personJoins(person, scene.news)
        try await scene.deliver()
        try await scene.settle()
        let member = scene.simulator.member(person, in: scene.group)
        #expect(member.status == .restricted && member.permissions == .sendMessages && member.untilDate == until)
        #expect(try await scene.ask(Self.ledger) == "closed event")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a message from before the mute, handled late, frees who has joined meanwhile`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        let first = try scene.simulator.personWrites(person, in: scene.group, "one")
        let late = try scene.simulator.personWrites(person, in: scene.group, "two")
        let bodies = scene.simulator.delivery.queues.list(limit: 9, now: WallClock.now.seconds).map(\.body)
        scene.simulator.delivery.queues.clear()
        #expect(await scene.intake.handle(bodies[0]).status == 200)
        try await scene.settle()
        #expect(!scene.stands(first) && scene.isMuted(person))
        try scene.simulator.personJoins(person, scene.news)
        scene.simulator.delivery.queues.clear()
        try await scene.pass(seconds: 4)
        #expect(await scene.intake.handle(bodies[1]).status == 200)
        try await scene.settle()
        #expect(scene.stands(late) && !scene.isMuted(person) && scene.texts.isEmpty)
        #expect(try await scene.ask(Self.ledger) == "closed verified")
        #expect(try await scene.ask("SELECT outcome FROM decisions ORDER BY id") == "hold, release")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a held person who can write was freed by somebody, unless they are restricted`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let (person, freed) = (scene.stranger("Person"), scene.stranger("Freed"))
        // Dated after the mute: written before it here, so that the simulator lets it through.
        let first = try scene.simulator.personWrites(person, in: scene.group, "one")
        let early = try scene.simulator.world.write(
            person, in: scene.group, "soon", now: WallClock.now.adding(seconds: 2))
        let late = try scene.simulator.world.write(
            person, in: scene.group, "later", now: WallClock.now.adding(seconds: 60))
        scene.simulator.settle()
        let bodies = scene.simulator.delivery.queues.list(limit: 9, now: WallClock.now.seconds).map(\.body)
        scene.simulator.delivery.queues.clear()
        func asked() -> Int {
            scene.simulator.calls.count {
                $0.method == "getChatMember" && $0.chatID == scene.group && $0.userID == person
            }
        }
        for (body, count) in zip(bodies, [1, 1, 2]) {
            #expect(await scene.intake.handle(body).status == 200)
            try await scene.settle()
            #expect(asked() == count)
        }
        #expect([first, early, late].allSatisfy { !scene.stands($0) })
        #expect(scene.isMuted(person) && scene.texts.count == 1, "restricted: only deleted")
        #expect(try await scene.ask(Self.ledger) == "held -")

        try await scene.write(freed)
        try await scene.settle()
        #expect(scene.isMuted(freed))
        scene.simulator.place(freed, in: scene.group)  // an administrator's doing that we were not told of
        try await scene.pass(seconds: 10)
        try await scene.write(freed)
        try await scene.settle()
        #expect(try await scene.ask(Self.ledger) == "held -, closed admin")
        let calls = scene.simulator.callCount()
        #expect(scene.stands(try await scene.write(freed)), "exempt for a day")
        #expect(scene.simulator.callCount() == calls)
        #expect(!scene.isMuted(freed))
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `an edit is judged like a message`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        let message = try scene.simulator.personWrites(person, in: scene.group, "harmless")
        scene.simulator.delivery.queues.clear()
        try scene.simulator.personEdits(message, in: scene.group, to: "buy now")
        try await scene.deliver()
        try await scene.settle()
        #expect(!scene.stands(message) && scene.isMuted(person) && scene.texts.count == 1)
        // Of a subscriber who is not in the cache it costs one check.
        let friend = scene.subscriber("Friend")
        let other = try scene.simulator.personWrites(friend, in: scene.group, "hello")
        scene.simulator.delivery.queues.clear()
        try scene.simulator.personEdits(other, in: scene.group, to: "hello all")
        try await scene.deliver()
        #expect(scene.stands(other))
        #expect(scene.log.last == "news verified decisive")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who is held again for a message that came late is not told again`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        func writeLate(_ seconds: Int64) async throws -> Int64 {
            let message = try scene.simulator.world.write(
                person, in: scene.group, "old", now: WallClock.now.adding(seconds: -seconds))
            scene.simulator.settle()
            try await scene.deliver()
            try await scene.settle()
            return message
        }
        func freeAndLeave() async throws {
            try scene.simulator.personJoins(person, scene.news)
            try await scene.settle()
            #expect(!scene.isMuted(person))
            scene.simulator.place(person, in: scene.news, status: .left)
            try await scene.pass(seconds: 5)
            scene.services.caches.verdicts.forgetAll()
        }
        #expect(!scene.stands(try await writeLate(300)))
        #expect(scene.isMuted(person) && scene.texts.count == 1, "checked and told like anybody")
        try await freeAndLeave()
        #expect(scene.texts.isEmpty)
        #expect(!scene.stands(try await writeLate(200)))
        #expect(scene.isMuted(person) && scene.texts.isEmpty, "they know")
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions WHERE told_at IS NULL") == "0")
        try await freeAndLeave()
        let message = try await scene.write(person)
        try await scene.settle()
        #expect(!scene.stands(message) && scene.texts.count == 1, "a message of now is another matter")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `without the right to mute the message goes and its author is told`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        scene.simulator.world.place(
            scene.simulator.world.botID, in: scene.group,
            as: Member(status: .administrator, rights: [.manageChat, .deleteMessages]))
        let person = scene.stranger("Person")
        let message = try await scene.write(person)
        try await scene.settle()
        #expect(!scene.stands(message) && !scene.isMuted(person))
        #expect(try await scene.ask(Self.ledger) == "closed refused")
        // The prompt is sent beside the attempt to mute: it is taken back, and a note of its own tells the author.
        try await scene.pass(seconds: 3)
        func told() -> [Bool] {
            scene.texts.filter { $0.contains("Person") }.map { $0.hasPrefix("Person, your message was removed") }
        }
        #expect(told() == [true])
        #expect(scene.texts.count { $0.hasPrefix("Anna: I can no longer protect") } == 1)
        let second = try await scene.write(person)
        try await scene.pass(seconds: 3)
        #expect(!scene.stands(second))
        #expect(told() == [true], "once in 60 s")
        #expect(scene.texts.allSatisfy { !$0.contains("muted") })
        #expect(try await scene.ask("SELECT count(*) FROM effects WHERE kind IN ('prompt', 'send')") == "0")

        // Without a budget the prompt waits, and the note is what they get.
        while case .granted = scene.services.budget.take(ChatID(scene.group), at: Loop.shared.now) {}
        let other = scene.stranger("Other")
        try await scene.write(other)
        try await scene.pass(seconds: 7)
        #expect(scene.texts.contains { $0.hasPrefix("Other, your message was removed: only subscribers") })
        #expect(!scene.texts.contains { $0.hasPrefix("Hello Other") })
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL") == "0")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who turns out to be an administrator is not held`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        try await scene.write(scene.subscriber())
        let admin = scene.stranger("Admin")
        try await scene.write(admin)  // the list is known now, without them
        try await scene.settle()
        let second = scene.stranger("Second")
        scene.simulator.place(second, in: scene.group, status: .administrator, rights: .deleteMessages)
        let lists = scene.calls("getChatAdministrators")
        try await scene.write(second)
        try await scene.settle()
        #expect(!scene.isMuted(second))
        #expect(try await scene.ask(Self.ledger) == "held -, closed admin")
        #expect(scene.stands(try await scene.write(second)))
        #expect(scene.calls("getChatAdministrators") == lists + 1, "the old list was dropped")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `in observe mode it is only written down what would have been done`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.params.mode = .observe
        let scene = try await Scene(engine, setup)
        let person = scene.stranger()
        #expect(scene.stands(try await scene.write(person)))
        #expect(scene.stands(try await scene.write(scene.subscriber())))
        try await scene.settle()
        #expect(try await scene.ask("SELECT count(*) FROM effects") == "0" && !scene.isMuted(person))
        let outcomes = scene.world.log.rows.compactMap { row -> String? in
            if case .decision(let row) = row { row.outcome } else { nil }
        }
        #expect(outcomes == ["hold"])
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `commands of administrators go before the rules, others' stand or fall with their message`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let (person, friend) = (scene.stranger("Person"), scene.subscriber("Friend"))
        let helper = scene.simulator.addPerson("Helper")
        scene.simulator.place(helper, in: scene.group, status: .administrator, rights: [.anonymous, .restrictMembers])
        func say(_ text: String, by person: Int64) async throws -> (stands: Bool, answers: Int) {
            let known = scene.texts.count
            let message = try await scene.write(person, text)
            try await scene.settle()
            return (scene.stands(message), scene.texts.count - known)
        }
        #expect(try await say("/status", by: scene.world.owner) == (true, 1), "though in no channel of the group")
        #expect(try await say("/status", by: helper) == (true, 1), "in the group's name")
        #expect(scene.log.isEmpty, "before the rules")
        #expect(try await say("/id", by: friend) == (true, 1))
        #expect(try await say("/id@another_bot", by: friend) == (true, 0))
        #expect(scene.log.last == "news verified decisive cached", "a message like any other")
        #expect(try await say("/id", by: person) == (false, 1), "the prompt, and no answer")
        #expect(scene.isMuted(person))
        let other = scene.stranger("Other")
        #expect(try await say("/verify", by: other) == (false, 2), "the prompt and the answer")
        try await scene.end()
    }
}
