// Failures on either side of the outbox: a database that is away or whose answer is lost, a Bot API that fails in each
// of its ways, retries and their end, and the trace of it all.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Outbox: failures", .serialized)
struct OutboxFailureTests {
    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a record of unknown outcome is asked for again, and its effects are done at once`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.first.services.workers.start()
        outbox.first.database.failNext(.record, .answerLost)
        let began = Loop.shared.current()
        let message = try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        let updates = outbox.waitingUpdates()
        #expect(await outbox.first.intake.handle(updates[0]) == IntakeAnswer(status: 503, retryAfterSeconds: 2))
        try await outbox.until("done all the same") {
            !outbox.simulator.stands(message, in: outbox.world.group) && outbox.isMuted(ben)
        }
        #expect(Loop.shared.current().milliseconds(since: began) < 10_000)
        #expect(await outbox.first.intake.handle(updates[0]) == .ok)
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == "1")
        #expect(outbox.calls("deleteMessage") == 1 && outbox.calls("restrictChatMember") == 1)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a record that was not stored is done by the next delivery, once`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.first.database.failNext(.record, .away)
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        let updates = outbox.waitingUpdates()
        #expect(await outbox.first.intake.handle(updates[0]).status == 503)
        #expect(!outbox.isMuted(ben))
        #expect(await outbox.first.intake.handle(updates[0]) == .ok)
        try await outbox.until("held") { outbox.isMuted(ben) }
        #expect(await outbox.first.intake.handle(updates[0]) == .ok)
        #expect(outbox.calls("deleteMessage") == 1)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `an end that could not be stored is repeated, its call never, not even after the lease`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.slow(milliseconds: 3000), of: "deleteMessage")
        outbox.simulator.failNext(.slow(milliseconds: 200), of: "getChatMember", count: 2)
        outbox.simulator.failNext(.slow(milliseconds: 3000), of: "sendMessage")
        let writing = Task { @IO in try await outbox.write(ben) }
        try await outbox.until("calls are on their way") {
            outbox.calls("deleteMessage") == 1 && outbox.calls("sendMessage") == 1
        }
        outbox.first.database.failNext(.record, .away, count: 12)
        Loop.shared.advance(milliseconds: 3000)
        _ = try await writing.value
        try await outbox.until("muted") { outbox.isMuted(ben) }
        try await outbox.makeDue(leases: true)
        outbox.first.services.workers.wake()
        try await outbox.until("ended") {
            outbox.first.services.workers.wake()
            return try await outbox.waiting() == "expire"
        }
        #expect(
            try await outbox.text("SELECT state, (told_at IS NOT NULL) FROM user_restrictions") == "held 1")
        #expect(outbox.calls("deleteMessage") == 1)
        #expect(outbox.calls("sendMessage") == 1)
        #expect(outbox.calls("restrictChatMember") == 1)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases) @IO
    func `a mute that fails is tried after 1, 2, 4 … 60 s, for ten minutes, and then the hold has failed`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.serverError(500), of: "restrictChatMember", count: 40)
        try await outbox.write(ben)
        var pauses: [Int64] = []
        for attempts in 1...15 {
            try await outbox.until("attempt \(attempts) is over") {
                try await outbox.text(
                    "SELECT attempts FROM effects WHERE kind = 'restrict' AND lease_owner IS NULL") == "\(attempts)"
            }
            let left = try await outbox.text(
                engine == .sqlite
                    ? "SELECT CAST(round((julianday(due_at) - julianday(\(outbox.now))) * 86400) AS INTEGER) "
                        + "FROM effects WHERE kind = 'restrict'"
                    : "SELECT round(extract(epoch FROM due_at - clock_timestamp()))::int FROM effects "
                        + "WHERE kind = 'restrict'")
            pauses.append(Int64(left) ?? 0)
            try await outbox.makeDue(kinds: "kind = 'restrict'")
            outbox.first.services.workers.wake()
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32] + Array(repeating: 60, count: 9))
        try await outbox.until("given up") {
            try await outbox.text("SELECT state, release_reason FROM user_restrictions") == "closed failed"
        }
        #expect(outbox.calls("restrictChatMember") == 16)
        #expect(!outbox.isMuted(ben))
        #expect(try await outbox.text("SELECT count(*) FROM effects WHERE kind = 'restrict'") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases) @IO
    func `a lift is never given up: after ten minutes it is tried hourly`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.write(ben)
        try await outbox.until("held") {
            try await outbox.text("SELECT state FROM user_restrictions") == "held"
        }
        outbox.simulator.failNext(.serverError(500), of: "restrictChatMember", count: 16)
        try await outbox.release(ben)
        try await outbox.until("the first attempt is over") {
            try await outbox.text("SELECT count(*) FROM effects WHERE kind = 'lift' AND attempts = 1") == "1"
        }
        try await outbox.execute("UPDATE effects SET attempts = 15 WHERE kind = 'lift'")
        try await outbox.makeDue(kinds: "kind = 'lift'")
        outbox.first.services.workers.wake()
        try await outbox.until("it waits an hour") {
            try await outbox.text("SELECT count(*) FROM effects WHERE kind = 'lift' AND attempts = 16") == "1"
        }
        #expect(try await outbox.text("SELECT state FROM user_restrictions") == "lifting")
        outbox.simulator.clearFaults()
        try await outbox.makeDue(kinds: "kind = 'lift'")
        outbox.first.services.workers.wake()
        try await outbox.until("free") { !outbox.isMuted(ben) }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the trace of a decision tells each attempt with its class and its time`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.serverError(500), of: "restrictChatMember")
        try await outbox.write(ben)
        try await outbox.until("one has failed") {
            try await outbox.text("SELECT attempts FROM effects WHERE kind = 'restrict' AND lease_owner IS NULL") == "1"
        }
        try await outbox.settle(rounds: 1)
        try await outbox.until("held") { try await outbox.text("SELECT state FROM user_restrictions") == "held" }
        let trace = try await outbox.text("SELECT effects FROM decisions WHERE outcome = 'hold'").filter { $0 != " " }
        func entries(_ parts: String...) -> Int {
            trace.split(separator: "}").count { entry in parts.allSatisfy { entry.contains($0) } }
        }
        #expect(entries(#""kind":"delete""#, #""result":"done""#, #""ms":"#) == 1)
        #expect(entries(#""kind":"prompt""#, #""result":"done""#) == 1)
        #expect(entries(#""kind":"restrict""#, #""result":"waiting""#, #""class":"ServerError""#, #""ms":"#) == 1)
        #expect(entries(#""kind":"restrict""#, #""result":"done""#, #""attempts":2"#) == 1)
        // What is usual is left out.
        #expect(entries("attempts") == 1)
        #expect(entries("class") == 1)
        #expect(entries("chat") == 0)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a refusal is told as failed in the trace, and the trace is bounded`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(
            .refused(400, "Bad Request: user is an administrator of the chat"), of: "restrictChatMember")
        outbox.simulator.failNext(.serverError(500), of: "deleteMessage", count: 20)
        try await outbox.write(ben)
        for attempts in 1...12 {
            try await outbox.until("attempt \(attempts) is over") {
                try await outbox.text("SELECT attempts FROM effects WHERE kind = 'delete' AND lease_owner IS NULL")
                    == "\(attempts)"
            }
            try await outbox.makeDue(kinds: "kind = 'delete'")
            outbox.first.services.workers.wake()
        }
        let trace = try await outbox.text("SELECT effects FROM decisions WHERE outcome = 'hold'").filter { $0 != " " }
        #expect(trace.contains(#""result":"failed""#) && trace.contains(#""class":"UserIsAdmin""#))
        #expect(trace.utf8.count <= 1024)
        await outbox.end()
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            Fault.tooManyRequests(retryAfter: 1), .serverError(500), .cut, .slow(milliseconds: 2500), .malformed,
            .answerLost,
        ], Engine.allCases) @IO
    func `whatever one call meets, the person ends held, told and counted`(
        _ fault: Fault, _ engine: Engine
    ) async throws {
        for method in ["getChatMember", "deleteMessage", "restrictChatMember", "sendMessage"] {
            let outbox = try await OutboxWorld(engine, timeoutMilliseconds: 1000)
            let ben = outbox.person("Ben")
            outbox.first.services.workers.start()
            outbox.simulator.failNext(fault, of: method)
            let message = try await outbox.write(ben)
            // Time passes: pauses end, what waits is due.
            for _ in 0..<40 where try await !outbox.isSettled(ben, message) {
                // A call on its way would take the step for its own time.
                try await outbox.until("no call is on its way") {
                    outbox.first.services.workers.activeCount == 0
                }
                Loop.shared.advance(milliseconds: 1100)
                try await outbox.makeDue(kinds: "kind <> 'expire'")
                outbox.first.services.workers.wake()
                await Loop.shared.sleep(milliseconds: 40)
            }
            #expect(try await outbox.isSettled(ben, message), "\(method)")
            #expect(outbox.calls("sendMessage 200") <= 2)
            try await outbox.until("nothing is on its way") { outbox.first.services.workers.activeCount == 0 }
            await outbox.first.log.flush()
            let calls = outbox.simulator.calls
            #expect(try await outbox.text("SELECT count(*) FROM api_call_log") == String(calls.count), "\(method)")
            let unanswered = try await outbox.text(
                "SELECT count(*) FROM api_call_log WHERE error_class = 'NetworkError'")
            let isLost = fault == .cut || fault == .answerLost || fault == .slow(milliseconds: 2500)
            #expect(unanswered == (isLost ? "1" : "0"), "\(method)")
            await outbox.end()
        }
    }
}

extension OutboxWorld {
    /// The message is gone, its author muted and told, the ledger says so.
    fileprivate func isSettled(_ person: Int64, _ message: Int64) async throws -> Bool {
        guard !simulator.stands(message, in: world.group), isMuted(person) else { return false }
        return try await text("SELECT state, (told_at IS NOT NULL) FROM user_restrictions") == "held 1"
    }
}
