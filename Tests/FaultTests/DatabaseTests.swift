// The database goes away under load and comes back; the disk is full and then is not.

import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

extension Faults {
    @Test(.timeLimit(.minutes(2)), arguments: [true, false]) @IO
    func `PostgreSQL is stopped under load and comes back`(immediately: Bool) async throws {
        let world = try await FaultWorld(.postgreSQL)
        let group = try await world.group()
        let known = try await world.person("Known", in: group, isSubscribed: true)
        let replica = try await world.serve()
        // The first message asks Telegram, the others are known from it.
        let first = try await world.write(known, in: group)
        try await until("the first message was looked at") { try await world.callCount(of: "getChatMember") > 0 }
        try await world.allDelivered()
        let raiders = 40
        try await world.control("raid", ["chat": .int(group.id), "people": .int(Int64(raiders)), "seconds": .int(4)])
        try await until("the raid is on") { try await world.count("user_restrictions WHERE state = 'held'") >= 5 }

        let cluster = try FaultWorld.cluster.get()
        try await offload { try cluster.stop(immediately: immediately) }
        // Telegram is asked to come again.
        try await until("updates are refused for now", seconds: 10) { world.balancer.statuses[503, default: 0] > 0 }
        #expect(world.balancer.retryAfters > 0)
        // Who is known writes as before, and the rest of the raid waits.
        let began = ContinuousClock.now
        let second = try await world.write(known, in: group, "still here")
        let known200 = Update.message(of: known, in: group, id: second, number: 1)
        #expect(try await world.deliver(known200, to: replica) == Delivered(status: 200))
        // At once: who waits for the database waits for five seconds.
        #expect(ContinuousClock.now - began < .seconds(4))
        let stranger = try await world.person("Stranger", in: group)
        let refused = try await world.deliver(
            Update.message(of: stranger, in: group, id: second + 1000, number: 2), to: replica)
        #expect(refused.status == 503)
        #expect((1...10).contains(refused.retryAfter ?? 0))
        // Out of rotation after five seconds; once is enough to see it.
        if immediately {
            try await until("not ready", seconds: 15) {
                try await world.get("http://127.0.0.1:\(replica.port)/readyz").status == 503
            }
        }
        #expect(try await world.get("http://127.0.0.1:\(replica.port)/healthz").status == 200)

        try await offload { try cluster.start() }
        try await world.reopenDatabase()
        try await until("ready", seconds: 15) {
            try await world.get("http://127.0.0.1:\(replica.port)/readyz").status == 200
        }
        try await until("all are held", seconds: 40) {
            try await world.count("user_restrictions WHERE state = 'held'") == raiders
        }
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        try await world.expectOneRowPerAttempt()
        #expect(try await world.stands(first, in: group))
        #expect(try await world.stands(second, in: group))
        #expect(try await !world.member(known, in: group.id).isMuted)
        await world.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `PostgreSQL stands still under load and goes on`() async throws {
        let world = try await FaultWorld(.postgreSQL)
        let group = try await world.group()
        let known = try await world.person("Known", in: group, isSubscribed: true)
        let replica = try await world.serve()
        let leaving = try await world.serve()
        world.forget(leaving)
        try await world.write(known, in: group)
        try await until("the first message was looked at") { try await world.callCount(of: "getChatMember") > 0 }
        try await world.allDelivered()
        let raiders = 20
        try await world.control("raid", ["chat": .int(group.id), "people": .int(Int64(raiders)), "seconds": .int(2)])
        try await until("the raid is on") { try await world.count("user_restrictions WHERE state = 'held'") >= 3 }

        // Connections stay, and nothing comes over them.
        let cluster = try FaultWorld.cluster.get()
        try await offload { try cluster.freeze(true) }
        let began = ContinuousClock.now
        leaving.child.send(SIGTERM)
        let stranger = try await world.person("Stranger", in: group)
        let first = Update.message(of: stranger, in: group, id: 5000, number: 1)
        let refused = try await world.deliver(first, to: replica)
        #expect(refused.status == 503)
        #expect(refused.retryAfter != nil)
        #expect(ContinuousClock.now - began < .seconds(20))
        let answered = ContinuousClock.now
        let update = Update.message(of: known, in: group, id: 5001, number: 2)
        #expect(try await world.deliver(update, to: replica) == Delivered(status: 200))
        #expect(ContinuousClock.now - answered < .seconds(4))

        // Whoever is to end does not wait for it: it takes eight seconds at most, for platforms kill after ten.
        #expect(try await leaving.child.end(within: 15) == 0)
        try await offload { try cluster.freeze(false) }
        try await world.reopenDatabase()
        // It may have been recorded after the answer, or not: it comes again, and is recorded once.
        try await until("the refused update is taken") { try await world.deliver(first, to: replica).status == 200 }
        var held = -1
        try await until("\(raiders + 1) are held, not \(held)", seconds: 30) {
            held = try await world.count("user_restrictions WHERE state = 'held'")
            return held == raiders + 1
        }
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        try await world.expectOneRowPerAttempt()
        await world.end()
    }

    /// A small file system, larger than the write-ahead log before its first checkpoint; `nil` where that is not allowed.
    private static let smallDisk: String? = {
        let folder = "/tmp/nezuko-small-\(getpid())"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard Commands.run("/bin/mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]) == 0 else { return nil }
        return folder
    }()

    @Test(
        .timeLimit(.minutes(1)),
        .enabled(if: smallDisk != nil, "SKIPPED: a small file system cannot be mounted here, so no disk is filled"))
    @IO
    func `a full disk under SQLite refuses, keeps the file, and heals`() async throws {
        let disk = try #require(Self.smallDisk)
        defer {
            _ = Commands.run("/bin/umount", ["-l", disk])
            _ = Commands.run("/bin/rmdir", [disk])
        }
        let world = try await FaultWorld(.sqlite, databaseFolder: disk)
        let group = try await world.group()
        let replica = try await world.serve()
        let before = try await world.person("Before", in: group)
        try await world.write(before, in: group)
        try await until("the first is held") { try await world.count("user_restrictions WHERE state = 'held'") == 1 }
        try await world.allDelivered()

        Self.fill(disk)
        let raiders = 30
        try await world.control("raid", ["chat": .int(group.id), "people": .int(Int64(raiders)), "seconds": .int(2)])
        try await until("updates are refused for now", seconds: 15) { world.balancer.statuses[503, default: 0] > 0 }
        #expect(world.balancer.retryAfters > 0)
        #expect(replica.child.exitCode == nil)
        #expect(try await world.ask("PRAGMA integrity_check") == "ok")

        try FileManager.default.removeItem(atPath: "\(disk)/filler")
        try await until("all are held", seconds: 40) {
            try await world.count("user_restrictions WHERE state = 'held'") == raiders + 1
        }
        try await world.allDelivered()
        try await world.effectsDone()
        try await world.expectHeldAndTold()
        try await world.expectOneRowPerAttempt()
        #expect(try await world.ask("PRAGMA integrity_check") == "ok")
        #expect(try await replica.child.terminate().code == 0)
        await world.end()
    }

    /// Writes until nothing more fits.
    private static func fill(_ disk: String) {
        let descriptor = open("\(disk)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let page = [UInt8](repeating: 7, count: 4096)
        while write(descriptor, page, page.count) > 0 {}
    }
}

/// Programs of the system.
enum Commands {
    static func run(_ program: String, _ arguments: [String]) -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// Updates made by hand, past the simulator's queue.
enum Update {
    static func message(of person: Int64, in group: TestGroup, id: Int64, number: Int64) -> JSONValue {
        let from: [(key: String, value: JSONValue)] = [
            ("id", .int(person)), ("is_bot", .bool(false)), ("first_name", .string("Somebody")),
        ]
        let chat: [(key: String, value: JSONValue)] = [
            ("id", .int(group.id)), ("type", .string("supergroup")), ("title", .string("Group")),
        ]
        let message: [(key: String, value: JSONValue)] = [
            ("message_id", .int(id)), ("date", .int(Int64(Date().timeIntervalSince1970))), ("from", .object(from)),
            ("chat", .object(chat)), ("text", .string("hello")),
        ]
        return .object([("update_id", .int(10_000 + number)), ("message", .object(message))])
    }
}
