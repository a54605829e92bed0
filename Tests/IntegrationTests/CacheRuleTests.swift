// What is remembered of memberships and for how long: known people cost nothing.

import Domain
import EventLoop
import Handlers
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@Suite("Cached verdicts", .serialized) struct CacheRuleTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a known person's message costs no call and no read`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.requiresMarket = true
        let scene = try await Scene(engine, setup)
        let person = scene.subscriber()
        let first = try await scene.write(person)
        #expect(scene.calls("getChatMember") == 2)
        try await scene.settle()
        let (calls, runs) = (scene.simulator.callCount(), scene.database.runs)
        for number in 1...50 { #expect(scene.stands(try await scene.write(person, "message \(number)"))) }
        try scene.simulator.personEdits(first, in: scene.group, to: "edited")
        try await scene.deliver()
        #expect(scene.simulator.callCount() == calls)
        #expect(scene.database.runs == runs)
        #expect(scene.stands(first))
        #expect(scene.log.suffix(2) == ["news verified decisive cached", "market verified cached"])

        // Another group that is not protected: its configuration is read once, Telegram never asked.
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        scene.simulator.place(person, in: other)
        for _ in 1...5 {
            try scene.simulator.personWrites(person, in: other, "hello")
            try await scene.deliver()
        }
        #expect(scene.simulator.callCount() == calls)
        #expect(scene.database.runs == runs + 1)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a positive verdict is refreshed beside the answer and ends after its time`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.subscriber()
        try await scene.write(person)
        func asked() -> Int { scene.simulator.calls.count { $0.chatID == scene.news } }
        #expect(asked() == 1)
        try await scene.pass(seconds: 470)
        try await scene.write(person)
        #expect(asked() == 1, "not yet 80 % of 600 s")
        try await scene.pass(seconds: 15)
        #expect(scene.stands(try await scene.write(person)))
        try await scene.until("asked again") { asked() > 1 }
        #expect(asked() == 2)
        #expect(scene.log.last == "news verified decisive cached", "the message did not wait for it")
        await Loop.shared.sleep(milliseconds: 20)
        try await scene.pass(seconds: 470)
        try await scene.write(person)
        #expect(asked() == 2, "the refreshed verdict has its own time")

        let silent = scene.subscriber("Silent")
        try await scene.write(silent)
        #expect(asked() == 3)
        try await scene.pass(seconds: 601)
        try await scene.write(silent)
        #expect(asked() == 4)
        #expect(scene.log.last == "news verified decisive")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `lifetimes are spread by fifteen percent, negative ones around a minute`() {
        let (user, channel) = (UserID(7), ChatID(-1))
        for _ in 0..<30 {
            let cache = VerdictCache()
            cache.note(.member, of: user, in: channel)
            Loop.shared.advance(milliseconds: 509_000)
            #expect(cache.verdict(user, in: channel)?.membership == .member)
            Loop.shared.advance(milliseconds: 182_000)
            #expect(cache.verdict(user, in: channel) == nil)
            cache.note(.notMember, of: user, in: channel)
            Loop.shared.advance(milliseconds: 50_000)
            #expect(cache.verdict(user, in: channel)?.membership == .notMember)
            Loop.shared.advance(milliseconds: 20_000)
            #expect(cache.verdict(user, in: channel) == nil)
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `those who ask the same at once share one call`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.subscriber()
        let other = scene.simulator.addGroup("Other", owner: scene.world.owner)
        scene.simulator.place(person, in: other)
        try await scene.services.store.protect(
            Protection(
                group: ChatID(other), title: "Other", owner: UserID(scene.world.owner), ownerUsername: nil,
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(scene.news), title: "News", username: "the_news")]))
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try scene.simulator.personWrites(person, in: other, "hello")
        for _ in 1...3 { try scene.simulator.personWrites(scene.stranger(), in: scene.group, "hello") }
        #expect(try await scene.deliver(together: true) == [200, 200, 200, 200, 200])
        #expect(scene.simulator.calls.count { $0.chatID == scene.news && $0.userID == person } == 1)
        #expect(
            scene.simulator.calls.count { $0.method == "getChatAdministrators" && $0.chatID == scene.group } == 1)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a minute of cached verdicts is one row of the log`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.requiresMarket = true
        let scene = try await Scene(engine, setup)
        let writer = LogWriter(store: scene.services.store)
        let person = scene.subscriber()
        for number in 1...5 { try await scene.write(person, "message \(number)") }
        for row in scene.world.log.rows { writer.offer(row) }
        await writer.flush()
        #expect(
            try await scene.ask("SELECT cached, decisive, hits FROM verification_log ORDER BY cached, decisive, id")
                .replacing("true", with: "1").replacing("false", with: "0") == "0 0 1, 0 1 1, 1 0 4, 1 1 4")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `other replicas hear of changes, and forget what they may have missed`() async throws {
        let scene = try await Scene(.postgreSQL)
        let other = try await Storage.open(url: scene.world.url, poolMax: 4)
        let caches = Caches()
        other.onCacheMessage { caches.told($0) }
        let person = scene.stranger()
        try scene.simulator.personJoins(person, scene.news)
        try await scene.deliver()
        let (user, channel) = (UserID(person), ChatID(scene.news))
        try await scene.until("it is told") { caches.verdicts.verdict(user, in: channel) != nil }
        #expect(caches.verdicts.verdict(user, in: channel)?.membership == .member)
        caches.told(nil)
        #expect(caches.verdicts.verdict(user, in: channel) == nil)
        await other.close()
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `events of a required channel write the verdict`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger()
        try scene.simulator.personJoins(person, scene.news)
        try await scene.deliver()
        try await scene.settle()
        #expect(scene.stands(try await scene.write(person)))
        #expect(scene.simulator.calls.count { $0.chatID == scene.news } == 0)
        #expect(scene.log == ["news verified decisive cached"])
        // A command that changes the settings takes effect with the next message.
        _ = try await scene.services.store.disable(as: .unprotected(ChatID(scene.group)), audit: nil)
        scene.services.caches.told("group:\(scene.group)")
        let stranger = scene.stranger()
        #expect(scene.stands(try await scene.write(stranger)))
        #expect(scene.simulator.calls.count { $0.chatID == scene.news } == 0)
        try await scene.end()
    }
}
