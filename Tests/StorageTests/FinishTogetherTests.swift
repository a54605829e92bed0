// Ends of attempts that come at the same moment: stored together, each with its own answer.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Ends of a moment", .serialized)
struct FinishTogetherTests {
    @Test(arguments: Engine.allCases) @IO
    func `ends of a moment are stored together, and each gets its own answer`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        var effects: [String: Effect] = [:]
        var ledgers: [Int64: LedgerID] = [:]
        for user in Int64(5)...8 {
            let recorded = try await fixture.recorded(
                fixture.holdRecord(update: user, user: user, message: user * 10))
            ledgers[user] = recorded.ledger
            for effect in recorded.effects { effects["\(effect.kind) \(user)"] = effect }
        }
        // Person 6 is freed while the mute is on its way, and the mute of 7 is somebody else's now.
        _ = try await fixture.release(6)
        let lost = try #require(effects["restrict 7"])
        _ = try await fixture.database.run(
            [SQLStatement("UPDATE effects SET lease_owner = 'second' WHERE id = \(lost.id)")], .command)

        let told = [try #require(ledgers[5]), try #require(ledgers[6])]
        let expire = EffectWish.expire(MessageID(90), in: fixture.group, afterMilliseconds: 300_000)
        var ends: [String: Task<FinishOutcome, any Error>] = [:]
        for (name, effect) in effects {
            let result: EffectResult =
                switch effect.kind {
                case .restrict: .done([.held(try #require(effect.ledger))], follow: [])
                case .prompt: .done([.told(told, MessageID(90))], follow: [expire])
                default: .done([], follow: [])
                }
            let note = #"{"kind":"\#(effect.kind)"}"#
            ends[name] = Task { @IO in try await fixture.store.finish(effect, result, note: note) }
        }
        var outcomes: [String: FinishOutcome] = [:]
        for (name, end) in ends { outcomes[name] = try await end.value }

        #expect(outcomes["restrict 7"] == .lostLease)
        #expect(outcomes["restrict 6"] == .finishedWithDue)
        // 6, 7 and 8 were held after the prompt was recorded.
        #expect(outcomes["prompt 5"] == .revised)
        for name in ["delete 5", "delete 6", "delete 7", "delete 8", "restrict 5", "restrict 8"] {
            #expect(outcomes[name] == .finished || outcomes[name] == .finishedWithDue, "\(name)")
        }
        let states = try await column("SELECT state FROM user_restrictions ORDER BY user_id", fixture)
        #expect(states == ["held", "lifting", "intended", "held"])
        let addressed = try await column(
            "SELECT user_id FROM user_restrictions WHERE warning_message_id = 90 ORDER BY 1", fixture)
        #expect(addressed == ["5", "6"])
        // What is left: the prompt for the others, the edit for who was freed, the lift, and what is not ours.
        let left = try await column("SELECT kind FROM effects ORDER BY kind", fixture)
        #expect(left == ["edit", "expire", "lift", "prompt", "restrict"])
        let due = try await fixture.store.leaseDue(limits: [1: 9, 2: 9, 3: 9, 4: 9])
        #expect(Set(due.map(\.kind)).isSuperset(of: [.lift]))
        let trace = try await fixture.text("SELECT effects FROM decisions WHERE user_id = 5")
        for kind in ["delete", "restrict", "prompt"] { #expect(trace.contains(kind)) }
        let other = try await fixture.text("SELECT effects FROM decisions WHERE user_id = 7")
        #expect(other.contains("delete") && !other.contains("restrict"))
    }

    @Test(arguments: Engine.allCases) @IO
    func `a trace stays below its bound, however many ends come at once`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        let long = String(repeating: "x", count: 400)
        let ends = recorded.effects.map { effect in
            Task { @IO in
                try await fixture.store.finish(
                    effect, .done([], follow: []), note: #"{"kind":"\#(effect.kind)","class":"\#(long)"}"#)
            }
        }
        for end in ends { #expect(try await end.value == .finished) }
        let length = engine == .postgreSQL ? "octet_length(effects::text)" : "length(effects)"
        let stored = try #require(Int(try await fixture.text("SELECT \(length) FROM decisions")))
        #expect((400...1024).contains(stored))
    }

    @Test(arguments: Engine.allCases) @IO
    func `an end that comes again among others is told once, and the others are stored`(
        _ engine: Engine
    ) async throws {
        let fixture = try await StoreFixture(engine)
        let recorded = try await fixture.recorded(fixture.holdRecord(update: 1, user: 5, message: 1))
        func end(_ effect: Effect) -> Task<FinishOutcome, any Error> {
            Task { @IO in
                let note = #"{"kind":"\#(effect.kind)"}"#
                return try await fixture.store.finish(effect, .done([], follow: []), note: note)
            }
        }
        let delete = try #require(recorded.effects.first { $0.kind == .delete })
        #expect(try await end(delete).value == .finished)
        let together = recorded.effects.map { ($0.kind, end($0)) }
        for (kind, end) in together { #expect(try await end.value == (kind == .delete ? .lostLease : .finished)) }
        let trace = try await fixture.text("SELECT effects FROM decisions")
        for kind in ["delete", "restrict", "prompt"] { #expect(trace.ranges(of: kind).count == 1) }
    }

    @Test(arguments: Engine.allCases) @IO
    func `an end that is refused is not the others' fault`(_ engine: Engine) async throws {
        let fixture = try await StoreFixture(engine)
        var ends: [(effect: Effect, end: Task<FinishOutcome, any Error>)] = []
        for user in Int64(5)...6 {
            let recorded = try await fixture.recorded(fixture.holdRecord(update: user, user: user, message: user))
            for effect in recorded.effects where effect.kind != .prompt {
                // A trace that is no JSON is refused by either engine.
                let note = effect.kind == .delete && user == 5 ? "{" : #"{"kind":"\#(effect.kind)"}"#
                let end = Task { @IO in
                    try await fixture.store.finish(effect, .done([], follow: []), note: note)
                }
                ends.append((effect, end))
            }
        }
        for (effect, end) in ends {
            if effect.kind == .delete, effect.user == nil, effect.key.hasSuffix(":5") {
                await #expect(throws: StoreError.self) { try await end.value }
            } else {
                #expect(try await end.value == .finished)
            }
        }
        #expect(try await column("SELECT dedup_key FROM effects WHERE kind <> 'prompt'", fixture).count == 1)
        #expect(try await fixture.text("SELECT effects FROM decisions WHERE user_id = 5").contains("restrict"))
    }

    @IO
    private func column(_ query: String, _ fixture: StoreFixture) async throws -> [String] {
        let rows = try await fixture.database.run([SQLStatement(query)], .read).first ?? []
        return rows.map { $0[0].string ?? $0[0].integer.map(String.init) ?? "-" }
    }
}
