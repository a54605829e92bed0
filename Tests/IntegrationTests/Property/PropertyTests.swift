// Random worlds by seed: whatever happens, the gate keeps its promises. A failing seed says itself, and what happened.

import EventLoop
import Foundation
import Testing

@Suite("Random worlds", .serialized)
struct PropertyTests {
    /// `NEZUKO_SEEDS=first-last` or one seed; else those of every run.
    private static let seeds: ClosedRange<UInt64> = {
        let words = (ProcessInfo.processInfo.environment["NEZUKO_SEEDS"] ?? "1-200").split(separator: "-")
        let first = words.first.flatMap { UInt64($0) } ?? 1
        return first...max(first, words.last.flatMap { UInt64($0) } ?? first)
    }()

    @Test(.timeLimit(.minutes(60)), arguments: Engine.allCases)
    @IO func `whatever happens, the promises are kept`(engine: Engine) async throws {
        let began = ContinuousClock.now
        for seed in Self.seeds { try await run(engine, seed) }
        let count = Self.seeds.count
        print("random worlds: \(count) seeds on \(engine.rawValue) in \(ContinuousClock.now - began)")
    }

    @IO
    private func run(_ engine: Engine, _ seed: UInt64) async throws {
        let property = try await PropertyWorld(engine, seed: seed)
        var violations: [String]
        do {
            for _ in 0..<30 { try await property.step() }
            try await property.comeToRest()
            violations = try await Invariants(property: property).violations()
        } catch let stuck as PropertyWorld.Stuck {
            violations = [stuck.what]
        }
        if !violations.isEmpty {
            Issue.record(
                """
                seed \(seed) on \(engine.rawValue): \(violations.joined(separator: "; "))
                again: NEZUKO_SEEDS=\(seed) swift test --filter PropertyTests
                \(property.journal.joined(separator: "\n"))
                \(try await property.traces().joined(separator: "\n"))
                """)
        }
        await property.end()
    }
}
