// A process that dies at each place where recording and performing wait for anything: a fresh one ends what was begun.

import EventLoop
import JSON
import Testing

/// What is under way when the process dies.
private enum Scenario: String, CaseIterable {
    /// Somebody writes whom an administrator forbade photos; they are not subscribed.
    case hold
    /// Somebody who is not subscribed comes into the group.
    case join
    /// Somebody who is held joins the channel.
    case release
    /// Somebody who is held presses the button after joining the channel unseen.
    case press
    /// The owner lets the group only watch while somebody is held.
    case observe
    /// The owner protects a group again in which somebody is still muted who was never told.
    case protect
    /// The bot gets its rights back in such a group.
    case back
}

/// One life and death of a process in one scenario, with people of its own.
@IO
private final class Course {
    let scenario: Scenario
    let world: FaultWorld
    let group: TestGroup
    let person: Int64
    private var message: Int64 = 0

    init(_ scenario: Scenario, in world: FaultWorld) async throws {
        self.scenario = scenario
        self.world = world
        group = try await world.group()
        person = try await world.person("Boris", in: scenario == .join ? nil : group)
    }

    /// Until the world is as it must be before.
    func prepare() async throws {
        switch scenario {
        case .hold:
            try await world.control(
                "restrict",
                [
                    "user": .int(person), "chat": .int(group.id),
                    "permissions": .array([.string("can_send_messages"), .string("can_send_polls")]),
                ])
            _ = try await world.takeUpdates()
        case .join: break
        case .release, .press, .observe: try await letHold()
        case .protect, .back:
            try await letHold()
            try await world.change(
                "UPDATE user_restrictions SET state = 'orphaned', told_at = NULL WHERE group_id = \(group.id)")
            if scenario == .protect {
                try await world.change("UPDATE protected_groups SET enabled = FALSE WHERE group_id = \(group.id)")
            } else {
                try await world.control("botRights", ["chat": .int(group.id)])
                _ = try await world.takeUpdates()
            }
        }
    }

    /// Until a person who is not subscribed is held and told.
    private func letHold() async throws {
        let replica = try await world.serve()
        message = try await world.write(person, in: group)
        try await deliver(to: replica)
        try await world.effectsDone(in: group.id)
        try await deliver(to: replica)
        world.forget(replica)
        _ = try await replica.child.terminate()
    }

    /// What begins it; gives the updates that tell of it.
    func act() async throws -> [JSONValue] {
        switch scenario {
        case .hold: message = try await world.write(person, in: group)
        case .join: try await world.control("join", ["user": .int(person), "chat": .int(group.id)])
        case .release: try await world.control("join", ["user": .int(person), "chat": .int(world.channel)])
        case .press:
            try await world.control("place", ["user": .int(person), "chat": .int(world.channel)])
            let prompt = try #require(try await world.botMessages(in: group.id).last?.id)
            try await world.control(
                "press",
                [
                    "user": .int(person), "chat": .int(group.id), "message": .int(prompt),
                    "data": .string("verify:\(person)"),
                ])
        case .observe: try await world.write(group.owner, in: group, "/settings mode observe")
        case .protect: try await world.write(group.owner, in: group, "/protect @the_news")
        case .back:
            let rights = ["can_manage_chat", "can_delete_messages", "can_restrict_members"]
            try await world.control(
                "botRights", ["chat": .int(group.id), "rights": .array(rights.map { .string($0) })])
        }
        return try await world.takeUpdates()
    }

    /// Telegram's updates until there are no more, as it would send them.
    func deliver(_ first: [JSONValue] = [], to replica: FaultWorld.Replica) async throws {
        var updates = first
        repeat {
            for update in updates { #expect(try await world.deliver(update, to: replica).status == 200) }
            try await world.effectsDone(in: group.id)
            updates = try await world.takeUpdates()
        } while !updates.isEmpty
    }

    /// How it must be in the end, wherever the process died.
    func check(_ point: String) async throws {
        let messages = try await world.botMessages(in: group.id)
        let holds = try await world.ask(
            "SELECT user_id, state FROM user_restrictions WHERE group_id = \(group.id) ORDER BY id")
        let notes: Comment = "\(scenario) \(point): \(holds) \(messages)"
        let isMuted = try await world.member(person, in: group.id).isMuted
        switch scenario {
        case .hold, .join:
            #expect(isMuted && holds == "\(person) held", notes)
            // A message to people at most once more.
            #expect((1...2).contains(messages.count), notes)
            #expect(try await world.count("decisions WHERE group_id = \(group.id) AND outcome = 'hold'") == 1, notes)
        case .release, .press:
            // A press whose first answer was lost is worth nothing later: who presses again is freed.
            if scenario == .press, isMuted { return #expect(holds == "\(person) held", notes) }
            #expect(!isMuted && holds == "\(person) closed", notes)
            #expect(messages.isEmpty, notes)
            #expect(
                try await world.count("decisions WHERE group_id = \(group.id) AND outcome = 'release'") == 1, notes)
        case .observe:
            #expect(!isMuted && holds == "\(person) closed", notes)
            #expect(
                try await world.ask("SELECT params FROM protected_groups WHERE group_id = \(group.id)")
                    .contains("observe"), notes)
        case .protect, .back:
            #expect(isMuted && holds == "\(person) held", notes)
            #expect(
                try await world.count("user_restrictions WHERE group_id = \(group.id) AND told_at IS NOT NULL") == 1,
                notes)
        }
        if message != 0 { #expect(try await !world.stands(message, in: group), notes) }
        guard scenario == .hold else { return }
        let prior = try await world.ask(
            "SELECT prior_permissions FROM user_restrictions WHERE group_id = \(group.id)")
        #expect(prior.contains("can_send_polls"), "\(point): \(prior)")
    }
}

extension Faults {
    /// The points that a scenario passes, in their order.
    @IO
    private static func points(_ scenario: Scenario, _ world: FaultWorld) async throws -> [String] {
        let course = try await Course(scenario, in: world)
        try await course.prepare()
        let replica = try await world.serve(["NEZUKO_CRASH_AT": "list"])
        try await course.deliver(try await course.act(), to: replica)
        try await course.check("none")
        world.forget(replica)
        _ = try await replica.child.terminate()
        // What a start passes is no part of the scenario.
        let lines = replica.child.output.split(separator: "\n").drop { !$0.contains("\"serving\"") }
        let marks = lines.filter { $0.contains("\"crash_point\"") }
        let names = try marks.compactMap { try JSONValue(parsing: Array($0.utf8))["text"]?.string }
        return names.filter { !$0.contains("getMe") && !$0.contains("getWebhookInfo") }
    }

    /// A process dies at the point, Telegram sends again, a fresh process goes on. False: this time it did not come to
    /// the point, since ends of a moment are stored together.
    @IO
    private static func die(_ scenario: Scenario, at point: String, _ world: FaultWorld) async throws -> Bool {
        let course = try await Course(scenario, in: world)
        try await course.prepare()
        let doomed = try await world.serve(["NEZUKO_CRASH_AT": point])
        let updates = try await course.act()
        var answers = 0
        for update in updates {
            // Its connection ends when it dies.
            Task { @IO in
                if (try? await world.deliver(update, to: doomed)) != nil { answers += 1 }
            }
        }
        try await until("it dies, or all is done: \(scenario) \(point)") {
            guard doomed.child.exitCode == nil, answers == updates.count else { return doomed.child.exitCode != nil }
            return try await world.count("effects WHERE chat_id = \(course.group.id) AND \(world.dueSoon)") == 0
        }
        let code = doomed.child.exitCode
        let isDead = code != nil
        if let code { #expect(code == 137, "\(scenario) \(point)") }
        world.forget(doomed)
        if !isDead { _ = try await doomed.child.terminate() }
        // Its leases end, as they would twelve seconds later.
        if world.engine == .postgreSQL {
            try await world.change(
                "UPDATE effects SET due_at = now(), lease_until = now() WHERE lease_owner IS NOT NULL")
        }
        let fresh = try await world.serve()
        try await course.deliver(updates, to: fresh)
        try await course.check(point)
        world.forget(fresh)
        _ = try await fresh.child.terminate()
        return isDead
    }

    #if DEBUG
        @Test(
            .enabled(if: !Child.isShipped, "the program as it is shipped has no such places"),
            .timeLimit(.minutes(5)), arguments: Engine.allCases, Scenario.allCases) @IO
        fileprivate func `wherever a process dies, a fresh one ends what was begun`(
            engine: Engine, scenario: Scenario
        ) async throws {
            let world = try await FaultWorld(engine, delivers: false)
            let kinds = ["message", "callback_query", "chat_member", "my_chat_member"]
            _ = try await world.call("getUpdates", ["allowed_updates": .array(kinds.map { .string($0) })])
            let points = try await Self.points(scenario, world)
            #expect(points.count >= 4, "\(points)")
            var deaths = 0
            for point in points where try await Self.die(scenario, at: point, world) { deaths += 1 }
            #expect(deaths * 4 >= points.count * 3, "\(deaths) deaths at \(points)")
            print("crash points: \(deaths) of \(points.count) of \(scenario) on \(engine.rawValue)")
            await world.end()
        }
    #endif
}
