// The private chat: deep links, ticks and crosses, one screen for each group where somebody is held, the menu.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("The private chat", .serialized) struct PrivateFlowTests {
    private static let menu = """
        Nezuko lets only subscribers of your channels write in your group.

        Whoever is not subscribed is muted, told which channels to join, and freed by one button.
        """

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a deep link shows what is missing, and its button frees`(engine: Engine) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let person = try await scene.held("Boris", knows: [scene.market])
        try scene.simulator.personStarts(person, argument: "v_\(scene.group)")
        try await scene.settle()
        #expect(
            scene.said(in: person) == [
                """
                To write in Talk, join these channels:

                ❌ News (@the_news)
                ✅ Market (@the_market)

                Then press the button.
                """
            ])
        let data = "verify:\(person):\(scene.group)"
        #expect(scene.buttons(in: person) == ["Join News https://t.me/the_news", "I have joined \(data)"])
        #expect(try await scene.store.canMessage(UserID(person)))
        #expect(try await scene.press(person, data, in: person) == "! You still need to join: News")
        scene.lost = ["chat_member"]
        try scene.simulator.personJoins(person, scene.news)
        try await scene.pass(seconds: 4)
        #expect(try await scene.press(person, data, in: person) == "! You can write now.")
        #expect(!scene.isMuted(person) && scene.said().isEmpty)
        // The screen was theirs alone.
        let other = scene.person("Carl", knows: [scene.news, scene.market])
        #expect(try await scene.intakePress(other, data: data) == "! This button is not for you.")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `without an argument all groups are listed, each with its buttons`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let other = scene.simulator.addGroup("Other & more", owner: scene.world.owner)
        try await scene.protect(other, by: [scene.market])
        let person = try await scene.held("Boris")
        scene.simulator.place(person, in: other)
        try scene.simulator.personWrites(person, in: other, "hello")
        try await scene.settle()
        let started = try await scene.command("/start", by: person, inPrivate: true)
        let talk = "To write in Talk, join these channels:\n\n❌ News (@the_news)\n\nThen press the button."
        let more = "To write in Other & more, join these channels:\n\n❌ Market (@the_market)\n\nThen press the button."
        #expect(started == [talk, more, Self.menu])
        let datas = scene.simulator.botMessages(in: person).map { message in
            scene.simulator.world.buttons(of: message).map(\.data).first ?? ""
        }
        #expect(
            datas == ["verify:\(person):\(scene.group)", "verify:\(person):\(other)", "menu_setup"])
        #expect(try await scene.command("/verify", by: person, inPrivate: true) == [talk, more])
        // The command checks: who has joined unseen is free by it.
        scene.lost = ["chat_member"]
        try scene.simulator.personJoins(person, scene.news)
        try await scene.pass(seconds: 4)
        #expect(
            try await scene.command("/verify", by: person, inPrivate: true) == ["You can write now.", more])
        #expect(!scene.isMuted(person) && scene.isMuted(person, in: other))
        try scene.simulator.personJoins(person, scene.market)
        try await scene.pass(seconds: 4)
        #expect(
            try await scene.press(person, "verify:\(person):\(other)", in: person) == "! You can write now.")
        #expect(
            try await scene.command("/verify", by: person, inPrivate: true) == ["You are not muted by me in any group."]
        )
        #expect(try await scene.command("/start", by: person, inPrivate: true) == [Self.menu])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `made-up deep links lead to the menu, unknown groups are said to be so`() async throws {
        let scene = try await MemberScene(.sqlite)
        let person = scene.person("Boris")
        let arguments = [
            "v_", "v_abc", "v_5", "v_-99999999999999999999", "v_-4503599627370496", "x", "p_5", "p_-4503599627370496",
            "buy_gold",
            "v_-5_6", "V_-5",
        ]
        for argument in arguments {
            #expect(try await scene.command("/start \(argument)", by: person, inPrivate: true) == [Self.menu])
            try await scene.pass(seconds: 5)
        }
        #expect(
            try await scene.command("/start v_-1001999999999", by: person, inPrivate: true)
                == ["This group is not protected."])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a group that is switched off still frees whom it held`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        try await scene.run("UPDATE protected_groups SET enabled = FALSE")
        scene.services.caches.groups.forgetAll()
        let answer = try await scene.command("/start v_\(scene.group)", by: person, inPrivate: true)
        #expect(answer == ["This group is not protected."])
        let data = "verify:\(person):\(scene.group)"
        #expect(try await scene.press(person, data, in: person) == "! This group is no longer protected.")
        #expect(!scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the prompt leads to the private chat when it is set, the standing notice always`(
        engine: Engine
    ) async throws {
        let scene = try await MemberScene(engine)
        let link = "Verify in private https://t.me/\(scene.simulator.options.botUsername)?start=v_\(scene.group)"
        let first = try await scene.held("Boris")
        #expect(scene.buttons() == ["Join News https://t.me/the_news", "I have joined verify:\(first)"])
        try await scene.pass(seconds: 301)
        #expect(scene.said() == ["To write here, join News (@the_news), then press the button.\n1 person waits."])
        #expect(
            scene.buttons() == ["Join News https://t.me/the_news", "I have joined verify_membership", link])
        #expect(try await scene.press(first, "verify_membership") == "! You still need to join: News")
        try scene.simulator.personJoins(first, scene.news)
        try await scene.settle()
        #expect(scene.said().isEmpty)
        _ = try await scene.command("/settings private_verify on")
        let second = try await scene.held("Carl")
        #expect(scene.buttons() == ["Join News https://t.me/the_news", "I have joined verify:\(second)", link])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `labels that are set show under the very next prompt`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        _ = try await scene.command("/settings join_button → {title}!")
        _ = try await scene.command("/settings verify_button Done")
        try await scene.pass(seconds: 61)
        let person = try await scene.held("Boris")
        #expect(scene.buttons() == ["→ News! https://t.me/the_news", "Done verify:\(person)"])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `in private everybody reads their own language`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Борис", languageCode: "ru-RU")
        try scene.simulator.personWrites(person, in: scene.group, "привет")
        try await scene.settle()
        #expect(scene.said().first?.hasPrefix("Hello Борис,") == true)
        let answer = try await scene.command("/start v_\(scene.group)", by: person, inPrivate: true)
        #expect(answer.count == 1 && answer[0].contains("❌ News (@the_news)") && !answer[0].contains("join"))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `the menu is edited in place, and its presses are counted`() async throws {
        let scene = try await MemberScene(.sqlite)
        let person = scene.person("Boris")
        #expect(try await scene.command("/start", by: person, inPrivate: true) == [Self.menu])
        let before = scene.pressesCounted(of: person)
        #expect(try await scene.press(person, "menu_setup", in: person) == "")
        #expect(scene.said(in: person).count == 1 && scene.said(in: person)[0].hasPrefix("Set up in three steps"))
        #expect(try await scene.press(person, "menu_back", in: person) == "")
        #expect(scene.said(in: person) == [Self.menu])
        #expect(scene.pressesCounted(of: person) == before + 2)
        for data in ["menu_plan", "menu_nothing"] {
            #expect(try await scene.intakePress(person, data: data) == "This button is out of date.")
        }
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `payments are refused in the payer's language, subscriptions are taken note of`() async throws {
        let scene = try await MemberScene(.sqlite)
        for (code, text) in [
            ("ru", "Оплата сейчас недоступна."), ("de", "Payments are not available at the moment."),
        ] {
            let person = scene.person("Boris", languageCode: code)
            _ = scene.simulator.world.checkOut(person, payload: "plan", stars: 100, now: WallClock.now)
            scene.simulator.settle()
            try await scene.settle()
            let call = try #require(scene.simulator.calls.last)
            #expect(call.method == "answerPreCheckoutQuery" && call.status == 200)
            #expect(Languages.of(languageCode: code).toast(.noPayments) == text)
        }
        let answer = try await scene.tell(
            """
            "subscription":{"user":{"id":5,"first_name":"P","is_bot":false},"invoice_payload":"x","state":"canceled"}
            """)
        #expect(answer == .ok)
        await scene.end()
    }
}
