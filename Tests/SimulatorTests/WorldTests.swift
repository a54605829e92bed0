// What people do, and the updates that follow.

import EventLoop
import JSON
import Testing

@testable import Simulator

struct WorldTests {
    @Test func `joining and leaving a channel tells the bot that is its administrator`() throws {
        var scene = Scene()
        try scene.world.join(scene.member, scene.channel, now: scene.now)
        try scene.world.leave(scene.member, scene.channel, now: scene.now)
        let told = scene.world.takeUpdates()
        #expect(told.map(\.kind) == ["chat_member", "chat_member"])
        #expect(told.map { $0.value["new_chat_member"]?["status"]?.string } == ["member", "left"])
        #expect(told.allSatisfy { $0.queue == .members(scene.member) })
        scene.world.promote(scene.world.botID, in: scene.channel, rights: nil, by: scene.owner, now: scene.now)
        #expect(scene.kinds() == ["my_chat_member"])
        try scene.world.join(scene.member, scene.channel, now: scene.now)
        #expect(scene.kinds() == [])
    }

    @Test func `a restriction outlasts leaving and coming back`() throws {
        var scene = Scene()
        scene.world.restrict(scene.member, in: scene.group, to: [], by: scene.owner, now: scene.now)
        try scene.world.leave(scene.member, scene.group, now: scene.now)
        try scene.world.join(scene.member, scene.group, now: scene.now)
        let record = scene.world.member(scene.member, in: scene.group, now: scene.now)
        #expect(record.status == .restricted && record.isMember)
    }

    @Test func `a channel's post appears in its discussion group from 777000`() throws {
        var scene = Scene()
        scene.world.chats[scene.channel]?.linkedChatID = scene.group
        _ = try scene.world.write(scene.owner, in: scene.channel, "News", now: scene.now)
        let told = scene.world.takeUpdates()
        #expect(told.map(\.kind) == ["channel_post", "message"])
        #expect(told[1].value["from"]?["id"]?.int == 777_000)
        #expect(told[1].value["is_automatic_forward"]?.bool == true)
        #expect(told[1].value["sender_chat"]?["id"]?.int == scene.channel)
    }

    @Test func `an anonymous administrator speaks as the group, others as their channel by a stand-in`() throws {
        var scene = Scene()
        scene.world.place(scene.owner, in: scene.group, as: Member(status: .creator, rights: .anonymous))
        _ = try scene.world.write(scene.owner, in: scene.group, "hi", now: scene.now)
        _ = try scene.world.write(scene.member, in: scene.group, "hi", asChannel: scene.channel, now: scene.now)
        let told = scene.world.takeUpdates().map(\.value)
        #expect(told.map { $0["from"]?["id"]?.int } == [1_087_968_824, 136_817_688])
        #expect(told.map { $0["sender_chat"]?["id"]?.int } == [scene.group, scene.channel])
    }

    @Test func `a join request is answered, and lets the bot write for five minutes`() throws {
        var scene = Scene()
        try scene.world.requestToJoin(scene.stranger, scene.group, now: scene.now)
        #expect(scene.kinds() == ["chat_join_request"])
        let write = { (scene: inout Scene) in
            scene.call("sendMessage", ("chat_id", .int(scene.stranger)), ("text", .string("x")))
        }
        #expect(write(&scene).error == nil)
        scene.pass(seconds: 301)
        #expect(write(&scene).error?.code == 403)
        #expect(
            scene.call("approveChatJoinRequest", ("chat_id", .int(scene.group)), ("user_id", .int(scene.stranger)))
                .error == nil)
        #expect(scene.world.member(scene.stranger, in: scene.group, now: scene.now).status == .member)
    }

    @Test func `commands carry their entity`() throws {
        let marks = TextMarks.found(in: "🐼 /protect@nezuko_bot @channel")
        #expect(marks.map { $0["type"]?.string } == ["bot_command", "mention"])
        #expect(marks.map { $0["offset"]?.int } == [3, 23] && marks.map { $0["length"]?.int } == [19, 8])
    }

    @Test func `the same seed gives the same run`() {
        func run(_ seed: UInt64) -> [String] {
            var scene = Scene()
            var people = People(seed: seed)
            for _ in 0..<400 {
                scene.pass(seconds: 1)
                people.act(in: &scene.world, now: scene.now)
            }
            return scene.world.takeEvents().map { "\($0)" }
        }
        #expect(run(1) == run(1))
        #expect(run(1) != run(2))
    }
}
