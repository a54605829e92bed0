// Telegram fails in each of its ways while a raid goes on: in the end all are held, told, and logged.

import EventLoop
import JSON
import Testing

extension Faults {
    /// What the next calls of each method meet, in this order.
    private static let faults: [(method: String, kinds: [String])] = [
        ("deleteMessage", ["lost", "500", "cut", "malformed", "slow"]),
        ("restrictChatMember", ["lost", "cut", "malformed", "500", "429", "lost"]),
        ("sendMessage", ["500", "lost", "slow", "malformed"]),
        // Fewer than the tries of one check: after the last the message would stand, as the group has it by default.
        ("getChatMember", ["cut", "slow", "500"]),
        ("deleteMessages", ["500", "lost"]),
    ]

    @Test(.timeLimit(.minutes(1))) @IO
    func `Telegram fails under load and nobody is lost`() async throws {
        async let first: Void = failed(.sqlite)
        async let second: Void = failed(.postgreSQL)
        _ = try await (first, second)
    }

    @IO
    private func failed(_ engine: Engine) async throws {
        let world = try await FaultWorld(engine)
        let groups = [try await world.group(), try await world.group()]
        let replica = try await world.serve()
        for (method, kinds) in Self.faults {
            for kind in kinds {
                try await world.control(
                    "fault",
                    [
                        "method": .string(method), "kind": .string(kind), "retry_after": .int(1),
                        "milliseconds": .int(300),
                    ])
            }
        }
        for group in groups {
            try await world.control("raid", ["chat": .int(group.id), "people": .int(15), "seconds": .int(2)])
        }
        var held = 0
        try await until("30 are held, not \(held)", seconds: 40) {
            held = try await world.count("user_restrictions WHERE state = 'held'")
            return held == 30
        }
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        // A mute whose answer was lost is ours, not somebody else's.
        #expect(try await world.count("user_restrictions WHERE prior_permissions IS NOT NULL") == 0)
        for chat in try await world.control("state")["chats"]?.array ?? [] where chat["type"]?.string == "supergroup" {
            let id = chat["id"]?.int ?? 0
            #expect(try await world.botMessages(in: id).count == Int(chat["standing"]?.int ?? -1))
        }
        // What was answered in any way is a row of its class; what was not is a NetworkError.
        #expect(try await replica.child.terminate().code == 0)
        world.forget(replica)
        let unanswered = Self.faults.flatMap(\.kinds).count { $0 == "cut" || $0 == "lost" }
        try await world.expectOneRowPerAttempt()
        let used = try await world.calls().count { $0["fault"]?.bool == true }
        #expect(used >= 14)
        let cut = try await world.count("api_call_log WHERE error_class = 'NetworkError'")
        #expect((1...unanswered).contains(cut))
        await world.end()
    }
}
