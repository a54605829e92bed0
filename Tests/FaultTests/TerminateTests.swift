// SIGTERM under load, and two processes on one file.

import EventLoop
import Foundation
import JSON
import Testing

extension Faults {
    /// SIGTERM when calls have no answer yet; the next start does the rest.
    @IO
    static func terminated(_ engine: Engine) async throws {
        let world = try await FaultWorld(engine)
        let groups = [try await world.group(), try await world.group()]
        let stopped = try await world.serve()
        for group in groups {
            try await world.control("raid", ["chat": .int(group.id), "people": .int(40), "seconds": .int(3)])
        }
        // Some calls get no answer until after the end: their attempts are rows too, and their effects are done later.
        try await world.hold("deleteMessage", in: groups[0].id, "after")
        try await world.hold("restrictChatMember", in: groups[1].id, "after")
        try await until("two calls stand and people are held", seconds: 10) {
            let held = try await world.count("user_restrictions WHERE state = 'held'")
            return try await world.heldCount() == 2 && held >= 10
        }
        let end = try await stopped.child.terminate()
        world.forget(stopped)
        #expect(end.code == 0)
        // Eight, and a moment for a machine that is busy.
        #expect(end.seconds < 10, "it took \(end.seconds) s")
        try await world.control("release", ["perform": .bool(false)])
        try await world.expectOneRowPerAttempt()
        #expect(try await world.count("effects") > 0)

        try await world.serve()
        try await until("all are held", seconds: 40) {
            try await world.count("user_restrictions WHERE state = 'held'") == 80
        }
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        // A mute of ours whose answer was lost is not taken for somebody else's.
        #expect(try await world.count("user_restrictions WHERE prior_permissions IS NOT NULL") == 0)
        try await world.expectOneRowPerAttempt()
        await world.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `SIGTERM ends an idle service at once`() async throws {
        let world = try await FaultWorld(.sqlite)
        let replica = try await world.serve()
        let end = try await replica.child.terminate()
        #expect(end.code == 0)
        #expect(end.seconds < 5, "it took \(end.seconds) s")
        await world.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `a second serve on one SQLite file refuses`() async throws {
        let world = try await FaultWorld(.sqlite)
        let first = try await world.serve()
        // Another state directory, so that only the file itself can tell.
        let second = try world.start()
        #expect(try await second.child.end(within: 10) == 2)
        #expect(second.child.output.contains("another `nezuko serve` uses this database"), "\(second.child.output)")
        #expect(first.child.exitCode == nil)
        // After a kill the file is free without any repair.
        try await world.kill(first)
        try await world.serve()
        await world.end()
    }
}
