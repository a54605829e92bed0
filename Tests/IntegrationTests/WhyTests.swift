// What administrators are told about decisions, and how they take a hold back.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("Why and release", .serialized) struct WhyTests {
    private static let rightsMissing =
        "Telegram refuses it: please give me the right to restrict members. I keep trying."

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `why tells what was known, what was decided and what was done`(engine: Engine) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let person = try await scene.held("Boris", knows: [scene.market])
        let answer = try #require(try await scene.command("/why \(person)").first)
        let lines = answer.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0].hasPrefix("Boris, now: muted by me since 20"))
        #expect(lines[0].hasSuffix(" UTC, told, pressed 0 times"))
        #expect(lines[2].wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/) != nil, "\(lines[2])")
        #expect(lines[3] == "Message → muted: not subscribed")
        #expect(lines[4].wholeMatch(of: /• News \(@the_news\): not subscribed \(asked, \d+ ms\)/) != nil, "\(lines[4])")
        #expect(lines[5].wholeMatch(of: /• Market \(@the_market\): subscribed \(asked, \d+ ms\)/) != nil, "\(lines[5])")
        let done = lines[6...].map { $0.replacing(/\d+ ms/, with: "n ms") }
        #expect(
            done.sorted() == [
                "→ mute: done in n ms", "→ prompt: done in n ms", "→ remove the message: done in n ms",
            ])
        #expect(
            scene.buttons() == [
                "Release release:\(person):\(scene.group)", "Exempt exempt:\(person):\(scene.group)",
            ])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the newest decisions come first, three of them, and old ones not at all`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        for hours in 1...3 {
            let earlier =
                engine == .sqlite
                ? "strftime('%Y-%m-%dT%H:%M:%fZ', at, '-\(hours) hours')" : "at - interval '\(hours) hours'"
            try await scene.run(
                """
                INSERT INTO decisions (update_id, group_id, user_id, at, rule_version, outcome, facts, effects)
                SELECT update_id, group_id, user_id, \(earlier), rule_version, outcome, facts, '[]' FROM decisions
                WHERE outcome = 'hold'
                """)
        }
        scene.simulator.place(person, in: scene.news)
        _ = try await scene.press(person, "verify:\(person)")
        let answer = try #require(try await scene.command("/why \(person)").first)
        let verdicts = answer.split(separator: "\n").filter { $0.contains(" → ") }
        #expect(verdicts.first == "Pressed the button → released: subscribed to everything")
        #expect(
            verdicts.dropFirst() == ["Message → muted: not subscribed", "Message → muted: not subscribed"])
        #expect(answer.hasPrefix("Boris, now: not muted by me"))
        #expect(answer.contains("→ unmute: done in"))
        let old = engine == .sqlite ? "strftime('%Y-%m-%dT%H:%M:%fZ', at, '-31 days')" : "at - interval '31 days'"
        try await scene.run("UPDATE decisions SET at = \(old)")
        #expect(
            try await scene.command("/why \(person)") == [
                "Nothing is recorded about Boris in the last 30 days.\nNow: not muted by me"
            ])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a reply to a prompt is about whom it addresses`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        let prompt = try #require(scene.simulator.botMessages(in: scene.group).last?.id)
        #expect(try await scene.command("/why", replyTo: prompt).first?.hasPrefix("Boris, now: muted by me") == true)
        // Who was released is still named by the message that somebody replies to.
        scene.simulator.place(person, in: scene.news)
        _ = try await scene.command("/release", replyTo: prompt)
        #expect(!scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a reply to a prompt for several asks for one`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let (one, two) = (scene.person("Boris"), scene.person("Carl"))
        try await scene.world.hold(one, for: [scene.news])
        try await scene.world.hold(two, for: [scene.news])
        try await scene.run("UPDATE user_restrictions SET state = 'held'")
        var record = Record(update: nil)
        record.effects = [.prompt(in: ChatID(scene.group))]
        _ = try await scene.store.record(record)
        try await scene.settle()
        let prompt = try #require(scene.simulator.botMessages(in: scene.group).last?.id)
        let answer = try await scene.command("/release", replyTo: prompt)
        #expect(
            answer == [
                """
                That message is about several people. Choose one: /release id
                • Boris \(one)
                • Carl \(two)
                """
            ])
        #expect(try await scene.hold(of: one) != nil)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a group's administrators read nothing of other groups`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let other = scene.simulator.addGroup("Elsewhere", owner: scene.world.owner)
        try await scene.protect(other, by: [scene.news])
        let person = scene.simulator.addPerson("Boris")
        scene.simulator.place(person, in: other)
        try scene.simulator.personWrites(person, in: other, "hello")
        try await scene.settle()
        #expect(scene.isMuted(person, in: other))
        #expect(
            try await scene.command("/why \(person)").first?.hasPrefix("Nothing is recorded about") == true)
        #expect(try await scene.command("/release \(person)") == ["Boris is not muted by me."])
        #expect(scene.isMuted(person, in: other))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a release frees at once, for a day, and is written down`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        let answer = try #require(try await scene.command("/release \(person)").first)
        #expect(answer.hasPrefix("Boris can write again, and is not checked for 24 hours. Was muted since 20"))
        #expect(answer.hasSuffix(" UTC for not joining News (@the_news)."))
        #expect(!scene.isMuted(person))
        #expect(try await scene.releases(of: person) == "admin")
        let message = try scene.simulator.personWrites(person, in: scene.group, "thanks")
        try await scene.settle()
        #expect(scene.simulator.stands(message, in: scene.group))
        #expect(
            try await scene.world.ask(
                "SELECT admin_id, action, target_type, target_id, details FROM admin_audit_log")
                == "\(scene.world.owner) release user \(person) {\"group_id\":\(scene.group)}")
        #expect(try await scene.command("/release \(person)") == ["Boris is not muted by me."])
        scene.simulator.world.restrict(
            person, in: scene.group, to: [], by: scene.world.owner, now: WallClock.now)
        scene.simulator.settle()
        try await scene.settle()
        #expect(
            try await scene.command("/release \(person)") == [
                "Boris is not muted by me: an administrator restricted them, and only they can lift it."
            ])
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a release that Telegram refuses names the right and goes on`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.simulator.setBotRights(in: scene.group, [.deleteMessages])
        try await scene.settle()
        let answer = try #require(try await scene.command("/release \(person)").last)
        #expect(answer.hasSuffix(Self.rightsMissing), "\(answer)")
        #expect(try await scene.hold(of: person)?.state == .lifting)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `the buttons under an answer do what the commands do, for who may`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let (one, two) = (try await scene.held("Boris"), try await scene.held("Carl"))
        let member = scene.person("Dora", knows: [scene.news])
        _ = try await scene.command("/why \(one)")
        let data = "release:\(one):\(scene.group)"
        #expect(try await scene.press(member, data) == "! Only administrators of this group can use this command.")
        #expect(scene.isMuted(one))
        #expect(try await scene.press(scene.world.owner, data) == "")
        #expect(!scene.isMuted(one))
        #expect(scene.said().contains { $0.hasPrefix("Boris can write again") })
        _ = try await scene.command("/why \(two)")
        #expect(try await scene.press(scene.world.owner, "exempt:\(two):\(scene.group)") == "")
        #expect(!scene.isMuted(two))
        #expect(try await scene.world.stored()?.exemptions[UserID(two)] == .some(nil))
        await scene.end()
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            "release", "release:", "release:5", "release:x:-100", "release:5:100", "release:5:-99999999999999999999",
            "release:-5:GROUP", "release::GROUP", "exempt:0:GROUP", "exempt:9007199254740993:GROUP",
            "release:5:-1001111111111",
        ])
    @IO func `data made up by hand changes nothing`(data: String) async throws {
        let scene = try await MemberScene(.sqlite)
        let person = try await scene.held("Boris")
        let prompt = try #require(scene.simulator.botMessages(in: scene.group).last?.id)
        let made = data.replacing("GROUP", with: String(scene.group))
        let before = try await scene.world.ask("SELECT count(*) FROM exemptions")
        try await scene.tell(
            #"""
            "callback_query":{"id":"77","from":{"id":\#(scene.world.owner),"is_bot":false,"first_name":"A"},
            "chat_instance":"1","data":"\#(made)","message":{"message_id":\#(prompt),"date":1,
            "chat":{"id":\#(scene.group),"type":"supergroup","title":"Talk"}}}
            """#)
        #expect(scene.isMuted(person))
        #expect(try await scene.world.ask("SELECT count(*) FROM exemptions") == before)
        await scene.end()
    }

    @Test(arguments: [
        ("/why", "Reply with /why to a prompt or to the person, or /why @name, /why id."),
        ("/why @nobody", "I do not know @nobody. Reply to a message of theirs with /why."),
        ("/why x", "I do not know x. Reply to a message of theirs with /why."),
        ("/release", "Reply with /release to a prompt or to the person, or /release @name, /release id."),
        (
            "/release 99999999999999999999",
            "I do not know 99999999999999999999. Reply to a message of theirs with /release."
        ),
    ])
    @IO func `a bad argument is answered with what is valid`(command: String, expected: String) async throws {
        let scene = try await MemberScene(.sqlite)
        #expect(try await scene.command(command) == [expected])
        await scene.end()
    }
}
