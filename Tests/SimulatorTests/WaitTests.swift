// The control `await`: it answers when the calls were made, at once or later, or says how many there were.

import EventLoop
import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(1)))
@IO
struct WaitTests {
    @Test @IO func `who waits is answered by the call that was waited for`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let wait = Task { @IO in
            try await served.post("/control/await", "{\"method\":\"getMe\",\"count\":2,\"seconds\":60}")
        }
        await until { !served.simulator.waits.isEmpty }
        _ = try await served.call("getMe")
        _ = try await served.call("getChat")
        #expect(!served.simulator.waits.isEmpty)
        _ = try await served.call("getMe")
        let reply = try await wait.value
        #expect(reply.status == 200 && reply.body["count"]?.int == 2)
        #expect(served.simulator.waits.isEmpty)
    }

    @Test @IO func `what was done already is not waited for`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        _ = try await served.call("getMe")
        #expect(try await served.post("/control/await", "{\"method\":\"getMe\"}").status == 200)
    }

    @Test @IO func `a wait that is too long says what came`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        _ = try await served.call("getMe")
        let wait = Task { @IO in
            try await served.post("/control/await", "{\"method\":\"getMe\",\"count\":2,\"seconds\":3}")
        }
        await until { !served.simulator.waits.isEmpty }
        await pass(seconds: 3.1)
        let reply = try await wait.value
        #expect(reply.status == 400 && reply.body["error"]?.string == "1 of 2 calls of getMe came in 3 s")
        #expect(served.simulator.waits.isEmpty)
    }

    @Test @IO func `a bot that polls is ready before its poll is answered`() async throws {
        let served = try Served()
        defer { served.simulator.stop() }
        let wait = Task { @IO in try await served.post("/control/await", "{\"method\":\"getUpdates\"}") }
        await until { !served.simulator.waits.isEmpty }
        let poll = Task { @IO in try await served.call("getUpdates", "{\"timeout\":50}") }
        #expect(try await wait.value.status == 200)
        #expect(served.simulator.callCount(of: "getUpdates") == 0)
        try served.simulator.personWritesToBot(served.simulator.addPerson("Ann"), "hello")
        #expect(try await poll.value.body["result"]?.array?.count == 1)
    }
}
