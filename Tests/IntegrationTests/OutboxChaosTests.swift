// Two replicas, many people, calls that fail in every way: in the end everybody is held, told and counted once,
// and everybody who is released is free.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Outbox: chaos", .serialized)
struct OutboxChaosTests {
    private static let methods = ["deleteMessage", "restrictChatMember", "sendMessage", "editMessageText"]

    @Test(
        .timeLimit(.minutes(2)), arguments: [(Engine.sqlite, 1), (.sqlite, 2), (.postgreSQL, 3), (.postgreSQL, 4)])
    @IO
    func `after all faults everybody is held and told, and after the release free`(
        _ engine: Engine, _ seed: Int
    ) async throws {
        let outbox = try await OutboxWorld(engine, timeoutMilliseconds: 300)
        let replicas = [outbox.first, outbox.replica("second")]
        for replica in replicas { replica.services.workers.start() }
        var random = SplitMix64(seed: UInt64(seed))
        plan(outbox, &random)

        let people = (1...15).map { outbox.person("P\($0)") }
        var messages: [Int64] = []
        var deliveries: [Task<Void, Never>] = []
        for person in people {
            for _ in 0...random.below(2) {
                messages.append(try outbox.simulator.personWrites(person, in: outbox.world.group, "hello"))
            }
            let bodies = outbox.waitingUpdates()
            // Telegram delivers again what it has no answer to, perhaps to the other replica.
            for (index, replica) in [replicas[0], replicas[1], replicas[random.below(2)]].enumerated() {
                if index == 1, random.below(2) == 0 { replica.database.failNext(.record, .answerLost) }
                if index == 2, random.below(3) == 0 { replica.database.failNext(.record, .away) }
                deliveries.append(
                    Task { @IO in
                        for body in bodies {
                            while await replica.intake.handle(body) != .ok { await Loop.shared.sleep(milliseconds: 20) }
                        }
                    })
            }
        }
        for delivery in deliveries { await delivery.value }
        for replica in replicas { replica.database.heal() }
        try await passTime(outbox, replicas) {
            let settled = try await outbox.text(
                "SELECT count(*) FROM user_restrictions WHERE state = 'held' AND told_at IS NOT NULL")
            let open = try await outbox.text("SELECT count(*) FROM effects WHERE kind <> 'expire'")
            return settled == String(people.count) && open == "0"
        }
        #expect(people.allSatisfy { outbox.isMuted($0) })
        #expect(!messages.contains { outbox.simulator.stands($0, in: outbox.world.group) })
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == String(people.count))
        #expect(
            try await outbox.text("SELECT count(*) FROM decisions WHERE outcome = 'hold'") == String(people.count))

        outbox.simulator.clearFaults()
        plan(outbox, &random)
        for person in people { try await outbox.release(person) }
        try await passTime(outbox, replicas) {
            let open = try await outbox.text("SELECT count(*) FROM effects WHERE kind <> 'expire'")
            return try await outbox.text("SELECT count(*) FROM user_restrictions WHERE lifted_at IS NULL") == "0"
                && open == "0"
        }
        #expect(!people.contains { outbox.isMuted($0) })
        for replica in replicas { await replica.log.flush() }
        #expect(
            try await outbox.text("SELECT count(*) FROM api_call_log") == String(outbox.simulator.callCount()))
        await outbox.end()
    }

    /// Ten failures of each method, of any kind.
    @IO
    private func plan(_ outbox: OutboxWorld, _ random: inout SplitMix64) {
        let kinds: [Fault] = [
            .tooManyRequests(retryAfter: 1), .serverError(500), .serverError(502), .cut, .malformed, .answerLost,
            .slow(milliseconds: 100), .slow(milliseconds: 500),
        ]
        for method in Self.methods {
            for _ in 0..<10 { outbox.simulator.failNext(kinds[random.below(kinds.count)], of: method) }
        }
    }

    /// Pauses end and what waits is due, again and again.
    @IO
    private func passTime(
        _ outbox: OutboxWorld, _ replicas: [Replica], until isOver: @IO () async throws -> Bool
    ) async throws {
        for _ in 0..<150 {
            if try await isOver() { return }
            Loop.shared.advance(milliseconds: 1100)
            try await outbox.makeDue(kinds: "kind <> 'expire'")
            for replica in replicas { replica.services.workers.wake() }
            await Loop.shared.sleep(milliseconds: 30)
        }
        Issue.record("not over: \(try await outbox.text("SELECT kind, attempts, sends, revision FROM effects"))")
    }
}
