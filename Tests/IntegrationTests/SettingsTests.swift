// /settings: shown, set, refused with what is valid, and reset.

import Domain
import EventLoop
import Storage
import Testing

@testable import Simulator

@Suite("Settings") struct SettingsTests {
    private static let defaults = """
        Settings (change: /settings key value)
        mode = enforce
        notice_topic = off
        warning = built-in
        join_button = built-in
        verify_button = built-in
        warning_ttl = 300
        fail_mode = open
        delete_joins = off
        allow_channels = off
        private_verify = off
        language = en
        """

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `values are set, shown and reset`(engine: Engine) async throws {
        let world = try await TestWorld(engine)
        #expect(try await world.say("/settings") == ["This group is not protected."])
        _ = try await world.say("/protect @the_news")
        #expect(try await world.say("/settings") == [Self.defaults])
        let changes = [
            ("notice_topic 7", "notice_topic = 7"),
            ("warning Hi {mention} <b> & {channels}", "warning = Hi {mention} <b> & {channels}"),
            ("join_button Go", "join_button = Go"), ("VERIFY_BUTTON Me too", "verify_button = Me too"),
            ("warning_ttl 0", "warning_ttl = 0"), ("fail_mode closed", "fail_mode = closed"),
            ("delete_joins on", "delete_joins = on"), ("allow_channels on", "allow_channels = on"),
            ("private_verify on", "private_verify = on"),
        ]
        for (change, answer) in changes {
            #expect(try await world.say("/settings \(change)") == ["Saved: \(answer)"])
        }
        var expected = GroupParams()
        expected.noticeTopic = 7
        expected.warningText = "Hi {mention} <b> & {channels}"
        expected.joinButton = "Go"
        expected.verifyButton = "Me too"
        expected.warningSeconds = 0
        expected.failMode = .closed
        expected.deletesJoins = true
        expected.allowsSenderChats = true
        expected.offersPrivateVerify = true
        #expect(try await world.stored()?.params == expected)
        let shown = ["Settings (change: /settings key value)", "mode = enforce"] + changes.map(\.1) + ["language = en"]
        #expect(try await world.say("/settings") == [shown.joined(separator: "\n")])
        #expect(try await world.say("/settings reset") == ["All settings are back to their defaults."])
        #expect(try await world.stored()?.params == GroupParams())
        #expect(try await world.say("/settings") == [Self.defaults])
        let noted = try await world.ask(
            "SELECT action, details FROM admin_audit_log WHERE details LIKE '%join%' ORDER BY id LIMIT 2")
        #expect(
            noted
                == (["\"button_join_text\":\"Go\"", "\"delete_joins\":true"].map { change in
                    "settings {\"group_id\":\(world.group),\(change)}"
                }).joined(separator: ", "))
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `a bad key or value is answered with the valid ones`() async throws {
        let world = try await TestWorld()
        _ = try await world.say("/protect @the_news")
        let table = [
            (
                "recap on",
                """
                There is no setting recap. Settings: mode, notice_topic, warning, join_button, verify_button, warning_ttl, \
                fail_mode, delete_joins, allow_channels, private_verify, language
                """
            ),
            ("mode watch", "mode takes: enforce, observe (nothing is done)"),
            ("notice_topic -1", "notice_topic takes: a topic id, here (sent inside the topic), off"),
            ("notice_topic here", "notice_topic takes: a topic id, here (sent inside the topic), off"),
            (
                "warning Hello {name}",
                "warning takes: a text of up to 500 characters; {mention}, {channels} and {group} are replaced, no other {…}"
            ),
            ("join_button", "join_button takes: 1 to 32 characters"),
            ("warning_ttl 5", "warning_ttl takes: 30 to 3600 seconds, or 0 to keep it"),
            ("fail_mode no", "fail_mode takes: open, closed"),
            ("delete_joins yes", "delete_joins takes: on, off"),
            ("language xx", "language takes: en, ru"),
        ]
        for (words, answer) in table { #expect(try await world.say("/settings \(words)") == [answer]) }
        #expect(try await world.stored()?.params == GroupParams())
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `the new language is that of the very next reply`() async throws {
        let world = try await TestWorld()
        _ = try await world.say("/protect @the_news")
        #expect(try await world.say("/settings language ru") == ["Сохранено: language = ru"])
        #expect(try await world.say("/settings language en") == ["Saved: language = en"])
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `inside a topic it can be chosen by here, and the reply is there`() async throws {
        let world = try await TestWorld()
        let forum = world.simulator.addGroup("Forum", isForum: true, owner: world.owner)
        let topic = world.simulator.addTopic("Notices", in: forum)
        _ = try await world.say("/protect @the_news", in: forum)
        let answer = try await world.say("/settings notice_topic here", in: forum, thread: topic)
        #expect(answer == ["Saved: notice_topic = \(topic)"])
        #expect(world.simulator.botMessages(in: forum).last?.threadID == topic)
        #expect(try await world.store.group(ChatID(forum))?.params.noticeTopic == topic)
        await world.end()
    }
}
