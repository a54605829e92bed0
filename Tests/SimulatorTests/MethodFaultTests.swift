// Faults by seed on the methods that other bots use: what failed is not done, what was lost is.

import EventLoop
import HTTPClient
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct MethodFaultTests {
    /// What one call came to: on the wire, in the log, and in the chat.
    private struct Outcome: Equatable, CustomStringConvertible {
        let method: String
        let wire: String
        let isNoted: Bool
        let isDone: Bool

        var description: String { "\(method) \(wire) \(isNoted) \(isDone)" }
    }

    /// Each adds one message when it is done.
    private static let calls: [(method: String, body: String)] = [
        ("sendMessage", "\"text\":\"x\""), ("sendPhoto", "\"photo\":\"https://example.org/a.png\""),
        ("sendDocument", "\"document\":\"https://example.org/a.pdf\""), ("sendDice", "\"emoji\":\"🎯\""),
        ("sendLocation", "\"latitude\":1.5,\"longitude\":2"),
        ("sendContact", "\"phone_number\":\"+1\",\"first_name\":\"A\""),
        ("sendPoll", "\"question\":\"?\",\"options\":[\"a\",\"b\"]"),
        ("copyMessage", "\"from_chat_id\":CHAT,\"message_id\":1"),
        ("forwardMessage", "\"from_chat_id\":CHAT,\"message_id\":1"),
    ]

    private func run(seed: UInt64, rounds: Int) async throws -> [Outcome] {
        var options = SimulatorOptions()
        options.seed = seed
        options.hasFloodLimits = false
        options.faults = FaultRates(percents: "429=8,5xx=8,cut=8,slow=8,malformed=8,lost=8") ?? options.faults
        let served = try Served(options)
        defer { served.simulator.stop() }
        let person = served.simulator.addPerson("Ann")
        let group = served.simulator.addGroup("Group", owner: person)
        try served.simulator.personWrites(person, in: group, "first")
        var outcomes: [Outcome] = []
        for _ in 0..<rounds {
            for (method, members) in Self.calls {
                let before = served.simulator.botMessages(in: group).count
                let body = "{\"chat_id\":\(group),\(members)}".replacing("CHAT", with: "\(group)")
                let call = Task { @IO in await wire(served, method, body) }
                await until { served.simulator.callCount() == outcomes.count + 1 }
                // A slow answer comes within 2 s.
                await pass(seconds: 2.1)
                let isDone = served.simulator.botMessages(in: group).count == before + 1
                let isNoted = served.simulator.calls.last?.status == 200
                outcomes.append(Outcome(method: method, wire: await call.value, isNoted: isNoted, isDone: isDone))
            }
        }
        return outcomes
    }

    private func wire(_ served: Served, _ method: String, _ body: String) async -> String {
        do { return "\(try await served.call(method, body).status)" } catch {
            return error is JSONError ? "malformed" : "cut"
        }
    }

    @Test(arguments: [21, 22, 23]) @IO
    func `what failed is not done, what was lost is done, and the seed repeats it`(seed: UInt64) async throws {
        let outcomes = try await run(seed: seed, rounds: 12)
        for outcome in outcomes {
            #expect(outcome.isDone == outcome.isNoted, "\(outcome)")
            switch outcome.wire {
            case "200": #expect(outcome.isDone, "\(outcome)")
            case "cut": break
            default: #expect(!outcome.isDone, "\(outcome)")
            }
        }
        let wires = Set(outcomes.map(\.wire))
        #expect(wires.isSuperset(of: ["200", "429", "cut", "malformed"]) && !wires.isDisjoint(with: ["500", "502"]))
        #expect(outcomes.contains { $0.wire == "cut" && $0.isDone })
        #expect(outcomes.contains { $0.wire == "cut" && !$0.isDone })
        #expect(try await run(seed: seed, rounds: 3) == Array(outcomes.prefix(3 * Self.calls.count)))
    }

    @Test @IO func `another seed gives other faults`() async throws {
        #expect(try await run(seed: 21, rounds: 3) != run(seed: 22, rounds: 3))
    }
}
