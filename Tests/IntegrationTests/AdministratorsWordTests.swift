// What administrators do by hand to held people stands.

import Domain
import EventLoop
import Handlers
import Storage
import Testing

@testable import Simulator

@Suite("The administrators' word", .serialized) struct AdministratorsWordTests {
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who is freed by an administrator is exempt for a day`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        #expect(scene.said().count == 1)
        scene.simulator.adminFrees(person, in: scene.group)
        try await scene.settle()
        #expect(try await scene.releases(of: person) == "admin")
        #expect(scene.said().isEmpty)
        #expect(scene.calls("restrictChatMember") == 1)
        let message = try scene.simulator.personWrites(person, in: scene.group, "thanks")
        try await scene.settle()
        #expect(scene.simulator.stands(message, in: scene.group) && !scene.isMuted(person))
        // Leaving and joining again changes nothing about it.
        try scene.simulator.personLeaves(person, scene.group)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(!scene.isMuted(person))
        if engine == .postgreSQL {
            try await scene.run("UPDATE exemptions SET until = until - interval '86401 seconds'")
        }
        try await scene.pass(seconds: 86_401)
        try scene.simulator.personWrites(person, in: scene.group, "and now?")
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a prompt for several stops naming who was freed`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let (one, two) = (scene.person("Boris"), scene.person("Carl"))
        try await scene.world.hold(one, for: [scene.news])
        try await scene.world.hold(two, for: [scene.news])
        for person in [one, two] {
            scene.simulator.world.restrict(
                person, in: scene.group, to: [], by: scene.simulator.world.botID, now: WallClock.now)
        }
        try await scene.run("UPDATE user_restrictions SET state = 'held'")
        var record = Record(update: nil)
        record.effects = [.prompt(in: ChatID(scene.group))]
        _ = try await scene.store.record(record)
        try await scene.settle()
        #expect(scene.said().count == 1 && scene.said()[0].contains("Boris") && scene.said()[0].contains("Carl"))
        scene.simulator.adminFrees(one, in: scene.group)
        try await scene.settle()
        #expect(scene.said().count == 1 && !scene.said()[0].contains("Boris") && scene.said()[0].contains("Carl"))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a held person who leaves the group takes no exception along`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        try scene.simulator.personLeaves(person, scene.group)
        try await scene.settle()
        #expect(try await scene.releases(of: person) == "left")
        #expect(try await scene.world.ask("SELECT outcome FROM decisions ORDER BY id") == "hold, release")
        #expect(scene.simulator.member(person, in: scene.group).status == .left)
        #expect(scene.said().isEmpty)
        try await scene.pass(seconds: 61)
        try scene.simulator.personJoins(person, scene.group)
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    /// Found by the random world 136: the look at who had left a channel saw them gone and lifted the mute, and a lift
    /// of somebody who is banned is the end of the ban.
    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases, [true, false])
    @IO func `a ban that was not heard of yet is not undone by a look`(engine: Engine, leaves: Bool) async throws {
        let scene = try await MemberScene(engine, requires: true)
        let person = try await scene.held("Boris", knows: [scene.market])
        scene.lost = ["chat_member"]
        scene.simulator.adminBans(person, in: scene.group)
        try await scene.settle()
        scene.lost = []
        if leaves {
            try scene.simulator.personLeaves(person, scene.market)
        } else {
            try scene.simulator.personJoins(person, scene.news)
        }
        try await scene.settle()
        #expect(scene.simulator.member(person, in: scene.group).status == .kicked)
        #expect(scene.calls("restrictChatMember") == 1)
        #expect(try await scene.releases(of: person) == "admin_restricted")
        #expect(scene.said().isEmpty)
        await scene.end()
    }

    /// What an administrator does to somebody who is held.
    enum Change: String, CaseIterable, CustomTestStringConvertible {
        case mutes, mutesForADay, bans, promotes, allowsText, unbans
        var testDescription: String { rawValue }

        @IO func happen(to person: Int64, _ scene: MemberScene) {
            switch self {
            case .mutes:
                // Another set of permissions than ours, for an administrator who sets the same changes nothing.
                scene.simulator.adminRestricts(person, in: scene.group, to: Permissions(rawValue: 1 << 13))
            case .mutesForADay:
                scene.simulator.adminRestricts(person, in: scene.group, until: WallClock.now.seconds + 86_400)
            case .bans: scene.simulator.adminBans(person, in: scene.group)
            case .promotes: scene.simulator.ownerPromotes(person, in: scene.group, .deleteMessages)
            case .allowsText: scene.simulator.adminRestricts(person, in: scene.group, to: .sendMessages)
            case .unbans:
                scene.simulator.adminBans(person, in: scene.group)
                scene.simulator.adminBans(person, in: scene.group, isBanned: false)
            }
        }

        var reason: String {
            switch self {
            case .mutes, .mutesForADay, .bans, .unbans: "admin_restricted"
            case .promotes, .allowsText: "admin"
            }
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases, Change.allCases)
    @IO func `what an administrator sets is never lifted`(engine: Engine, change: Change) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        change.happen(to: person, scene)
        try await scene.settle()
        let after = scene.simulator.member(person, in: scene.group)
        #expect(try await scene.releases(of: person) == change.reason)
        #expect(try await scene.world.ask("SELECT outcome FROM decisions ORDER BY id") == "hold, release")
        #expect(try await scene.hold(of: person) == nil)
        if change != .bans && change != .unbans {
            try scene.simulator.personJoins(person, scene.news)
            try await scene.settle()
        }
        #expect(try await scene.intakePress(person) != "! You can write now.")
        #expect(scene.simulator.member(person, in: scene.group).status == after.status)
        #expect(scene.simulator.member(person, in: scene.group).permissions == after.permissions)
        #expect(scene.calls("restrictChatMember") == 1)
        #expect(scene.said().isEmpty)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `who becomes administrator is free at once, who is none any more is checked`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.simulator.ownerPromotes(person, in: scene.group, .deleteMessages)
        try await scene.settle()
        let first = try scene.simulator.personWrites(person, in: scene.group, "as an administrator")
        try await scene.settle()
        #expect(scene.simulator.stands(first, in: scene.group))
        // Being freed by promotion exempts for a day, so another one shows the list.
        let other = scene.person("Carl")
        scene.simulator.ownerPromotes(other, in: scene.group, .deleteMessages)
        try scene.simulator.personWrites(other, in: scene.group, "me too")
        try await scene.settle()
        #expect(try await scene.hold(of: other) == nil)
        scene.simulator.ownerPromotes(other, in: scene.group, nil)
        try scene.simulator.personWrites(other, in: scene.group, "no more")
        try await scene.settle()
        #expect(scene.isMuted(other))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `our own echo is not an administrator's word`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        scene.lost = ["chat_member"]
        let person = try await scene.held("Boris")
        // The echo comes while the row still says that nothing is known of the mute.
        try await scene.run("UPDATE user_restrictions SET state = 'intended'")
        try await scene.tell(Self.echo(person, by: scene.simulator.world.botID, in: scene.group))
        #expect(try await scene.hold(of: person)?.state == .intended)
        #expect(scene.isMuted(person) && scene.calls("restrictChatMember") == 1)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a mute of ours that nobody knows of is lifted, one that we just made is not`(engine: Engine) async throws
    {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris")
        // A replica that was stopped restricts after others released.
        scene.simulator.world.restrict(
            person, in: scene.group, to: [], by: scene.simulator.world.botID, now: WallClock.now)
        scene.simulator.settle()
        try await scene.settle()
        #expect(!scene.isMuted(person))
        // An administrator's mute looks the same, but is theirs.
        scene.simulator.adminRestricts(person, in: scene.group)
        try await scene.settle()
        #expect(scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `on a row that is only intended the administrator wins`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = scene.person("Boris")
        // Our restrict waits for a pause of Telegram's.
        scene.simulator.failNext(.tooManyRequests(retryAfter: 30), of: "restrictChatMember", count: 1)
        try scene.simulator.personWrites(person, in: scene.group, "hello")
        try await scene.settle()
        #expect(try await scene.hold(of: person)?.state == .intended)
        scene.simulator.adminRestricts(person, in: scene.group, to: Permissions(rawValue: 0b11))
        try await scene.settle()
        #expect(try await scene.releases(of: person) == "admin")
        try await scene.pass(seconds: 40)
        #expect(!scene.isMuted(person))
        #expect(scene.simulator.permissions(of: person, in: scene.group) == Permissions(rawValue: 0b11))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `our mute that lands after the administrator's word is taken back`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        scene.simulator.adminFrees(person, in: scene.group)
        try await scene.settle()
        // The request that was on its way arrives now, from the same process.
        scene.simulator.world.restrict(
            person, in: scene.group, to: [], by: scene.simulator.world.botID, now: WallClock.now)
        scene.simulator.settle()
        try await scene.settle()
        #expect(!scene.isMuted(person))
        await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a held person who can write was freed unseen, or is only deleted`(engine: Engine) async throws {
        let scene = try await MemberScene(engine)
        let person = try await scene.held("Boris")
        try await scene.heldNow()
        scene.lost = ["chat_member"]
        scene.simulator.adminFrees(person, in: scene.group)
        try await scene.settle()
        // Within five seconds it is a message from before the mute.
        let early = try scene.simulator.personWrites(person, in: scene.group, "early")
        try await scene.settle()
        #expect(!scene.simulator.stands(early, in: scene.group))
        #expect(try await scene.hold(of: person) != nil)
        try await scene.pass(seconds: 10)
        try scene.simulator.personWrites(person, in: scene.group, "later")
        try await scene.settle()
        #expect(try await scene.releases(of: person) == "admin")
        let free = try scene.simulator.personWrites(person, in: scene.group, "free")
        try await scene.settle()
        #expect(scene.simulator.stands(free, in: scene.group))
        #expect(scene.said().isEmpty)

        // Restricted all the same: Telegram lets some things through. Only the message goes.
        let other = try await scene.held("Carl")
        try await scene.heldNow()
        let prompts = scene.calls("sendMessage")
        try await scene.pass(seconds: 10)
        scene.simulator.world.chats[scene.group]?.members[other]?.permissions = .sendMessages
        let message = try scene.simulator.personWrites(other, in: scene.group, "still here")
        try await scene.settle()
        #expect(!scene.simulator.stands(message, in: scene.group))
        #expect(try await scene.hold(of: other)?.state == .held)
        #expect(scene.calls("sendMessage") == prompts)
        await scene.end()
    }

    private static func echo(_ person: Int64, by actor: Int64, in group: Int64) -> String {
        let user = #"{"id":\#(person),"first_name":"Boris","is_bot":false}"#
        return """
            "chat_member":{"chat":{"id":\(group),"type":"supergroup","title":"Talk"},\
            "from":{"id":\(actor),"first_name":"Nezuko","is_bot":true},"date":\(WallClock.now.seconds),\
            "old_chat_member":{"status":"member","user":\(user)},\
            "new_chat_member":{"status":"restricted","is_member":true,"user":\(user),"until_date":0,\
            "can_send_messages":false}}
            """
    }
}

extension MemberScene {
    /// A press on the person's button as it may come after the message is gone; gives the toast.
    func intakePress(_ person: Int64, data: String? = nil, by presser: Int64? = nil) async throws -> String {
        let query = simulator.world.askForPress(presser ?? person)
        let from = presser ?? person
        let answer = try await tell(
            """
            "callback_query":{"id":"\(query)","from":{"id":\(from),"first_name":"P","is_bot":false,\
            "language_code":"en"},"chat_instance":"1","data":"\(data ?? "verify:\(person)")",\
            "message":{"message_id":1,"date":0,"chat":{"id":\(group),"type":"supergroup","title":"Talk"}}}
            """)
        #expect(answer == .ok)
        return toast(query)
    }
}

extension World {
    /// A query that the bot may answer, without a message that shows the button.
    mutating func askForPress(_ person: Int64) -> String {
        let query = String(random.next() >> 1)
        callbacks[query] = Callback(userID: person, at: WallClock.now)
        callbackOrder.append(query)
        return query
    }
}
