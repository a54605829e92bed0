// Members, restrictions, links, topics and limits. Facts and their sources: docs/simulator.md; `bots/api` is
// core.telegram.org/bots/api, `DialogParticipant.cpp` a file of github.com/tdlib/td.

import EventLoop
import JSON
import Testing

@testable import Simulator

struct RuleTests {
    private func record(_ scene: Scene, _ person: Int64) -> Member {
        scene.world.member(person, in: scene.group, now: scene.now)
    }

    @discardableResult
    private func restrict(
        _ scene: inout Scene, _ person: Int64, _ permissions: JSONValue, until: Int64 = 0
    ) -> MethodError? {
        scene.call(
            "restrictChatMember", ("chat_id", .int(scene.group)), ("user_id", .int(person)),
            ("permissions", permissions), ("until_date", .int(until)), ("use_independent_chat_permissions", .bool(true))
        ).error
    }

    // DialogParticipant.cpp, Restricted(): only every permission makes the record a plain member's again.
    @Test(arguments: Permissions.names)
    func `M4 a restriction with one permission missing stays an exception`(missing: String) {
        var scene = Scene()
        let members = Permissions.names.map { (key: $0, value: JSONValue.bool($0 != missing)) }
        restrict(&scene, scene.member, scene.muted)
        restrict(&scene, scene.member, .object(members))
        #expect(record(scene, scene.member).status == .restricted)
        restrict(&scene, scene.member, scene.everything)
        #expect(record(scene, scene.member).status == .member)
    }

    // bots/api#restrictchatmember
    @Test(
        arguments: [(0, false), (29, false), (31, true), (31_622_399, true), (31_622_401, false)] as [(Int64, Bool)])
    func `M5 until_date under 30 s or over 366 days is for ever`(seconds: Int64, ends: Bool) {
        var scene = Scene()
        restrict(&scene, scene.member, scene.muted, until: seconds == 0 ? 0 : scene.now.seconds + seconds)
        #expect((record(scene, scene.member).untilDate != 0) == ends)
        scene.pass(seconds: 400 * 86_400)
        #expect((record(scene, scene.member).status == .member) == ends)
    }

    // Client.cpp, process_restrict_chat_member_query: who is not there is restricted all the same.
    @Test func `M6 a stranger can be restricted, and is so after joining`() throws {
        var scene = Scene()
        #expect(restrict(&scene, scene.stranger, scene.muted) == nil)
        #expect(record(scene, scene.stranger).status == .restricted && !record(scene, scene.stranger).isMember)
        try scene.world.join(scene.stranger, scene.group, now: scene.now)
        #expect(record(scene, scene.stranger).isMember)
        #expect(throws: Refusal.restricted) {
            try scene.world.write(scene.stranger, in: scene.group, "hi", now: scene.now)
        }
    }

    // bots/api#restrictchatmember; USER_ADMIN_INVALID in Client.cpp.
    @Test func `M2 administrators are not restricted, and the bot needs its right`() {
        var scene = Scene()
        scene.world.promote(scene.member, in: scene.group, rights: [], by: scene.owner, now: scene.now)
        #expect(
            restrict(&scene, scene.member, scene.muted)?.description
                == "Bad Request: user is an administrator of the chat")
        scene.world.promote(
            scene.world.botID, in: scene.group, rights: [.deleteMessages], by: scene.owner, now: scene.now)
        #expect(
            restrict(&scene, scene.stranger, scene.muted)?.description
                == "Bad Request: not enough rights to restrict/unrestrict chat member")
    }

    // bots/api#getchatmember: other members only for administrators; "member list is inaccessible" in Client.cpp.
    @Test func `M3 members of a channel are shown to its administrators only`() {
        var scene = Scene()
        func ask() -> Reply {
            scene.call("getChatMember", ("chat_id", .int(scene.channel)), ("user_id", .int(scene.member)))
        }
        #expect(ask().result?["status"]?.string == "left")
        scene.world.change(
            scene.world.botID, in: scene.channel, to: Member(status: .member), by: scene.owner, now: scene.now)
        #expect(ask().error?.description == "Bad Request: member list is inaccessible")
    }

    // bots/api#deletemessage, bots/api#deletemessages
    @Test func `M9 only messages younger than 48 h are deleted, a hundred at once`() throws {
        var scene = Scene()
        var ids: [Int64] = []
        for _ in 0..<3 { ids.append(try scene.world.write(scene.member, in: scene.group, "x", now: scene.now)) }
        func delete(_ ids: [Int64]) -> MethodError? {
            scene.call(
                "deleteMessages", ("chat_id", .int(scene.group)), ("message_ids", .array(ids.map { .int($0) }))
            ).error
        }
        #expect(delete([])?.code == 400 && delete(Array(1...101))?.code == 400)
        #expect(delete([ids[0], 999]) == nil)
        #expect(!scene.world.stands(ids[0], in: scene.group))
        scene.pass(seconds: 172_799)
        #expect(delete([ids[1]]) == nil)
        scene.pass(seconds: 2)
        #expect(delete([ids[2]])?.description == "Bad Request: message can't be deleted")
        #expect(scene.world.stands(ids[2], in: scene.group))
    }

    // bots/api#createchatinvitelink, bots/api#chatmemberupdated
    @Test func `M10 a link lets in until its limit or date, and is named when somebody comes through it`() throws {
        var scene = Scene()
        func link(_ members: (String, JSONValue)...) -> Reply {
            scene.world.apply(
                "createChatInviteLink",
                Parameters(([("chat_id", .int(scene.group))] + members).map { (key: $0.0, value: $0.1) }),
                now: scene.now)
        }
        for limit in [0, 100_000] as [Int64] { #expect(link(("member_limit", .int(limit))).error?.code == 400) }
        let one = try #require(
            link(("member_limit", .int(1)), ("name", .string("gate"))).result?["invite_link"]?.string)
        try scene.world.join(scene.stranger, scene.group, link: one, now: scene.now)
        #expect(scene.world.takeUpdates().first?.value["invite_link"]?["name"]?.string == "gate")
        let other = scene.world.addPerson("Other")
        #expect(throws: Refusal.linkInvalid) {
            try scene.world.join(other, scene.group, link: one, now: scene.now)
        }
        let asking = try #require(link(("creates_join_request", .bool(true))).result?["invite_link"]?.string)
        #expect(throws: Refusal.waitsForApproval) {
            try scene.world.join(other, scene.group, link: asking, now: scene.now)
        }
        let dated = link(("expire_date", .int(scene.now.seconds + 60))).result?["invite_link"]?.string
        let end = try #require(dated)
        scene.pass(seconds: 60)
        #expect(throws: Refusal.linkInvalid) { try scene.world.join(other, scene.group, link: end, now: scene.now) }
    }

    // bots/api#chatjoinrequest, bots/api#approvechatjoinrequest
    @Test func `M11 join requests are shown to and answered by administrators who may invite`() throws {
        for rights in [AdminRights.inviteUsers, .deleteMessages] {
            var scene = Scene(bot: rights)
            try scene.world.requestToJoin(scene.stranger, scene.group, now: scene.now)
            let mayInvite = rights == .inviteUsers
            #expect(scene.kinds() == (mayInvite ? ["chat_join_request"] : []))
            let reply = scene.call(
                "declineChatJoinRequest", ("chat_id", .int(scene.group)), ("user_id", .int(scene.stranger)))
            #expect((reply.error == nil) == mayInvite)
            #expect(!record(scene, scene.stranger).isPresent)
        }
    }

    // bots/api#message (message_thread_id, is_topic_message); TOPIC_CLOSED in Client.cpp.
    @Test func `M8 topics carry their id, General carries none, and closed ones are for administrators`() throws {
        var scene = Scene()
        let forum = scene.world.addChat("Forum", kind: .supergroup, isForum: true)
        scene.world.place(scene.world.botID, in: forum, as: Member(status: .administrator, rights: .bot))
        scene.world.place(scene.member, in: forum, as: Member(status: .member))
        scene.world.chats[forum]?.topics[5] = Topic(name: "Open")
        scene.world.chats[forum]?.topics[6] = Topic(name: "Closed", isClosed: true)
        for thread in [1, 5] as [Int64] {
            _ = try scene.world.write(scene.member, in: forum, "x", thread: thread, now: scene.now)
        }
        let told = scene.world.takeUpdates().map(\.value)
        #expect(told.map { $0["message_thread_id"]?.int } == [nil, 5])
        #expect(told.map { $0["is_topic_message"]?.bool } == [nil, true])
        #expect(throws: Refusal.restricted) {
            try scene.world.write(scene.member, in: forum, "x", thread: 6, now: scene.now)
        }
        for (thread, text) in [
            (1, nil), (5, nil), (6, "Bad Request: TOPIC_CLOSED"), (7, "Bad Request: message thread not found"),
        ] as [(Int64, String?)] {
            let reply = scene.call(
                "sendMessage", ("chat_id", .int(forum)), ("text", .string("x")), ("message_thread_id", .int(thread)))
            #expect(reply.error?.description == text)
        }
    }

    // bots/api#chatmemberupdated, bots/api#setwebhook (chat_member)
    @Test func `M12 a person who blocks the bot is told of, and cannot be written to`() throws {
        var scene = Scene()
        _ = try scene.world.writeToBot(scene.member, "/start", now: scene.now)
        scene.world.setBlocked(scene.member, true, now: scene.now)
        #expect(scene.kinds() == ["message", "my_chat_member"])
        func write() -> String? {
            scene.call("sendMessage", ("chat_id", .int(scene.member)), ("text", .string("x"))).error?.description
        }
        #expect(write() == "Forbidden: bot was blocked by the user")
        _ = try scene.world.writeToBot(scene.member, "/start", now: scene.now)
        #expect(write() == nil)
    }

    // core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
    @Test func `L1 a private chat takes a burst, then a message a second; L3 the bot 30 a second`() throws {
        var scene = Scene()
        var people: [Int64] = []
        for index in 0..<40 {
            let person = scene.world.addPerson("Person \(index)")
            people.append(person)
            _ = try scene.world.writeToBot(person, "/start", now: scene.now)
        }
        func send(to person: Int64) -> Int64? {
            scene.call("sendMessage", ("chat_id", .int(person)), ("text", .string("x"))).error?.retryAfter
        }
        #expect((0..<6).map { _ in send(to: people[0]) } == [nil, nil, nil, nil, nil, 1])
        scene.pass(seconds: 1)
        #expect([send(to: people[0]), send(to: people[0])] == [nil, 1])
        let answers = people.dropFirst().map { send(to: $0) }
        #expect(answers.count { $0 == nil } == 29 && answers.last == 1)
    }

    // t.me/tdlibchat/146123
    @Test func `L2 edits count into the twenty messages that a group takes in a minute`() throws {
        var scene = Scene()
        let group = JSONValue.int(scene.group)
        let sent = scene.call("sendMessage", ("chat_id", group), ("text", .string("0")))
        let id = try #require(sent.result?["message_id"])
        for number in 1...20 {
            let reply = scene.call(
                "editMessageText", ("chat_id", group), ("message_id", id), ("text", .string("\(number)")))
            #expect((reply.error?.code == 429) == (number == 20))
        }
    }

    // bots/api#answercallbackquery, bots/api#botcommand
    @Test func `M13 a toast has 200 characters, a menu a hundred commands`() {
        var scene = Scene()
        let long = scene.call(
            "answerCallbackQuery", ("callback_query_id", .string("1")),
            ("text", .string(String(repeating: "x", count: 201)))
        )
        #expect(long.error?.description == "Bad Request: MESSAGE_TOO_LONG")
        let command = JSONValue.object([("command", .string("a")), ("description", .string("b"))])
        for (count, isFine) in [(100, true), (101, false)] {
            let reply = scene.call("setMyCommands", ("commands", .array(Array(repeating: command, count: count))))
            #expect((reply.error == nil) == isFine)
        }
    }
}
