// The rules for a message in a group, in their order: who is left alone, who may speak, who is checked and how.

import Domain
import EventLoop
import Handlers
import JSON
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@Suite("Message rules", .serialized) struct MessageRuleTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who the gate has no say about stands without a question`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let (simulator, group, now) = (scene.simulator, scene.group, WallClock.now)
        var standing: [Int64] = []

        // Rule 1: a private chat. Rule 3: another group, known and unknown to the store.
        let person = scene.stranger()
        _ = try simulator.personWritesToBot(person, "hello")
        let other = simulator.addGroup("Other", owner: scene.world.owner)
        simulator.place(person, in: other)
        for _ in 1...2 {
            let message = try simulator.personWrites(person, in: other, "hello")
            try await scene.deliver()
            #expect(simulator.stands(message, in: other))
        }

        // Rule 2: a line of Telegram's own.
        simulator.world.addServiceMessage(
            in: group, from: person, [("pinned_message", .object([("message_id", .int(1))]))], now: now)
        simulator.settle()
        standing.append((simulator.world.chats[group]?.nextMessageID ?? 1) - 1)

        // Rule 4: a linked channel's post, and whatever else the service account sends.
        let blog = simulator.addChannel("Blog", owner: scene.world.owner)
        simulator.link(channel: blog, discussion: group)
        try simulator.personWrites(scene.world.owner, in: blog, "news of today")
        standing.append((simulator.world.chats[group]?.nextMessageID ?? 1) - 1)
        simulator.place(World.StandIn.telegram, in: group)
        standing.append(try simulator.personWrites(World.StandIn.telegram, in: group, "a notice"))

        // Rule 5: an anonymous administrator.
        let helper = simulator.addPerson("Helper")
        simulator.place(helper, in: group, status: .administrator, rights: [.anonymous, .deleteMessages])
        standing.append(try simulator.personWrites(helper, in: group, "as the group"))

        // Rule 7: a bot.
        let bot = simulator.addPerson("Another bot")
        simulator.world.persons[bot]?.isBot = true
        simulator.place(bot, in: group)
        standing.append(try simulator.personWrites(bot, in: group, "beep"))

        try await scene.deliver()
        try await scene.settle()
        #expect(standing.allSatisfy { scene.stands($0) })
        #expect(scene.calls("getChatMember") == 0)
        #expect(scene.calls("getChatAdministrators") == 0)
        #expect(scene.log.isEmpty)
        #expect(try await scene.ask("SELECT count(*) FROM effects") == "0")

        // A disabled group is never enforced.
        _ = try await scene.services.store.disable(as: .unprotected(ChatID(group)), audit: nil)
        scene.services.caches.groups.forget(ChatID(group))
        #expect(scene.stands(try await scene.write(person)))
        #expect(scene.calls("getChatMember") == 0)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who speaks as a channel may if it is required or all may`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.isForum = true
        let scene = try await Scene(engine, setup)
        let (simulator, group) = (scene.simulator, scene.group)
        let topic = simulator.addTopic("Trade", in: group)
        let person = scene.stranger()
        let shop = simulator.addChannel("Shop <1>", owner: person)
        func speak(as channel: Int64, in thread: Int64? = nil) async throws -> Int64 {
            let message = try simulator.world.write(
                person, in: group, "buy", thread: thread, asChannel: channel, now: WallClock.now)
            simulator.settle()
            try await scene.deliver()
            try await scene.settle()
            return message
        }

        #expect(scene.stands(try await speak(as: scene.news)))
        _ = try await scene.services.store.setHealth(.broken, of: ChatID(scene.news), in: ChatID(group))
        _ = try await scene.services.store.protect(
            Protection(
                group: ChatID(group), title: "Talk", owner: UserID(scene.world.owner), ownerUsername: nil,
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(scene.market), title: "Market", username: "the_market")]))
        scene.services.caches.groups.forget(ChatID(group))
        #expect(scene.stands(try await speak(as: scene.news)), "the link is broken, and the channel still required")

        let text = "Messages as a channel (Shop <1>) are not allowed here. Please write as yourself."
        #expect(!scene.stands(try await speak(as: shop, in: topic)))
        #expect(scene.texts == [text])
        #expect(simulator.botMessages(in: group).map(\.threadID) == [topic], "in the thread of the message")
        #expect(!scene.stands(try await speak(as: shop, in: topic)))
        #expect(scene.texts == [text], "once in 60 s")
        let second = simulator.addChannel("Stall", owner: person)
        #expect(!scene.stands(try await speak(as: second)))
        #expect(scene.texts.count == 2, "each channel of its own")
        try await scene.pass(seconds: 61)
        #expect(scene.texts.isEmpty, "gone after 60 s")
        #expect(!scene.stands(try await speak(as: shop)))
        #expect(scene.texts == [text])

        #expect(scene.calls("restrictChatMember") == 0, "there is nobody to restrict")
        #expect(try await scene.ask("SELECT count(*) FROM user_restrictions") == "0")
        #expect(
            try await scene.ask("SELECT DISTINCT outcome FROM decisions") == "delete")

        var params = GroupParams()
        params.allowsSenderChats = true
        try await scene.set(params)
        #expect(scene.stands(try await speak(as: shop)))
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who is exempt, for good or until later, and who is administrator may write`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let (good, later) = (scene.stranger(), scene.stranger())
        let until = WallClock.now.seconds + 3600
        _ = try await scene.services.store.exempt(
            UserID(good), in: ChatID(scene.group), untilSeconds: nil, reason: "admin", audit: nil)
        _ = try await scene.services.store.exempt(
            UserID(later), in: ChatID(scene.group), untilSeconds: until, reason: "admin", audit: nil)
        scene.services.caches.groups.forget(ChatID(scene.group))
        #expect(scene.stands(try await scene.write(good)))
        #expect(scene.stands(try await scene.write(later)))
        #expect(scene.simulator.callCount() == 0)

        // Rule 9 goes before rule 10: the list of administrators is not asked for a subscriber in the cache.
        let known = scene.subscriber()
        scene.note(.member, of: known, in: scene.news)
        #expect(scene.stands(try await scene.write(known)))
        #expect(scene.simulator.callCount() == 0)

        let admin = scene.stranger("Admin")
        scene.simulator.place(admin, in: scene.group, status: .administrator, rights: .deleteMessages)
        #expect(scene.stands(try await scene.write(admin)))
        #expect(scene.calls("getChatAdministrators") == 1)
        let asked = scene.simulator.callCount()
        #expect(scene.stands(try await scene.write(admin)))
        #expect(scene.simulator.callCount() == asked, "the list is known now")

        try await scene.pass(seconds: 3601)
        let message = try await scene.write(later)
        try await scene.settle()
        #expect(!scene.stands(message) && scene.isMuted(later), "the exception is over")
        #expect(scene.stands(try await scene.write(good)))
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `all channels and the administrators are asked at the same time`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.requiresMarket = true
        let scene = try await Scene(engine, setup)
        let person = scene.subscriber()
        for method in ["getChatMember", "getChatMember", "getChatAdministrators"] {
            scene.simulator.failNext(.slow(milliseconds: 5000), of: method)
        }
        let message = try scene.simulator.personWrites(person, in: scene.group, "hello")
        let answers = Task { @IO in try await scene.deliver() }
        try await scene.until("three calls") { scene.simulator.callCount() >= 3 }
        #expect(scene.calls("getChatMember") == 2 && scene.calls("getChatAdministrators") == 1)
        Loop.shared.advance(milliseconds: 5000)
        #expect(try await answers.value == [200])
        #expect(scene.stands(message))
        #expect(scene.log == ["news verified decisive", "market verified"])
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `one missing among several is enough, and each channel has its row`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.requiresMarket = true
        let scene = try await Scene(engine, setup)
        let half = scene.stranger("Half")
        scene.simulator.place(half, in: scene.news)
        let message = try await scene.write(half)
        try await scene.settle()
        #expect(!scene.stands(message) && scene.isMuted(half))
        #expect(scene.log == ["news verified", "market restricted decisive"])
        #expect(try await scene.ask("SELECT channel_ids FROM user_restrictions") == "[\(scene.market)]")
        #expect(scene.texts.first?.contains("Market") == true && scene.texts.first?.contains("News") == false)

        // A check that fails hides nobody who is missing elsewhere.
        let second = scene.stranger("Second")
        scene.note(.notMember, of: second, in: scene.news)
        scene.simulator.failNext(.odd, of: "getChatMember")
        let other = try await scene.write(second)
        try await scene.settle()
        #expect(!scene.stands(other) && scene.isMuted(second))
        #expect(scene.log.suffix(2) == ["news restricted decisive cached", "market error TelegramError"])

        // A restriction in the channel that leaves people in it is a membership; one outside is none.
        let quiet = scene.subscriber("Quiet")
        scene.simulator.adminRestricts(quiet, in: scene.news)
        #expect(scene.stands(try await scene.write(quiet)))
        let outside = scene.subscriber("Outside")
        scene.simulator.adminRestricts(outside, in: scene.market)
        try scene.simulator.personLeaves(outside, scene.market)
        let last = try scene.simulator.personWrites(outside, in: scene.group, "hello")
        try await scene.deliver()
        try await scene.settle()
        #expect(!scene.stands(last))
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `nobody is held on an older answer, and whom Telegram does not know is asked twice`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let person = scene.stranger("Person")
        scene.note(.notMember, of: person, in: scene.news)
        try scene.simulator.personJoins(person, scene.news)
        scene.simulator.delivery.queues.clear()
        Loop.shared.advance(milliseconds: 3001)
        #expect(scene.stands(try await scene.write(person)), "the cached answer is too old to hold anybody")
        #expect(scene.calls("getChatMember") == 1)

        let fresh = scene.stranger("Fresh")
        scene.note(.notMember, of: fresh, in: scene.news)
        let message = try await scene.write(fresh)
        try await scene.settle()
        #expect(!scene.stands(message), "an answer of this moment is good enough")
        #expect(scene.simulator.calls.count { $0.chatID == scene.news } == 1)

        // Often Telegram knows the person a moment later.
        for (faults, stands) in [(1, true), (2, false)] {
            let person = faults == 1 ? scene.subscriber("Known") : scene.stranger("Unknown")
            scene.simulator.failNext(.userUnknown, of: "getChatMember", count: faults)
            let message = try scene.simulator.personWrites(person, in: scene.group, "hello")
            let answers = Task { @IO in try await scene.deliver() }
            func asked() -> Int {
                scene.simulator.calls.count { $0.userID == person && $0.chatID == scene.news }
            }
            try await scene.until("asked") { asked() > 0 }
            // The answer has to be read before the second that follows can pass.
            await Loop.shared.sleep(milliseconds: 20)
            #expect(asked() == 1)
            Loop.shared.advance(milliseconds: 1000)
            _ = try await answers.value
            try await scene.settle()
            #expect(asked() == 2)
            #expect(scene.stands(message) == stands)
            #expect(scene.log.last == "news \(stands ? "verified" : "restricted") decisive")
        }
        try await scene.end()
    }
}
