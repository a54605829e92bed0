// The workers of the outbox: they take what is due, start each effect's one attempt, and keep leases.
// What an effect does is in one file per kind; what failures mean and how ends are stored, beside it.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Performs effects that are due: those just recorded here, and those that nobody has under lease.
@IO
public final class EffectWorkers {
    private static let leaseMilliseconds: Int64 = 12_000
    private static let attemptMilliseconds: Int64 = 9000

    private let services: Services
    private let performer: EffectPerformer
    private let failures: EffectFailures
    private let finisher: EffectFinisher
    private var window = EffectWindow()
    private let room = EffectRoom()
    private var isStopping = false
    private var isPolling = false
    private var isWokenMeanwhile = false
    /// Whether a lane had little room at the last look: ends of its effects make some.
    private var isSaturated = false
    private var wasNearlyFull = false
    private var mayHaveForgotten = false
    private var knownUncertain = 0
    private var pollTimer: LoopTimer?
    private var idle: [Completion<Void, Never>] = []
    /// As last counted; at most some seconds old.
    private(set) var pending = PendingEffects()
    private var countedAt: Instant?

    init(services: Services) {
        self.services = services
        performer = EffectPerformer(services: services)
        failures = EffectFailures(services: services)
        finisher = EffectFinisher(services: services)
        services.store.onEffects { [weak self] in self?.wake() }
    }

    /// Number of effects in flight.
    public var inFlightCount: Int { window.count }

    /// Whether `count` more effects may be started at once: only what is started at once is leased.
    func hasRoom(for count: Int) -> Bool {
        let inFlight = window.count + services.store.startingEffects + room.promised
        return !isStopping && inFlight + count <= EffectWindow.startedByRecords && !failures.isHalted
    }

    /// The same, after a moment's wait if that may help. The caller records without waiting for anything else.
    func findsRoom(for count: Int) async -> Bool {
        let mayHelp = !window.isBehind && !isStopping && !failures.isHalted
        if mayHelp, room.hasWaiters || !hasRoom(for: count) { await room.wait(for: count) }
        return hasRoom(for: count)
    }

    /// Whether new holds are to be refused until the outbox has shrunk.
    var isOverloaded: Bool { pending.due > 20_000 || pending.oldestMilliseconds > 60_000 }

    /// Whether effects of that chat have to wait for a pause that Telegram asked for.
    func isPaused(_ chat: ChatID) -> Bool { failures.isPaused(chat) }

    /// Begins to take what is due. Returns at once.
    public func start() { wake() }
    /// Something may be due: looks at once.
    public func wake() {
        guard !isStopping else { return }
        isWokenMeanwhile = isPolling
        guard !isPolling else { return }
        schedulePoll(afterMilliseconds: 0)
    }

    /// Performs effects leased to us by a record; the result is there when each had its attempt.
    ///
    /// - Parameter began: a moment before the lease was asked for; without one it counts from now.
    @discardableResult
    public func perform(_ effects: [Effect], began: Instant? = nil) -> Completion<Void, Never> {
        let leaseEnd = (began ?? Loop.shared.current()).adding(milliseconds: Self.leaseMilliseconds)
        return perform(effects, leaseEnd: leaseEnd)
    }

    /// Stops taking, waits at most that long for what is in flight, gives the rest back.
    public func drain(graceMilliseconds: Int64) async {
        isStopping = true
        pollTimer?.cancel()
        if !window.isEmpty {
            let done = Completion<Void, Never>()
            idle.append(done)
            let timer = Loop.shared.schedule(afterMilliseconds: graceMilliseconds) { done.finish(.success(())) }
            await done.wait()
            timer.cancel()
        }
        await finisher.repeatAll()
        // Calls on their way keep their lease: whoever takes them over must know that they may be done.
        await giveBack(window.unstarted)
    }

    // MARK: - Taking

    private func schedulePoll(afterMilliseconds milliseconds: Int64) {
        pollTimer?.cancel()
        pollTimer = Loop.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.beginPoll() }
    }

    private func beginPoll() {
        guard !isPolling, !isStopping else { return }
        isPolling = true
        // Owned by the timer that comes after it; each store call in it has a deadline.
        Task { @IO in
            let wait = await poll()
            isPolling = false
            guard !isStopping else { return }
            room.grant { hasRoom(for: $0) }
            schedulePoll(afterMilliseconds: isWokenMeanwhile ? 0 : wait)
            isWokenMeanwhile = false
        }
    }

    /// Takes what is due; returns the milliseconds until the next look.
    private func poll() async -> Int64 {
        await finisher.repeatAll()
        guard await failures.tokenIsGood() else { return 1000 }
        do throws(StoreError) {
            try await takeForgotten()
            try await count()
            let limits = window.limits()
            isSaturated = limits.count < 4
            wasNearlyFull = window.isNearlyFull
            guard !limits.isEmpty else { return 1000 }
            let began = Loop.shared.current()
            let taken = try await services.store.leaseDue(limits: limits)
            window.looked(limits, found: taken)
            guard !isStopping else {
                await giveBack(taken.map(\.id))
                return 1000
            }
            perform(taken, began: began)
            if !taken.isEmpty { return 0 }
            return min(1000, max(5, try await services.store.nextDueMilliseconds(lanes: Set(limits.keys)) ?? 1000))
        } catch {
            mayHaveForgotten = true
            return 1000
        }
    }

    /// After a record of unknown outcome its effects may lie under our lease without our knowing.
    private func takeForgotten() async throws(StoreError) {
        let uncertain = services.store.uncertainRecords
        guard mayHaveForgotten || uncertain != knownUncertain else { return }
        let forgotten = try await services.store.leaseOwnForgotten(running: window.ids + finisher.ids)
        mayHaveForgotten = false
        knownUncertain = uncertain
        // Some may have been started and ended while the answer was on its way: each must renew its lease first.
        perform(forgotten, leaseEnd: Loop.shared.current())
    }

    private func count() async throws(StoreError) {
        if let countedAt, Loop.shared.now.milliseconds(since: countedAt) < 5000 { return }
        pending = try await services.store.pending()
        countedAt = Loop.shared.now
        for lane in 1...4 { HandlerMetrics.pendingEffects.set(Double(pending.byLane[lane] ?? 0), String(lane)) }
        HandlerMetrics.oldestEffect.set(Double(pending.oldestMilliseconds) / 1000)
    }

    private func giveBack(_ ids: [Int64]) async {
        guard !ids.isEmpty else { return }
        // A store that is away keeps them under a lease that ends by itself.
        do throws(StoreError) { try await services.store.giveBack(ids) } catch {
            Log.warning("effects_not_given_back", .count(Int64(ids.count)))
        }
    }

    // MARK: - One attempt

    @discardableResult
    private func perform(_ effects: [Effect], leaseEnd: Instant) -> Completion<Void, Never> {
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

    private func leave(_ effect: Effect) {
        window.remove(effect)
        if isSaturated, wasNearlyFull ? !window.isNearlyFull : window.isWorthALook(effect.kind.lane) {
            isSaturated = false
            wake()
        }
        room.grant { hasRoom(for: $0) }
        guard window.isEmpty else { return }
        let waiters = idle
        idle = []
        for waiter in waiters { waiter.finish(.success(())) }
    }
}
