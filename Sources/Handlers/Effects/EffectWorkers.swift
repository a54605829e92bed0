// The workers of the outbox: they take what is due, start each effect's one attempt, and keep leases.
// One attempt is in EffectWorkers+Attempts.swift, what an effect does in one file per kind; what failures mean and how
// ends are stored, beside it.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Performs effects that are due: those just recorded here, and those that nobody has under lease.
@IO
public final class EffectWorkers {
    static let leaseMilliseconds: Int64 = 12_000

    let services: Services
    let performer: EffectPerformer
    let failures: EffectFailures
    let finisher: EffectFinisher
    var window = EffectWindow()
    let room = EffectRoom()
    private var isStopping = false
    private var isPolling = false
    private var isWokenMeanwhile = false
    /// Whether a lane had little room at the last look: ends of its effects make some.
    var isSaturated = false
    private(set) var wasNearlyFull = false
    /// Whether effects may lie under our lease that nobody performs.
    var mayHaveForgotten = false
    private var knownUncertain = 0
    private var pollTimer: LoopTimer?
    /// Who waits until nothing is in flight.
    var idle: [Completion<Void, Never>] = []
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

    /// Number of effects in flight, and of those whose ends are not stored yet.
    public var activeCount: Int { window.ids.count }

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

    func giveBack(_ ids: [Int64]) async {
        guard !ids.isEmpty else { return }
        // A store that is away keeps them under a lease that ends by itself.
        do throws(StoreError) { try await services.store.giveBack(ids) } catch {
            Log.warning("effects_not_given_back", .count(Int64(ids.count)))
        }
    }
}
