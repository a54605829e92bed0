// Faults by their shares: what is chosen follows from the seed, and each looks as on the wire.

import EventLoop
import HTTPClient
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct FaultTests {
    @Test @IO func `W19 a call whose answer is lost on a kept connection is done once`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let group = served.simulator.addGroup("Group")
        _ = try await served.call("getMe")
        served.simulator.failNext(.answerLost, of: "sendMessage")
        await #expect(throws: HTTPClientError.cut) {
            try await served.call("sendMessage", "{\"chat_id\":\(group),\"text\":\"x\"}")
        }
        #expect(served.simulator.botMessages(in: group).count == 1)
    }

    /// The faults of so many calls, in words.
    private func faults(seed: UInt64, percents: String, calls: Int) -> [String] {
        var faults = Faults()
        faults.rates = FaultRates(percents: percents) ?? FaultRates()
        var random = SplitMix64(seed: seed)
        return (0..<calls).map { _ in faults.take(method: "getme", &random).map { "\($0)" } ?? "-" }
    }

    @Test func `the seed decides which calls fail and how, in about the wanted shares`() {
        let list = "429=10,5xx=10,cut=10,slow=10,malformed=10,lost=10"
        let first = faults(seed: 3, percents: list, calls: 2000)
        #expect(first == faults(seed: 3, percents: list, calls: 2000))
        #expect(first != faults(seed: 4, percents: list, calls: 2000))
        // Each is asked about after the ones before it, so the last share is 10 % of 0.9^5.
        for word in ["tooManyRequests", "serverError", "cut", "slow", "malformed", "answerLost"] {
            let share = first.count { $0.hasPrefix(word) }
            #expect((80...260).contains(share), "\(word): \(share)")
        }
        #expect(first.count { $0 == "-" } > 900)
    }

    @Test(arguments: [
        ("429=100", 429), ("5xx=100", 500), ("slow=100", 200), ("", 200),
    ]) @IO
    func `a share of all calls fails over HTTP`(percents: String, status: Int) async throws {
        var options = SimulatorOptions()
        if let rates = FaultRates(percents: percents) { options.faults = rates }
        let served = try Served(options)
        defer { served.simulator.stop() }
        let call = Task { @IO in try await served.call("getMe") }
        await until { served.simulator.callCount() == 1 }
        // Slow answers come within 2 s.
        await pass(seconds: 2.1)
        let reply = try await call.value
        #expect(reply.status == status || (status == 500 && reply.status == 502))
        #expect((reply.body["parameters"]?["retry_after"]?.int != nil) == (status == 429))
        #expect(served.simulator.calls.map(\.isFault) == [!percents.isEmpty])
    }

    @Test(arguments: ["cut=100", "lost=100"]) @IO
    func `a share of all calls gets no answer`(percents: String) async throws {
        var options = SimulatorOptions()
        options.faults = FaultRates(percents: percents) ?? options.faults
        let served = try Served(options)
        defer { served.simulator.stop() }
        let group = served.simulator.addGroup("Group")
        await #expect(throws: HTTPClientError.cut) {
            try await served.call("sendMessage", "{\"chat_id\":\(group),\"text\":\"x\"}")
        }
        #expect(served.simulator.botMessages(in: group).count == (percents == "lost=100" ? 1 : 0))
    }

    @Test(arguments: ["429", "429=x", "429=101", "flood=1", "429=1,,cut=1"])
    func `shares that are none are refused`(list: String) {
        #expect(FaultRates(percents: list) == nil)
    }
}
