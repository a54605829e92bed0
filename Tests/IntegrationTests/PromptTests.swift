// What the held are told, where, with which buttons, and how long it stands.

import Domain
import EventLoop
import Handlers
import JSON
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@Suite("Prompts", .serialized) struct PromptTests {
    @IO private func onlyMessage(_ scene: Scene) throws -> BotMessage {
        let messages = scene.simulator.botMessages(in: scene.group)
        #expect(messages.count == 1)
        return try #require(messages.last)
    }

    @IO private func hold(_ scene: Scene, _ person: Int64, thread: Int64? = nil) async throws {
        try await scene.write(person, thread: thread)
        try await scene.settle()
        #expect(scene.isMuted(person))
    }

    @IO private func link(_ scene: Scene, _ channels: [RequiredChannel]) async throws {
        try await scene.services.store.protect(
            Protection(
                group: ChatID(scene.group), title: "Talk", owner: UserID(scene.world.owner), ownerUsername: nil,
                replacesOwner: false, channels: channels))
        scene.services.caches.groups.forget(ChatID(scene.group))
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `one person gets their own text and buttons, and it goes with the hold`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let hidden = scene.simulator.addChannel("Hidden", owner: scene.world.owner)
        let nameless = scene.simulator.addChannel("Name & less", owner: scene.world.owner)
        try await link(
            scene,
            [
                RequiredChannel(id: ChatID(hidden), title: "Hidden", inviteLink: "https://t.me/+abc"),
                RequiredChannel(id: ChatID(nameless), title: "Name & less"),
            ])
        let person = scene.stranger("<b>Ann")
        try await hold(scene, person)
        let prompt = try onlyMessage(scene)
        #expect(
            prompt.text == """
                Hello <b>Ann, please join the channel(s) below to write in this group. Then press the button.

                • News (@the_news)
                • Hidden
                • Name & less
                """)
        #expect(prompt.entities.first?["user"]?["id"]?.int == person, "a mention notifies")
        #expect(
            prompt.buttonRows == [
                "Join News > https://t.me/the_news", "Join Hidden > https://t.me/+abc",
                "I have joined > verify:\(person)",
            ], "a channel without an address is named only")

        for channel in [scene.news, hidden, nameless] { scene.simulator.place(person, in: channel) }
        try scene.simulator.personPresses(person, message: prompt.id, in: scene.group, button: 0)
        try await scene.deliver()
        try await scene.settle()
        #expect(!scene.isMuted(person) && scene.texts.isEmpty)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `all who were not told share one prompt`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        while case .granted = scene.services.budget.take(ChatID(scene.group), at: Loop.shared.now) {}
        let people = (1...12).map { scene.stranger("P\($0)") }
        for person in people { try await hold(scene, person) }
        #expect(scene.texts.isEmpty)
        #expect(try await scene.ask("SELECT count(*) FROM effects WHERE kind = 'prompt'") == "1")
        try await scene.pass(seconds: 7)
        let prompt = try onlyMessage(scene)
        #expect(
            prompt.text == """
                P1, P2, P3, P4, P5, P6, P7, P8, P9, P10 and 2 more, please join the channel(s) below to write in this \
                group. Then press the button.

                • News (@the_news)
                """)
        #expect(prompt.entities.count == 10)
        #expect(prompt.buttonRows.last == "I have joined > verify_membership")
        #expect(
            try await scene.ask(
                "SELECT count(*), min(warning_message_id), max(warning_message_id) FROM user_restrictions "
                    + "WHERE told_at IS NOT NULL") == "12 \(prompt.id) \(prompt.id)")

        // Each presses for themselves; who is free is no longer named, and the last one takes it away.
        for person in people { scene.simulator.place(person, in: scene.news) }
        try await scene.pass(seconds: 10)
        for (index, person) in people.enumerated() {
            #expect(scene.isMuted(person))
            try scene.simulator.personPresses(person, message: prompt.id, in: scene.group, data: "verify_membership")
            try await scene.pass(seconds: 7)
            #expect(!scene.isMuted(person))
            guard index == 10 else { continue }
            #expect(scene.texts.first?.hasPrefix("Hello P12, please join") == true)
            break
        }
        #expect(try onlyMessage(scene).buttonRows.last == "I have joined > verify:\(people[11])")
        try scene.simulator.personPresses(people[11], message: prompt.id, in: scene.group, button: 0)
        try await scene.pass(seconds: 7)
        #expect(scene.texts.isEmpty)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who joins is welcomed, who leaves a channel is told why`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let new = scene.simulator.addPerson("New")
        try scene.simulator.personJoins(new, scene.group)
        try await scene.deliver()
        try await scene.settle()
        #expect(scene.isMuted(new))
        #expect(
            try onlyMessage(scene).text == """
                Welcome New! Please join the channel(s) below to write in this group. Then press the button.

                • News (@the_news)
                """)
        try scene.simulator.personJoins(new, scene.news)
        try await scene.settle()
        #expect(!scene.isMuted(new) && scene.texts.isEmpty, "joining the channel is enough")
        try scene.simulator.personLeaves(new, scene.news)
        try await scene.settle()
        #expect(scene.isMuted(new))
        #expect(
            try onlyMessage(scene).text.hasPrefix("New, you can no longer write in this group because you left News."))
        // Verified members are welcomed silently.
        let friend = scene.simulator.addPerson("Friend")
        scene.simulator.place(friend, in: scene.news)
        try scene.simulator.personJoins(friend, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(friend) && scene.texts.count == 1)
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the longest titles of every script fit`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        let letters = ["𝕏", "ש", "<", "👩‍👩‍👧‍👦", "e\u{301}", "&", "م", "漢", "A", "\u{202E}x"]
        var channels: [RequiredChannel] = []
        for (index, letter) in letters.enumerated() {
            let title = String(String(repeating: letter, count: 255).unicodeScalars.prefix(255))
            let id = scene.simulator.addChannel(title, username: "channel_\(index)", owner: scene.world.owner)
            channels.append(RequiredChannel(id: ChatID(id), title: title, username: "channel_\(index)"))
        }
        try await link(scene, channels)
        while case .granted = scene.services.budget.take(ChatID(scene.group), at: Loop.shared.now) {}
        for letter in letters { try await hold(scene, scene.stranger(String(repeating: letter, count: 64))) }
        try await scene.pass(seconds: 7)
        let prompt = try onlyMessage(scene)
        #expect(prompt.text.utf16.count <= 4096)
        #expect(prompt.buttonRows.count == 9, "eight channels and the button")
        try await scene.pass(seconds: 301)
        #expect(try onlyMessage(scene).buttonRows.count == 10, "and the private one")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the group's own words, language and buttons`(engine: Engine) async throws {
        var setup = SceneSetup()
        setup.params.language = "ru"
        let scene = try await Scene(engine, setup)
        try await hold(scene, scene.stranger("Аня"))
        #expect(scene.texts.first?.contains("Аня") == true && scene.texts.first?.contains("please") == false)
        var params = GroupParams()
        params.warningText = "{mention}: <first> {channels} in {group}"
        params.verifyButton = "Done"
        params.joinButton = "Go to {title}"
        params.offersPrivateVerify = true
        params.warningSeconds = 0
        try await scene.set(params)
        let person = scene.stranger("Ann")
        try await hold(scene, person)
        let prompt = try #require(scene.simulator.botMessages(in: scene.group).last)
        #expect(prompt.text == "Ann: <first> • News (@the_news) in Talk")
        #expect(
            prompt.buttonRows == [
                "Go to News > https://t.me/the_news", "Done > verify:\(person)",
                "Verify in private > https://t.me/nezuko_simulated_bot?start=v_\(scene.group)",
            ])
        try await scene.pass(seconds: 100_000)
        #expect(scene.simulator.stands(prompt.id, in: scene.group), "0 keeps it")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a prompt goes to the topic, else to General, else to the group's own topic`(
        engine: Engine
    ) async throws {
        var setup = SceneSetup()
        setup.isForum = true
        let scene = try await Scene(engine, setup)
        let simulator = scene.simulator
        try simulator.personWrites(scene.world.owner, in: scene.group, "Welcome")
        let (trade, talk) = (simulator.addTopic("Trade", in: scene.group), simulator.addTopic("Talk", in: scene.group))
        func threads() -> [Int64?] { simulator.botMessages(in: scene.group).map(\.threadID) }
        try await hold(scene, scene.stranger(), thread: trade)
        #expect(threads() == [trade])
        // Closed, or gone, while the message waited.
        try simulator.personWrites(scene.stranger(), in: scene.group, "hello", thread: trade)
        simulator.world.chats[scene.group]?.topics[trade]?.isClosed = true
        try await scene.settle()
        #expect(threads() == [trade, nil])
        try simulator.personWrites(scene.stranger(), in: scene.group, "hello", thread: talk)
        simulator.world.chats[scene.group]?.topics[talk] = nil
        try await scene.settle()
        #expect(threads() == [trade, nil, nil])
        // General is closed as well.
        var params = GroupParams()
        params.noticeTopic = simulator.addTopic("Notices", in: scene.group)
        try await scene.set(params)
        try simulator.personWrites(scene.stranger(), in: scene.group, "hello")
        simulator.failNext(.refused(400, "Bad Request: TOPIC_CLOSED"), of: "sendMessage")
        try await scene.settle()
        #expect(threads() == [trade, nil, nil, params.noticeTopic])
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a standing notice that an administrator deletes comes back after an hour`(engine: Engine) async throws {
        let scene = try await Scene(engine)
        try await hold(scene, scene.stranger("First"))
        try await scene.pass(seconds: 301)
        let notice = try onlyMessage(scene)
        scene.simulator.world.chats[scene.group]?.messages[notice.id]?.isGone = true
        #expect(scene.texts.isEmpty)
        try await scene.pass(seconds: 3000)
        #expect(scene.texts.isEmpty, "not within the hour")
        try await scene.pass(seconds: 700)
        let next = try onlyMessage(scene)
        #expect(next.id > notice.id && next.text == notice.text)
        #expect(try await scene.ask("SELECT notice_message_id FROM protected_groups") == "\(next.id)")
        #expect(try await scene.ask("SELECT warning_message_id FROM user_restrictions") == "\(next.id)")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the standing notice speaks for all who wait, stays in sight and goes with the last`(
        engine: Engine
    ) async throws {
        let scene = try await Scene(engine)
        let (first, second) = (scene.stranger("First"), scene.stranger("Second"))
        let writer = scene.subscriber("Writer")
        func write(_ count: Int) async throws {
            for number in 1...count { try scene.simulator.personWrites(writer, in: scene.group, "\(number)") }
            try await scene.deliver()
        }
        try await hold(scene, first)
        let prompt = try onlyMessage(scene)
        try await scene.pass(seconds: 299)
        #expect(try onlyMessage(scene).text == prompt.text)
        try await scene.pass(seconds: 2)
        let notice = try onlyMessage(scene)
        #expect(notice.id == prompt.id, "edited, not sent anew")
        #expect(
            notice.text == """
                To write here, join News (@the_news), then press the button.
                1 person waits.
                """)
        #expect(
            notice.buttonRows == [
                "Join News > https://t.me/the_news", "I have joined > verify_membership",
                "Verify in private > https://t.me/nezuko_simulated_bot?start=v_\(scene.group)",
            ])
        #expect(try await scene.ask("SELECT notice_message_id FROM protected_groups") == "\(notice.id)")

        // Later prompts end in the same notice.
        try await hold(scene, second)
        #expect(scene.texts.count == 2)
        try await scene.pass(seconds: 301)
        #expect(try onlyMessage(scene).id == notice.id)
        #expect(try onlyMessage(scene).text.hasSuffix("2 people wait."))

        // Below 51 newer messages it stays; above it is sent again, at most once an hour.
        try await write(40)
        try await scene.pass(seconds: 3600)
        #expect(try onlyMessage(scene).id == notice.id)
        try await write(20)
        try await scene.pass(seconds: 3600)
        let renewed = try onlyMessage(scene)
        #expect(renewed.id > notice.id && renewed.text.hasSuffix("2 people wait."))
        #expect(try await scene.ask("SELECT notice_message_id FROM protected_groups") == "\(renewed.id)")
        #expect(
            try await scene.ask("SELECT DISTINCT warning_message_id FROM user_restrictions") == "\(renewed.id)")
        try await write(60)
        try await scene.pass(seconds: 1800)
        #expect(try onlyMessage(scene).id == renewed.id, "within the hour it stays")
        try await scene.pass(seconds: 1801)
        let third = try onlyMessage(scene)
        #expect(third.id > renewed.id)

        scene.simulator.place(first, in: scene.news)
        try scene.simulator.personPresses(first, message: third.id, in: scene.group, button: 0)
        try await scene.settle()
        #expect(!scene.isMuted(first))
        #expect(try onlyMessage(scene).text.hasSuffix("1 person waits."))
        scene.simulator.place(second, in: scene.news)
        try scene.simulator.personPresses(second, message: third.id, in: scene.group, button: 0)
        try await scene.settle()
        #expect(!scene.isMuted(second) && scene.texts.isEmpty, "gone when nobody waits")
        #expect(try await scene.ask("SELECT notice_message_id FROM protected_groups") == "-")
        try await scene.pass(seconds: 7200)
        #expect(scene.texts.isEmpty)
        #expect(try await scene.ask("SELECT count(*) FROM effects") == "0")
        try await scene.end()
    }
}
