// The same update again: to several replicas at once, one after the other, and after a restart.

import EventLoop
import JSON
import Testing

extension Faults {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `an update delivered many times has its effects once`(engine: Engine) async throws {
        let world = try await FaultWorld(engine, delivers: false)
        let groups = [try await world.group(), try await world.group(), try await world.group()]
        var written: [(group: TestGroup, name: String, person: Int64, message: Int64)] = []
        for (index, group) in groups.enumerated() {
            for number in 1...2 {
                let name = "P \(index) \(number)"
                let person = try await world.person(name, in: group)
                written.append((group, name, person, try await world.write(person, in: group)))
            }
        }
        let updates = try await world.takeUpdates()
        #expect(updates.count == written.count)
        var replicas: [FaultWorld.Replica] = []
        for _ in 0..<(engine == .sqlite ? 1 : 3) { replicas.append(try await world.serve()) }
        // Of the tests' own calls and of getMe nothing is counted.
        try await world.control("clearCalls")

        // At once, three times each.
        var deliveries: [Task<Delivered, any Error>] = []
        for update in updates {
            for number in 0..<3 {
                let replica = replicas[number % replicas.count]
                deliveries.append(Task { @IO in try await world.deliver(update, to: replica) })
            }
        }
        for delivery in deliveries { #expect(try await delivery.value == Delivered(status: 200)) }
        // Again, to each.
        for update in updates {
            for replica in replicas { #expect(try await world.deliver(update, to: replica).status == 200) }
        }
        try await world.effectsDone()
        // And to a process that remembers nothing.
        for replica in replicas {
            world.forget(replica)
            #expect(try await replica.child.terminate().code == 0)
        }
        let fresh = try await world.serve()
        for update in updates { #expect(try await world.deliver(update, to: fresh).status == 200) }
        try await world.effectsDone()

        for group in groups {
            let messages = try await world.botMessages(in: group.id)
            // One for each person, or one for both.
            #expect((1...2).contains(messages.count), "\(messages)")
            for entry in written where entry.group == group {
                #expect(messages.count { $0.text.contains(entry.name) } == 1, "\(messages)")
            }
        }
        for entry in written {
            #expect(try await !world.stands(entry.message, in: entry.group))
            let calls = try await world.calls().filter { $0["user_id"]?.int == entry.person }
            #expect(calls.count { $0["method"]?.string == "restrictChatMember" } == 1)
        }
        // Deletions of one chat may go together: no message is deleted twice, so none is refused.
        let deletions = try await world.calls().filter { $0["method"]?.string?.hasPrefix("deleteMessage") == true }
        #expect(deletions.count <= written.count)
        #expect(deletions.allSatisfy { $0["status"]?.int == 200 })
        #expect(try await world.count("user_restrictions") == written.count)
        #expect(try await world.count("processed_updates WHERE state = 'recorded'") == updates.count)
        #expect(try await world.count("decisions") == updates.count)
        try await world.expectHeldAndTold()
        await world.end()
    }
}
