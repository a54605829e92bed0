// One attempt at each effect under lease: started together, ended alone, on a lease that lasts.

import Domain
import EventLoop
import Observability
import Storage

extension EffectWorkers {
    private static let attemptMilliseconds: Int64 = 9000

    /// Starts those that are not in flight here already; the result is there when each had its attempt.
    @discardableResult
    func perform(_ effects: [Effect], leaseEnd: Instant) -> Completion<Void, Never> {
        let all = Completion<Void, Never>()
        var fresh: [Effect] = []
        var excess: [Int64] = []
        for effect in effects where !window.contains(effect) && !finisher.isUnfinished(effect) {
            if window.count < EffectWindow.size {
                window.insert(effect, leaseEnd: leaseEnd)
                fresh.append(effect)
            } else {
                excess.append(effect.id)
            }
        }
        if !excess.isEmpty {
            // Leased beside each other for the same room: a lease without a start would only end.
            isSaturated = true
            Task { @IO in await giveBack(excess) }
        }
        let batches = Self.batches(fresh)
        var left = batches.count
        if left == 0 { all.finish(.success(())) }
        for batch in batches {
            // Owned by the window: it ends with its attempt, whose calls have deadlines.
            Task { @IO in
                await run(batch)
                left -= 1
                if left == 0 { all.finish(.success(())) }
            }
        }
        return all
    }

    /// Due deletions of one chat are one call, and go first; everything else is alone.
    private static func batches(_ effects: [Effect]) -> [[Effect]] {
        var batches: [[Effect]] = []
        if effects.count(where: { $0.kind == .delete }) <= 1 {
            batches = effects.map { [$0] }
            if let delete = effects.firstIndex(where: { $0.kind == .delete }) { batches.swapAt(0, delete) }
            return batches
        }
        for list in Dictionary(grouping: effects.filter { $0.kind == .delete }, by: \.chat).values {
            for start in stride(from: 0, to: list.count, by: 100) {
                batches.append(Array(list[start..<min(start + 100, list.count)]))
            }
        }
        return batches + effects.filter { $0.kind != .delete }.map { [$0] }
    }

    private func run(_ batch: [Effect]) async {
        var ready: [Effect] = []
        for effect in batch {
            guard await keepsLease(effect) else {
                leave(effect)
                continue
            }
            if let wait = failures.waitMilliseconds(effect.chat) {
                await end(effect, .wait(milliseconds: wait), after: nil)
            } else {
                if effect.isTakenOver { HandlerMetrics.effects.add(effect.kind.rawValue, "taken_over") }
                window.start(effect)
                ready.append(effect)
            }
        }
        guard let first = ready.first else { return }
        let began = Loop.shared.current()
        let outcomes = ready.count == 1 ? [await attempt(first)] : await attemptTogether(ready)
        let milliseconds = Loop.shared.current().milliseconds(since: began)
        for (effect, outcome) in zip(ready, outcomes) { await end(effect, outcome, after: milliseconds) }
    }

    private func attempt(_ effect: Effect) async -> AttemptOutcome {
        do throws(EffectFailure) {
            let outcome = try await performer.perform(effect)
            failures.answered(effect.chat)
            return outcome
        } catch {
            return await failures.outcome(of: error, effect)
        }
    }

    private func attemptTogether(_ effects: [Effect]) async -> [AttemptOutcome] {
        do throws(EffectFailure) {
            var outcomes: [AttemptOutcome] = []
            for (effect, result) in zip(effects, try await performer.deleteTogether(effects)) {
                switch result {
                case .success(let outcome): outcomes.append(outcome)
                case .failure(let failure): outcomes.append(await failures.outcome(of: failure, effect))
                }
            }
            if let chat = effects.first?.chat, !failures.isPaused(chat) { failures.answered(chat) }
            return outcomes
        } catch {
            // One failure of all: its meaning for the chat is stored once.
            guard let first = effects.first else { return [] }
            let outcome = await failures.outcome(of: error, first)
            return effects.map { _ in outcome }
        }
    }

    /// Whether an attempt, or a call that comes late in one, has time enough; renews a lease that has not.
    func keepsLease(_ effect: Effect) async -> Bool {
        let began = Loop.shared.current()
        guard let left = window.leaseMilliseconds(effect, at: began) else { return false }
        if left >= Self.attemptMilliseconds { return true }
        // No call on a lease that cannot be renewed.
        do throws(StoreError) {
            guard try await services.store.renew(effect) else { return false }
            window.renew(effect, leaseEnd: began.adding(milliseconds: Self.leaseMilliseconds))
            return true
        } catch {
            mayHaveForgotten = true
            return false
        }
    }

    // MARK: - Its end

    /// `milliseconds`: how long the attempt took; `nil` when none was made.
    private func end(_ effect: Effect, _ outcome: AttemptOutcome, after milliseconds: Int64?) async {
        window.end(effect)
        makeRoom(effect.kind.lane)
        defer { leave(effect) }
        guard case .result(let result, let failure) = outcome else {
            mayHaveForgotten = true
            return
        }
        switch result {
        case .done: HandlerMetrics.effects.add(effect.kind.rawValue, failure == nil ? "done" : "failed")
        case .again(_, counts: true, _): HandlerMetrics.effects.add(effect.kind.rawValue, "retried")
        case .again: break
        }
        let trace = milliseconds.map { AttemptTrace(failure: failure, milliseconds: $0) }
        if await finisher.finish(effect, result, trace) { wake() }
    }

    /// What waits for room does not wait for the store.
    private func makeRoom(_ lane: Int) {
        if isSaturated, wasNearlyFull ? !window.isNearlyFull : window.isWorthALook(lane) {
            isSaturated = false
            wake()
        }
        room.grant { hasRoom(for: $0) }
    }

    private func leave(_ effect: Effect) {
        window.remove(effect)
        makeRoom(effect.kind.lane)
        guard window.isEmpty else { return }
        let waiters = idle
        idle = []
        for waiter in waiters { waiter.finish(.success(())) }
    }
}
