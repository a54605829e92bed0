// What effects respect while they are performed: others' restrictions, the window, requests that are gone.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Outbox: work", .serialized)
struct OutboxWorkTests {
    /// May send text and nothing else.
    private static let textOnly: Permissions = .sendMessages
    /// May send photos and nothing else.
    private static let photosOnly = Permissions.named("can_send_photos") ?? []

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a partial restriction of others is stored before ours, and comes back with the lift`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        let until = WallClock.now.seconds + 86_400
        outbox.simulator.adminRestricts(ben, in: outbox.world.group, to: Self.textOnly, until: until)
        _ = outbox.waitingUpdates()
        // The mute fails the first time: what was found is stored all the same.
        outbox.simulator.failNext(.serverError(500), of: "restrictChatMember")
        try await outbox.write(ben)
        try await outbox.until("stored") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE prior_permissions IS NOT NULL") == "1"
        }
        try await outbox.settle(rounds: 2)
        try await outbox.until("muted") { outbox.isMuted(ben) }
        try await outbox.release(ben)
        try await outbox.until("over") { try await outbox.text("SELECT state FROM user_restrictions") == "closed" }
        #expect(outbox.simulator.permissions(of: ben, in: outbox.world.group) == Self.textOnly)
        #expect(outbox.simulator.member(ben, in: outbox.world.group).untilDate == until)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a full mute found at a take-over is ours, a partial one is not`(_ engine: Engine) async throws {
        for (found, after) in [(Permissions(), Permissions.groupDefault), (Self.photosOnly, Self.photosOnly)] {
            let outbox = try await OutboxWorld(engine)
            let ben = outbox.person("Ben")
            let simulator = outbox.simulator
            var record = Record(update: nil)
            record.hold = HoldWish(
                group: outbox.group, user: UserID(ben), channels: [ChatID(outbox.world.news)], source: .message)
            var wish = EffectWish.restrict(UserID(ben), in: outbox.group)
            wish.startsAtOnce = true
            record.effects = [wish]
            _ = try await outbox.first.store.record(record)
            // Its replica was killed, perhaps after the call.
            let actor = found.isEmpty ? simulator.world.botID : outbox.world.owner
            simulator.world.restrict(
                ben, in: outbox.world.group, to: found, until: 0, by: actor, now: WallClock.now)
            simulator.settle()
            _ = outbox.waitingUpdates()
            try await outbox.makeDue(leases: true)
            let second = outbox.replica("second")
            second.services.workers.start()
            try await outbox.until("held") { try await outbox.text("SELECT state FROM user_restrictions") == "held" }
            try await outbox.release(ben)
            try await outbox.until("over") { try await outbox.text("SELECT state FROM user_restrictions") == "closed" }
            #expect(simulator.permissions(of: ben, in: outbox.world.group).intersection(.groupDefault) == after)
            await outbox.end()
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a replica leases only what it starts at once, and never more than 64`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        outbox.simulator.failNext(.slow(milliseconds: 4000), of: "deleteMessage", count: 40)
        outbox.simulator.failNext(.slow(milliseconds: 4000), of: "restrictChatMember", count: 40)
        for number in 1...40 {
            try outbox.simulator.personWrites(outbox.person("P\(number)"), in: outbox.world.group, "hello")
        }
        let updates = outbox.waitingUpdates()
        let deliveries = updates.map { update in Task { @IO in await outbox.first.intake.handle(update) } }
        try await outbox.until("all are recorded") {
            try await outbox.text("SELECT count(*) FROM user_restrictions") == "40"
        }
        #expect((40...64).contains(outbox.first.services.workers.activeCount))
        // What was leased beside each other for the same room is given back at once.
        try await outbox.until("no more is leased than started") {
            Int(try await outbox.text("SELECT count(*) FROM effects WHERE lease_owner IS NOT NULL")) ?? 0 <= 64
        }
        #expect(
            try await outbox.text(
                "SELECT count(*) FROM effects WHERE lease_owner IS NULL AND due_at > \(outbox.now) AND lane = 1") == "0"
        )
        outbox.simulator.clearFaults()
        Loop.shared.advance(milliseconds: 4000)
        for delivery in deliveries { #expect(await delivery.value == .ok) }
        try await outbox.until("all are held") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE state = 'held'") == "40"
        }
        #expect(outbox.calls("restrictChatMember") == 40)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `who asked to join is let in, and a request that is gone is as good as done`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.simulator.addPerson("Ben"), outbox.simulator.addPerson("Carl"))
        try outbox.simulator.personAsksToJoin(ben, outbox.world.group)
        _ = outbox.waitingUpdates()
        var record = Record(update: nil)
        record.effects = [.approve(UserID(ben), in: outbox.group), .approve(UserID(carl), in: outbox.group)]
        _ = try await outbox.first.store.record(record)
        outbox.first.services.workers.start()
        try await outbox.until("both are done") { try await outbox.waiting() == "" }
        #expect(outbox.simulator.member(ben, in: outbox.world.group).isPresent)
        #expect(outbox.calls("approveChatJoinRequest") == 2)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a further message of a held person is only deleted, a prompt speaks for all`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        // Written before the mute, delivered after each other.
        var messages: [Int64] = []
        for _ in 1...3 { messages.append(try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")) }
        #expect(await outbox.deliver() == [.ok, .ok, .ok])
        try await outbox.until("all are gone") {
            !messages.contains { outbox.simulator.stands($0, in: outbox.world.group) } && outbox.isMuted(ben)
        }
        try await outbox.until("told") { outbox.calls("sendMessage") == 1 }
        #expect(outbox.calls("restrictChatMember") == 1)
        #expect(
            try await outbox.text("SELECT outcome FROM decisions ORDER BY id") == "hold, delete, delete")
        await outbox.end()
    }
}
