// A replica that stands still past its lease and then goes on, as a process does that was stopped or swapped out.

import EventLoop
import Foundation
import JSON
import Testing

extension Faults {
    /// A replica is stopped within a restriction; another one mutes and releases the person; the first goes on.
    @IO
    static func stopped() async throws {
        let world = try await FaultWorld(.postgreSQL)
        let group = try await world.group()
        let person = try await world.person("Person", in: group)
        // Its call waits as long as the test wants.
        let stopped = try await world.serve(["TELEGRAM_TIMEOUT": "100"])
        // The first step of the restriction stands still; what the person may do is asked before it is changed.
        try await world.hold("getChatMember", in: group.id)
        try await world.write(person, in: group)
        try await until("only the restriction is left") {
            let left = try await world.count("effects WHERE \(world.dueSoon)")
            return try await world.heldCount() == 1 && left == 1
        }
        world.balancer.targets = []
        stopped.child.send(SIGSTOP)

        // Its lease ends, another one mutes the person, who then subscribes and is released.
        let other = try await world.serve()
        try await until("the other one has muted") { try await world.member(person, in: group.id).isMuted }
        try await until("the person is held") {
            try await world.count("user_restrictions WHERE state = 'held'") == 1
        }
        try await world.control("join", ["user": .int(person), "chat": .int(world.channel)])
        try await until("the person is released") {
            try await world.count("user_restrictions WHERE state = 'closed'") == 1
        }

        // The first one goes on where it was.
        stopped.child.send(SIGCONT)
        try await world.control("release")
        try await until("it serves again") {
            try await world.get("http://127.0.0.1:\(stopped.metricsPort)/live").status == 200
        }
        #expect(try await stopped.child.terminate().code == 0)
        world.forget(stopped)
        try await world.effectsDone()
        #expect(try await !world.member(person, in: group.id).isMuted)
        #expect(try await world.count("user_restrictions") == 1)
        try await world.expectHeldAndTold()
        try await world.expectOneRowPerAttempt()
        #expect(other.child.exitCode == nil)
        await world.end()
    }
}
