// Two replicas on one PostgreSQL, replaced one after the other while a raid goes on.

import EventLoop
import JSON
import Testing

extension Faults {
    @Test(.timeLimit(.minutes(2))) @IO
    func `replicas are replaced under load and nothing is lost or doubled`() async throws {
        let world = try await FaultWorld(.postgreSQL)
        let groups = [try await world.group(), try await world.group(), try await world.group()]
        let (first, second) = (try await world.serve(), try await world.serve())
        try await world.control("clearCalls")

        // In good order: each ends by SIGTERM when the load is on.
        var raiders = try await raid(world, groups, people: 25, seconds: 5)
        try await waitForHolds(10, world)
        // The balancer goes on sending to it until it refuses, as a real one does.
        let ended = try await first.child.terminate()
        world.forget(first)
        #expect(ended.code == 0)
        let third = try await world.serve()
        try await waitForHolds(40, world)
        #expect(try await second.child.terminate().code == 0)
        world.forget(second)
        let fourth = try await world.serve()
        try await waitForHolds(raiders.count, world)
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        try await expectOnce(world, raiders)
        let restricts = try await world.calls().filter { $0["method"]?.string == "restrictChatMember" }
        #expect(restricts.count == raiders.count)
        #expect(restricts.allSatisfy { $0["status"]?.int == 200 })
        // Nobody was told twice: whoever is named in a prompt is named in one.
        var prompts: [(id: Int64, text: String)] = []
        for group in groups { prompts += try await world.botMessages(in: group.id) }
        let stored = try await world.rows("SELECT DISTINCT group_id, warning_message_id FROM user_restrictions")
        #expect(prompts.count == stored.count, "\(prompts) \(stored)")

        // By a crash: the other one takes over what was begun.
        raiders += try await raid(world, groups, people: 15, seconds: 3)
        try await waitForHolds(90, world)
        try await world.kill(third)
        try await waitForHolds(raiders.count, world)
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        try await expectOnce(world, raiders)

        world.forget(fourth)
        #expect(try await fourth.child.terminate().code == 0)
        await world.end()
    }

    /// People who come into each group and write once. Gives group and person as the ledger has them.
    @IO
    private func raid(
        _ world: FaultWorld, _ groups: [TestGroup], people: Int64, seconds: Int64
    ) async throws -> [String] {
        var raiders: [String] = []
        for group in groups {
            let answer = try await world.control(
                "raid", ["chat": .int(group.id), "people": .int(people), "seconds": .int(seconds)])
            raiders += (answer["ids"]?.array ?? []).compactMap(\.int).map { "\(group.id) \($0)" }
        }
        return raiders
    }

    @IO
    private func waitForHolds(_ number: Int, _ world: FaultWorld) async throws {
        try await until("\(number) people are held", seconds: 40) {
            try await world.count("user_restrictions WHERE state = 'held'") >= number
        }
    }

    /// Each raider has one row and one decision, and no message of theirs stands.
    @IO
    private func expectOnce(_ world: FaultWorld, _ raiders: [String]) async throws {
        let rows = try await world.rows("SELECT group_id, user_id FROM user_restrictions")
        #expect(rows.sorted() == raiders.sorted())
        #expect(try await world.count("decisions WHERE outcome = 'hold'") == raiders.count)
        for chat in try await world.control("state")["chats"]?.array ?? [] where chat["type"]?.string == "supergroup" {
            let id = chat["id"]?.int ?? 0
            #expect(try await world.botMessages(in: id).count == Int(chat["standing"]?.int ?? -1))
        }
    }
}
