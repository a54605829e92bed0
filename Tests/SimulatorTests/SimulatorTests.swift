// Scene: a small world with an owner, two people, a group and a channel, and calls written as tables.

import EventLoop
import JSON

@testable import Simulator

/// A world in which the bot guards one group with one channel, and a clock that stands.
struct Scene {
    var world = World(seed: 7, botID: 123_456, botName: "Nezuko", botUsername: "nezuko_bot")
    var now = Timestamp(seconds: 1_800_000_000)
    let owner: Int64
    let member: Int64
    let stranger: Int64
    let group: Int64
    let channel: Int64

    init(bot: AdminRights = .bot) {
        owner = world.addPerson("Owner")
        member = world.addPerson("Member")
        stranger = world.addPerson("Stranger")
        group = world.addChat("Group", kind: .supergroup)
        channel = world.addChat("Channel", kind: .channel, username: "channel")
        for chat in [group, channel] {
            world.place(owner, in: chat, as: Member(status: .creator))
            world.place(world.botID, in: chat, as: Member(status: .administrator, rights: bot.union(.manageChat)))
        }
        world.place(member, in: group, as: Member(status: .member))
    }

    mutating func call(_ method: String, _ members: (String, JSONValue)...) -> Reply {
        world.apply(method, Parameters(members.map { (key: $0.0, value: $0.1) }), now: now)
    }

    /// The kinds of updates since the last look.
    mutating func kinds() -> [String] { world.takeUpdates().map(\.kind) }

    mutating func pass(seconds: Int64) { now = now.adding(seconds: seconds) }

    var muted: JSONValue { permissions(false) }
    var everything: JSONValue { permissions(true) }

    private func permissions(_ isAllowed: Bool) -> JSONValue {
        .object(Permissions.names.map { ($0, .bool(isAllowed)) })
    }
}

extension Reply {
    var error: MethodError? { if case .failure(let error) = outcome { error } else { nil } }
    var result: JSONValue? { if case .result(let value) = outcome { value } else { nil } }
}
