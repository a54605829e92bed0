// Stopping enforcement for a while, and only watching: nothing new is done, releases go on.

import Domain
import EventLoop
import Handlers
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

@Suite("Pause and observe", .serialized) struct PauseTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `while a group is paused nobody is held and releases go on`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let held = try await scene.held("Anton")
        let answer = try #require(try await scene.command("/pause 30m").first)
        #expect(answer.hasPrefix("Paused until 20") && answer.hasSuffix("earlier by /pause off."))
        let person = scene.person("Boris")
        let message = try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(scene.simulator.stands(message, in: scene.group) && !scene.isMuted(person))
        try scene.simulator.personJoins(scene.person("Carl", isInGroup: false), scene.group)
        try await scene.settle()
        #expect(scene.calls("restrictChatMember") == 1, "Anton's only")
        scene.simulator.place(held, in: scene.news)
        #expect(try await scene.press(held, "verify:\(held)") == "! You can write now.")
        #expect(!scene.isMuted(held))
        #expect(
            try await scene.command("/status").first?.hasPrefix("Protection: Paused until 20") == true)
        // What would have been done is traced.
        let traced = scene.world.log.rows.compactMap { row -> String? in
            if case .decision(let row) = row, row.user == UserID(person) { row.facts } else { nil }
        }
        #expect(traced.count == 1 && traced[0].contains(#""mode":"paused""#))
        try await scene.pass(seconds: 70)
        try await scene.pass(seconds: 30 * 60)
        try scene.simulator.personWrites(person, in: scene.group, "and now?")
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a pause ends by its word or its button`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        for way in 0..<2 {
            _ = try await scene.command("/pause")
            if way == 0 {
                #expect(try await scene.command("/pause off") == ["The pause is over."])
            } else {
                #expect(try await scene.press(scene.world.owner, "pause:off:\(scene.group)") == "")
                #expect(scene.said().contains("The pause is over."))
            }
            let person = scene.person("Boris \(way)")
            try scene.simulator.personWrites(person, in: scene.group, "hello")
            try await scene.settle()
            #expect(scene.isMuted(person))
        }
        #expect(
            try await scene.world.ask(
                "SELECT action, target_id FROM admin_audit_log WHERE action LIKE 'pause%' ORDER BY id")
                == (0..<2).map { _ in "pause \(scene.group), pause_off \(scene.group)" }.joined(separator: ", "))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `what was decided and not done yet is not done in a pause`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris")
        // Telegram asks for a pause of the chat; meanwhile an administrator stops everything.
        scene.simulator.failNext(.tooManyRequests(retryAfter: 20), of: "restrictChatMember")
        scene.simulator.failNext(.tooManyRequests(retryAfter: 20), of: "deleteMessage")
        let message = try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(!scene.isMuted(person))
        let stood = scene.simulator.stands(message, in: scene.group)
        _ = try await scene.command("/pause")
        try await scene.pass(seconds: 30)
        #expect(!scene.isMuted(person))
        #expect(scene.simulator.stands(message, in: scene.group) == stood)
        #expect(try await scene.hold(of: person) == nil || stood == false)
        #expect(
            try await scene.world.ask(
                "SELECT count(*) FROM effects WHERE kind IN ('restrict', 'delete') AND decision_id IS NOT NULL") == "0")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a group that watches releases its people and says whom it would hold`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let held = try await scene.held("Anton")
        #expect(
            try await scene.command("/settings mode observe").first?.hasSuffix("1 muted member is being released.")
                == true)
        #expect(!scene.isMuted(held))
        let person = scene.person("Boris")
        for text in ["hello", "again"] {
            let message = try scene.simulator.personWrites(person, in: scene.group, text)
            try await scene.settle()
            #expect(scene.simulator.stands(message, in: scene.group))
        }
        for case .decision(let row) in scene.world.log.rows { try await Self.store(row, scene) }
        let status = try #require(try await scene.command("/status").first)
        #expect(status.hasPrefix("Protection: Observing (nothing is done)"))
        #expect(status.contains("Last 24 h: 1 person would have been muted"))
        #expect(scene.buttons() == ["Enforce mode:enforce:\(scene.group)"])
        #expect(try await scene.command("/why \(person)").first?.contains("would have been muted") == true)
        #expect(try await scene.press(person, "mode:enforce:\(scene.group)").hasPrefix("! Only administrators"))
        _ = try await scene.command("/status")
        #expect(try await scene.press(scene.world.owner, "mode:enforce:\(scene.group)") == "")
        try scene.simulator.personWrites(person, in: scene.group, "and now?")
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    /// The scene keeps what would be logged; the log writer has tests of its own.
    @IO
    private static func store(_ row: DecisionRow, _ scene: MemberScene) async throws {
        try await scene.store.write([.decision(row)], batch: (0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a group may be protected by watching first`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let answer = try #require(try await scene.command("/protect @the_market observe").first)
        #expect(answer.contains("Only watching: nothing is done."))
        #expect(scene.buttons().last == "Enforce mode:enforce:\(scene.group)")
        #expect(try await scene.world.stored()?.params.mode == .observe)
        #expect(try await scene.world.stored()?.channels.count == 2)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)))
    @IO func `large groups are offered to watch first, and owners to get notices`() async throws {
        let scene = try await MemberScene(.sqlite)
        let small = try await scene.command("/protect @the_news")
        #expect(small.count == 1)
        #expect(
            scene.buttons() == [
                "Get notices in private https://t.me/\(scene.simulator.options.botUsername)?start=notify"
            ])
        for number in 0..<201 { scene.simulator.place(scene.simulator.addPerson("P\(number)"), in: scene.group) }
        #expect(
            try await scene.command("/start notify", inPrivate: true).first?.hasPrefix("I will write to you here")
                == true)
        _ = try await scene.command("/protect @the_news")
        #expect(scene.buttons() == ["Watch first mode:observe:\(scene.group)"])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who runs the service pauses all groups, others do not`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let chief = scene.person("Chief")
        scene.services.settings.adminIDs = [UserID(chief)]
        #expect(
            try await scene.command("/pause all", by: scene.world.owner, inPrivate: true)
                == ["This command is available to administrators only."])
        #expect(
            try await scene.command("/pause all 2h", by: chief, inPrivate: true).first?.hasPrefix(
                "Paused in all groups") == true)
        let person = scene.person("Boris")
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(!scene.isMuted(person))
        // A replica that starts now knows it too.
        let caches = Caches()
        await NewsWatch(store: scene.store, caches: caches, tellsByMessage: true).look()
        #expect(caches.pause.isOn)
        #expect(
            try await scene.command("/pause all off", by: chief, inPrivate: true) == [
                "The pause is over in all groups."
            ])
        try scene.simulator.personWrites(person, in: scene.group, "and now?")
        try await scene.settle()
        #expect(scene.isMuted(person))
        #expect(
            try await scene.command("/pause \(scene.group) 1h", by: chief, inPrivate: true).first?.hasPrefix(
                "Paused until") == true)
        #expect(try await scene.store.pausedGroupCount() == 1)
        await scene.end()
    }

    @Test(arguments: [
        ("/pause 8d", false), ("/pause 0m", false), ("/pause 1", false), ("/pause 1y", false), ("/pause -1h", false),
        ("/pause 99999999999999999999h", false), ("/pause all 8d", true),
    ])
    @IO func `a bad duration is answered with examples`(command: String, isPrivate: Bool) async throws {
        let scene = try await MemberScene(.sqlite)
        scene.services.settings.adminIDs = [UserID(scene.world.owner)]
        #expect(
            try await scene.command(command, inPrivate: isPrivate) == ["A duration is 30m, 2h or 1d, at most 7d."])
        #expect(try await scene.world.stored()?.params.pausedUntilSeconds == nil)
        await scene.end()
    }

    @Test(arguments: ["/pause", "/pause everything", "/pause 5", "/pause all 1h 2h"])
    @IO func `a private pause says what it can pause`(command: String) async throws {
        let scene = try await MemberScene(.sqlite)
        scene.services.settings.adminIDs = [UserID(scene.world.owner)]
        #expect(
            try await scene.command(command, inPrivate: true)
                == ["Say what to pause: /pause all 1h, /pause -100… 1h; end: off."])
        await scene.end()
    }
}
