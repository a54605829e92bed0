// Checks that fail: the message stands or goes by the group's setting, nobody is muted, and it is said with measure.

import Domain
import EventLoop
import Handlers
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@Suite("Failed checks", .serialized) struct FailedCheckTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `fail open lets the message stand, with one row and one decision`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        scene.simulator.failNext(.odd, of: "getChatMember", count: 2)
        #expect(scene.stands(try await scene.write(person)))
        #expect(scene.log == ["news error TelegramError decisive"])
        #expect(scene.stands(try await scene.write(person)), "an error is never cached: asked again")
        #expect(scene.calls("getChatMember") == 2)
        try await scene.settle()
        #expect(!scene.isMuted(person) && scene.texts.isEmpty)
        #expect(try await scene.ask("SELECT count(*) FROM effects") == "0")
        #expect(try await scene.ask("SELECT count(*) FROM processed_updates") == "0", "nothing is recorded")
        let message = try await scene.write(person)
        try await scene.settle()
        #expect(!scene.stands(message) && scene.isMuted(person), "recovery needs nothing")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a list of administrators that cannot be read is a failed check`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        scene.simulator.failNext(.odd, of: "getChatAdministrators")
        #expect(scene.stands(try await scene.write(person)))
        try await scene.settle()
        #expect(!scene.isMuted(person))
        #expect(scene.log == ["news error TelegramError decisive"], "nobody was restricted")

        var params = GroupParams()
        params.failMode = .closed
        try await scene.set(params)
        scene.simulator.failNext(.odd, of: "getChatAdministrators")
        let message = try await scene.write(person)
        try await scene.settle()
        #expect(!scene.stands(message) && !scene.isMuted(person))

        // A cached list is used though it is old, while it is read again.
        let admin = scene.stranger("Admin")
        scene.simulator.place(admin, in: scene.group, status: .administrator, rights: .deleteMessages)
        #expect(scene.stands(try await scene.write(admin)))
        try await scene.pass(seconds: 1800)
        scene.simulator.failNext(.odd, of: "getChatAdministrators")
        let before = scene.calls("getChatAdministrators")
        #expect(scene.stands(try await scene.write(admin)))
        try await scene.until("it is read again") { scene.calls("getChatAdministrators") > before }
        #expect(scene.calls("getChatAdministrators") == before + 1)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `fail closed deletes, mutes nobody and tells each once in ten minutes`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.params.failMode = .closed
        let scene = try await Scene(engine, setup)
        let (first, second) = (scene.stranger("First"), scene.stranger("Second"))
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        func fail(_ person: Int64) async throws {
            let message = try await scene.write(person)
            try await scene.settle()
            #expect(!scene.stands(message))
        }
        try await fail(first)
        let text = """
            First, your subscription cannot be checked right now, so the message was removed. Please write again in a \
            few minutes.
            """
        #expect(scene.texts == [text])
        try await fail(first)
        #expect(scene.texts.count == 1, "told once")
        try await fail(second)
        #expect(scene.texts.count == 2)
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions") == "0")
        #expect(scene.calls("restrictChatMember") == 0)
        try await scene.pass(seconds: 61)
        #expect(scene.texts.isEmpty, "gone after 60 s")

        // Checks work for a moment: the outage is over, the person is still known to be told.
        scene.clearFaults()
        #expect(scene.stands(try await scene.write(scene.subscriber())))
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        try await scene.pass(seconds: 100)
        try await fail(first)
        #expect(scene.texts.isEmpty)
        scene.clearFaults()
        #expect(scene.stands(try await scene.write(scene.subscriber())))
        try await scene.pass(seconds: 500)
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        try await fail(first)
        #expect(scene.texts.count == 1, "ten minutes later they are told again")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `those who wait to be told share one note`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.params.failMode = .closed
        let scene = try await Scene(engine, setup)
        while case .granted = scene.services.budget.take(ChatID(scene.group), at: Loop.shared.now) {}
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        for number in 1...12 {
            let message = try await scene.write(scene.stranger("Person \(number)"))
            try await scene.settle()
            #expect(!scene.stands(message))
        }
        #expect(scene.texts.isEmpty, "the group's budget is used up")
        try await scene.pass(seconds: 7)
        #expect(scene.texts.count == 1)
        #expect(scene.texts.first?.hasPrefix("Person 1, Person 2, ") == true)
        #expect(scene.texts.first?.contains("Person 10 and 2 more, your subscription") == true)
        try await scene.pass(seconds: 10)
        #expect(scene.texts.count == 1, "nobody is told twice")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `after two minutes of outage the group gets one notice`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.params.failMode = .closed
        let scene = try await Scene(engine, setup)
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        for number in 1...3 {
            try await scene.write(scene.stranger("Person \(number)"))
            try await scene.pass(seconds: 50)
        }
        // Who is not checked shows nothing: the outage goes on.
        scene.services.caches.groups.forget(ChatID(scene.group))
        #expect(scene.stands(try await scene.write(scene.world.owner)))
        for number in 4...6 {
            let message = try await scene.write(scene.stranger("Person \(number)"))
            try await scene.settle()
            #expect(!scene.stands(message))
        }
        let notice = """
            Subscriptions cannot be checked right now. Until they can, messages are removed. Nobody is muted; please \
            try again later.
            """
        try await scene.pass(seconds: 61)
        #expect(scene.texts == [notice], "one for all, and nobody by name")
        try await scene.pass(seconds: 400)
        #expect(scene.texts.count == 1)
        try await scene.pass(seconds: 200)
        #expect(scene.texts.isEmpty)

        // A check that is answered ends the outage: the next failure is one person's again.
        scene.clearFaults()
        #expect(scene.stands(try await scene.write(scene.subscriber())))
        scene.simulator.failNext(.odd, of: "getChatMember", count: 1000)
        try await scene.write(scene.stranger("Later"))
        try await scene.settle()
        #expect(scene.texts.count == 1 && scene.texts.first?.hasPrefix("Later, ") == true)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a channel that cannot be seen is not required until it can`(engine: Engine) async throws {
        let refusals = [
            Fault.chatUnknown, .refused(403, "Forbidden: bot was kicked from the channel chat"),
            .refused(400, "Bad Request: member list is inaccessible"),
        ]
        for refusal in refusals {
            var setup = SceneSetup()
            setup.requiresMarket = true
            setup.params.failMode = .closed
            let scene = try await Scene(engine, setup)
            let person = scene.stranger()
            scene.simulator.place(person, in: scene.market)
            scene.note(.member, of: person, in: scene.market)
            scene.simulator.failNext(refusal, of: "getChatMember")
            #expect(scene.stands(try await scene.write(person)), "allowed, whatever the setting")
            #expect(scene.log.first?.hasPrefix("news error ") == true)
            let health = "SELECT health FROM group_channel_links ORDER BY id"
            try await scene.until("the link is marked") { try await scene.ask(health) == "broken, ok" }
            // The word to the owner is recorded after the mark.
            try await scene.until("the owner is told") {
                try await scene.settle()
                return !scene.texts.isEmpty
            }
            #expect(scene.texts.count == 1 && scene.texts.first?.contains("News") == true, "the owner is told")

            // The sound link is required still, the broken one is not asked about.
            let asked = scene.calls("getChatMember")
            #expect(scene.stands(try await scene.write(person)))
            #expect(scene.calls("getChatMember") == asked)
            let stranger = scene.stranger("Other")
            let message = try await scene.write(stranger)
            try await scene.settle()
            #expect(!scene.stands(message) && scene.isMuted(stranger))
            #expect(
                try await scene.ask("SELECT channel_ids FROM user_restrictions") == "[\(scene.market)]")
            try await scene.end()
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a pause that Telegram asks for does not open the gate`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        scene.simulator.failNext(.tooManyRequests(retryAfter: 30), of: "getChatMember")
        let message = try await scene.write(person)
        try await scene.settle()
        #expect(scene.stands(message), "for now")
        #expect(try await scene.ask("SELECT kind FROM effects") == "recheck")
        try await scene.pass(seconds: 31)
        try await scene.pass(seconds: 1)
        #expect(!scene.stands(message) && scene.isMuted(person))

        // Neither does one of the group's own calls.
        let other = scene.stranger("Other")
        scene.services.caches.admins.forgetAll()
        scene.simulator.failNext(.tooManyRequests(retryAfter: 30), of: "getChatAdministrators")
        let second = try await scene.write(other)
        #expect(scene.stands(second))
        #expect(try await scene.ask("SELECT count(*) FROM effects WHERE kind = 'recheck'") == "1")
        try await scene.pass(seconds: 31)
        try await scene.pass(seconds: 1)
        #expect(!scene.stands(second) && scene.isMuted(other))
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `with the database away known people write, and an update with an effect comes again`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let (known, cold, stranger) = (scene.subscriber("Known"), scene.subscriber("Cold"), scene.stranger())
        try await scene.write(known)
        try await scene.settle()
        scene.database.isAway = true
        Loop.shared.advance(milliseconds: 120_000)
        func answer(_ person: Int64) async throws -> [Int] {
            try scene.simulator.personWrites(person, in: scene.group, "hello")
            return try await scene.deliver()
        }
        #expect(try await answer(known) == [200], "the configuration is served stale")
        #expect(try await answer(cold) == [200], "Telegram says that they are subscribed")
        let message = try scene.simulator.personWrites(stranger, in: scene.group, "hello")
        let body = try #require(scene.simulator.delivery.queues.list(limit: 1, now: WallClock.now.seconds).first?.body)
        #expect(try await scene.deliver() == [503])
        #expect(scene.stands(message) && !scene.isMuted(stranger), "nobody is held without a row")
        scene.database.isAway = false
        #expect(await scene.intake.handle(body).status == 200)
        try await scene.settle()
        #expect(!scene.stands(message) && scene.isMuted(stranger))
        try await scene.end()
    }
}
