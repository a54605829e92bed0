// When Telegram is answered and what: waiting for effects, pauses, raids, a full outbox, poison.

import Domain
import EventLoop
import Storage
import Testing

@testable import Handlers
@testable import Simulator

@Suite("Intake", .serialized)
struct IntakeTests {
    /// How long a call takes that is slow on purpose: less than its deadline, and than a deploy that waits for effects.
    private static let slow: Int64 = 6000
    /// Sooner than what waits for a slow call, however busy the machine is.
    private static let atOnce: Int64 = 5000

    /// Updates delivered all at once, as they are answered.
    @IO
    private final class Deliveries {
        private(set) var answered = 0
        private var tasks: [Task<Void, Never>] = []

        init(_ outbox: OutboxWorld, _ updates: [[UInt8]]) {
            for body in updates {
                tasks.append(
                    Task { @IO in
                        let answer = await outbox.first.intake.handle(body)
                        #expect(answer == .ok)
                        answered += 1
                    })
            }
        }

        func all() async { for task in tasks { await task.value } }
    }

    /// A world in which answers wait for effects as long as slow calls last, so that a busy machine shows as no wait.
    @IO
    private func patient(_ engine: Engine) async throws -> OutboxWorld {
        let outbox = try await OutboxWorld(engine)
        outbox.first.services.settings.waitsForEffects = true
        return outbox
    }

    /// Milliseconds until one update was answered.
    @IO
    private func time(_ outbox: OutboxWorld, _ update: [UInt8]) async -> Int64 {
        let began = Loop.shared.current()
        await Deliveries(outbox, [update]).all()
        return Loop.shared.current().milliseconds(since: began)
    }

    /// Slow calls end now.
    @IO
    private func endSlowCalls(_ outbox: OutboxWorld) {
        outbox.simulator.clearFaults()
        Loop.shared.advance(milliseconds: Self.slow)
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the answer comes with the effects, or after a second without them`(_ engine: Engine) async throws {
        let outbox = try await patient(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        let message = try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        #expect(await time(outbox, outbox.waitingUpdates()[0]) < Self.atOnce)
        #expect(!outbox.simulator.stands(message, in: outbox.world.group) && outbox.isMuted(ben))

        _ = outbox.waitingUpdates()
        outbox.first.services.settings.waitsForEffects = false
        outbox.simulator.failNext(.slow(milliseconds: Self.slow), of: "deleteMessage")
        try outbox.simulator.personWrites(carl, in: outbox.world.group, "hello")
        let waited = await time(outbox, outbox.waitingUpdates()[0])
        #expect((990..<Self.atOnce).contains(waited))
        endSlowCalls(outbox)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `while the chat is paused the answer comes at once`(_ engine: Engine) async throws {
        let outbox = try await patient(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        outbox.simulator.failNext(.tooManyRequests(retryAfter: 60), of: "deleteMessage")
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        #expect(await time(outbox, outbox.waitingUpdates()[0]) < Self.atOnce)
        try await outbox.until("paused") { outbox.first.services.workers.isPaused(outbox.group) }
        let calls = outbox.calls("deleteMessage") + outbox.calls("restrictChatMember")
        _ = outbox.waitingUpdates()
        try outbox.simulator.personWrites(carl, in: outbox.world.group, "hello")
        #expect(await time(outbox, outbox.waitingUpdates()[0]) < Self.atOnce)
        #expect(outbox.calls("deleteMessage") + outbox.calls("restrictChatMember") == calls)
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == "2")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `in a raid the sixth of a second and those after it are answered at once`(_ engine: Engine) async throws {
        let outbox = try await patient(engine)
        outbox.simulator.failNext(.slow(milliseconds: Self.slow), of: "deleteMessage", count: 8)
        for number in 1...8 {
            try outbox.simulator.personWrites(outbox.person("P\(number)"), in: outbox.world.group, "hello")
        }
        let deliveries = Deliveries(outbox, outbox.waitingUpdates())
        try await outbox.until("all are deleted") { outbox.calls("deleteMessage") == 8 }
        try await outbox.until("three are answered") { deliveries.answered >= 3 }
        #expect(deliveries.answered == 3)
        endSlowCalls(outbox)
        await deliveries.all()
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a person's turn ends at the record, not at the effects`(_ engine: Engine) async throws {
        let outbox = try await patient(engine)
        let ben = outbox.person("Ben")
        outbox.simulator.failNext(.slow(milliseconds: Self.slow), of: "deleteMessage")
        for _ in 1...2 { try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello") }
        let updates = outbox.waitingUpdates()
        let first = Task { @IO in await outbox.first.intake.handle(updates[0]) }
        try await outbox.until("the first is recorded") {
            try await outbox.text("SELECT count(*) FROM decisions") == "1"
        }
        #expect(await time(outbox, updates[1]) < Self.atOnce)
        #expect(try await outbox.text("SELECT count(*) FROM decisions") == "2")
        endSlowCalls(outbox)
        #expect(await first.value == .ok)
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `when twenty updates wait for effects the next are answered at once`(_ engine: Engine) async throws {
        let outbox = try await patient(engine)
        let ben = outbox.person("Ben")
        for number in 1...24 {
            let group = outbox.simulator.addGroup("Group \(number)", owner: outbox.world.owner)
            outbox.simulator.place(ben, in: group)
            try await outbox.store.protect(
                Protection(
                    group: ChatID(group), title: "Group", owner: UserID(outbox.world.owner), ownerUsername: nil,
                    replacesOwner: false,
                    channels: [RequiredChannel(id: ChatID(outbox.world.news), title: "News", username: "the_news")]))
            try outbox.simulator.personWrites(ben, in: group, "hello")
        }
        outbox.simulator.failNext(.slow(milliseconds: Self.slow), of: "deleteMessage", count: 30)
        let updates = outbox.waitingUpdates()
        // Ten at a time, so that all find room for their effects at once, however slow the machine is.
        var waiting: [Deliveries] = []
        for start in [0, 10] {
            waiting.append(Deliveries(outbox, Array(updates[start..<start + 10])))
            try await outbox.until("only deletions are left") {
                let leased = try await outbox.text("SELECT count(*) FROM effects WHERE lease_owner IS NOT NULL")
                return outbox.calls("sendMessage") == start + 10 && leased == "\(start + 10)"
            }
        }
        let last = Deliveries(outbox, Array(updates[20...]))
        try await outbox.until("four are answered") { last.answered == 4 }
        #expect(waiting.map(\.answered) == [0, 0])
        endSlowCalls(outbox)
        for deliveries in waiting + [last] { await deliveries.all() }
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a full outbox takes no new holds, and says when to come again`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let (ben, carl) = (outbox.person("Ben"), outbox.person("Carl"))
        // A lane that nobody works on: only its length counts.
        let insert = """
            INSERT INTO effects (dedup_key, kind, lane, chat_id, payload, due_at, created_at)
            SELECT 'x:' || n, 'send', 5, -7, '{}', \(outbox.now), \(outbox.now) FROM
            """
        let series =
            engine == .sqlite
            ? "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20001) SELECT n FROM s)"
            : "generate_series(1, 20001) AS s(n)"
        try await outbox.execute("\(insert) \(series)")
        outbox.first.services.workers.start()
        try await outbox.until("counted") { outbox.first.services.workers.isOverloaded }
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        let update = outbox.waitingUpdates()[0]
        #expect(await outbox.first.intake.handle(update) == IntakeAnswer(status: 503, retryAfterSeconds: 5))
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == "0")

        try await outbox.execute("DELETE FROM effects")
        Loop.shared.advance(milliseconds: 5100)
        outbox.first.services.workers.wake()
        try await outbox.until("counted again") { !outbox.first.services.workers.isOverloaded }
        #expect(await outbox.first.intake.handle(update) == .ok)
        try await outbox.until("held") { outbox.isMuted(ben) }

        // An old effect of the first lanes is as bad as many, unless it waits for a pause.
        _ = outbox.waitingUpdates()
        let old =
            engine == .sqlite
            ? "'\(SQLTime.text(Timestamp(microseconds: WallClock.now.microseconds - 70_000_000)))'"
            : "clock_timestamp() - interval '70 seconds'"
        // A lift whose restrict is not due keeps its turn.
        try await outbox.execute(
            """
            INSERT INTO effects (dedup_key, kind, lane, chat_id, ledger_id, payload, due_at, created_at)
            VALUES ('restrict:999', 'restrict', 1, \(outbox.group), 999, '{}', \(outbox.later), \(old)),
                ('lift:999', 'lift', 2, \(outbox.group), 999, '{}', \(old), \(old))
            """)
        Loop.shared.advance(milliseconds: 5100)
        outbox.first.services.workers.wake()
        try await outbox.until("counted as old") { outbox.first.services.workers.isOverloaded }
        try outbox.simulator.personWrites(carl, in: outbox.world.group, "hello")
        #expect(await outbox.deliver() == [IntakeAnswer(status: 503, retryAfterSeconds: 5)])
        await outbox.end()
    }

    @Test @IO
    func `what is no JSON is refused twice, and odd JSON not at all`() async throws {
        let outbox = try await OutboxWorld()
        let (poison, other) = (Array("{\"update_id\":1,".utf8), Array("nonsense".utf8))
        var statuses: [Int] = []
        for body in [poison, poison, other, poison, poison, other, other] {
            statuses.append(await outbox.first.intake.handle(body).status)
        }
        #expect(statuses == [400, 400, 400, 200, 200, 400, 200])
        for body in [
            "[]", "{}", "17", #"{"update_id":"x"}"#, #"{"update_id":9007199254740993000}"#,
            #"{"update_id":5,"message":{"message_id":1,"date":1,"chat":{"id":99999999999999999999,"type":"group"}}}"#,
        ] {
            #expect(await outbox.first.intake.handle(Array(body.utf8)) == .ok, "\(body)")
        }
        #expect(try await outbox.text("SELECT count(*) FROM processed_updates") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `an update at which we fail is given up the fifth time, without words and names`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.execute("ALTER TABLE decisions RENAME TO decisions_elsewhere")
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "my secret words")
        let update = outbox.waitingUpdates()[0]
        var statuses: [Int] = []
        for _ in 1...5 { statuses.append(await outbox.first.intake.handle(update).status) }
        #expect(statuses == [503, 503, 503, 503, 200])
        #expect(try await outbox.text("SELECT state, attempts FROM processed_updates") == "failed 5")
        let kept = try await outbox.text("SELECT body FROM processed_updates")
        #expect(kept.contains("\(ben)") && !kept.contains("secret") && !kept.contains("Ben"))
        #expect(await outbox.first.intake.handle(update) == .ok)
        // Another replica knows of it too.
        try await outbox.execute("ALTER TABLE decisions_elsewhere RENAME TO decisions")
        let second = outbox.replica("second")
        #expect(await second.intake.handle(update) == .ok)
        #expect(try await outbox.text("SELECT count(*) FROM user_restrictions") == "0")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `our first failures do not lose an update`(_ engine: Engine) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        try await outbox.execute("ALTER TABLE decisions RENAME TO decisions_elsewhere")
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        let update = outbox.waitingUpdates()[0]
        #expect(await outbox.first.intake.handle(update).status == 503)
        try await outbox.execute("ALTER TABLE decisions_elsewhere RENAME TO decisions")
        #expect(await outbox.first.intake.handle(update) == .ok)
        try await outbox.until("held") { outbox.isMuted(ben) }
        #expect(try await outbox.text("SELECT state FROM processed_updates") == "recorded")
        await outbox.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `one update delivered to three replicas at once is one deletion, one mute, one prompt`(
        _ engine: Engine
    ) async throws {
        let outbox = try await OutboxWorld(engine)
        let ben = outbox.person("Ben")
        let replicas = [outbox.first, outbox.replica("second"), outbox.replica("third")]
        for replica in replicas { replica.services.workers.start() }
        try outbox.simulator.personWrites(ben, in: outbox.world.group, "hello")
        let update = outbox.waitingUpdates()[0]
        let deliveries = (replicas + replicas + replicas).map { replica in
            Task { @IO in await replica.intake.handle(update) }
        }
        for delivery in deliveries { #expect(await delivery.value == .ok) }
        try await outbox.until("told") {
            try await outbox.text("SELECT count(*) FROM user_restrictions WHERE told_at IS NOT NULL") == "1"
        }
        #expect(outbox.calls("deleteMessage") == 1)
        #expect(outbox.calls("restrictChatMember") == 1)
        #expect(outbox.calls("sendMessage") == 1)
        #expect(try await outbox.text("SELECT count(*) FROM decisions") == "1")
        await outbox.end()
    }
}
