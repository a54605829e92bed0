// The workers of the outbox: leases, the window in flight, the end of each attempt (outbox.md 3, 4, 6, 7).
// What an effect does is in one file per kind.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Performs effects that are due: those just recorded here, and those that nobody has under lease.
@IO
public final class EffectWorkers {
    /// At most this many effects are in flight.
    static let window = 64
    /// Each lane's share of the window, so that mass work does not hold up a new hold.
    private static let shares = [1: 28, 2: 16, 3: 12, 4: 8]
    private static let leaseMilliseconds: Int64 = 12_000
    private static let attemptMilliseconds: Int64 = 9_000
    private static let rememberedOutcomes = 10_000

    private let services: Services
    let performer: EffectPerformer
    private let pauses = ChatPauses()
    private var running: [Int64: Running] = [:]
    private var unfinished: [(effect: Effect, result: EffectResult)] = []
    private var isStopping = false
    private var isPolling = false
    private var mayHaveForgotten = true
    private var pollTimer: LoopTimer?
    private var haltedUntil: Instant?
    private var idle: [Completion<Void, Never>] = []
    /// As last counted; at most some seconds old.
    private(set) var pending = PendingEffects()
    private var countedAt: Instant?

    private struct Running {
        let effect: Effect
        var leaseEnd: Instant
    }

    init(services: Services) {
        self.services = services
        performer = EffectPerformer(services: services)
    }

    /// Number of effects in flight.
    public var inFlightCount: Int { running.count }

    /// Whether `count` more effects may be started at once (outbox.md 3).
    func hasRoom(for count: Int) -> Bool { !isStopping && running.count + count <= Self.window && haltedUntil == nil }

    /// Whether new holds are to be refused until the outbox has shrunk (outbox.md 8).
    var isOverloaded: Bool { pending.due > 20_000 || pending.oldestMilliseconds > 60_000 }

    /// Whether effects of that chat have to wait for a pause that Telegram asked for.
    func isPaused(_ chat: ChatID) -> Bool { haltedUntil != nil || pauses.remainingMilliseconds(chat) > 0 }

    /// Begins to take what is due. Returns at once.
    public func start() { wake() }

    /// Something may be due: looks at once.
    public func wake() {
        guard !isStopping else { return }
        pollTimer?.cancel()
        pollTimer = Loop.shared.schedule(afterMilliseconds: 0) { [weak self] in self?.beginPoll() }
    }

    /// Performs effects leased to us by a record; the result is there when each had its attempt.
    @discardableResult
    public func perform(_ effects: [Effect]) -> Completion<Void, Never> {
        let all = Completion<Void, Never>()
        let fresh = effects.filter { running[$0.id] == nil }
        guard !fresh.isEmpty else {
            all.finish(.success(()))
            return all
        }
        let leaseEnd = Loop.shared.now.adding(milliseconds: Self.leaseMilliseconds)
        for effect in fresh { running[effect.id] = Running(effect: effect, leaseEnd: leaseEnd) }
        var left = 0
        let groups = Self.batches(fresh)
        left = groups.count
        for batch in groups {
            // Owned by `running`: it ends with its attempt, whose calls have deadlines.
            Task { @IO in
                await run(batch)
                left -= 1
                if left == 0 { all.finish(.success(())) }
            }
        }
        return all
    }

    /// Stops taking, waits at most that long for what is in flight, gives the rest back.
    public func drain(graceMilliseconds: Int64) async {
        isStopping = true
        pollTimer?.cancel()
        if !running.isEmpty {
            let done = Completion<Void, Never>()
            idle.append(done)
            let timer = Loop.shared.schedule(afterMilliseconds: graceMilliseconds) { done.finish(.success(())) }
            await done.wait()
            timer.cancel()
        }
        await repeatFinishes()
        // A store that is away keeps them under a lease that ends by itself.
        do throws(StoreError) { try await services.store.giveBack(Array(running.keys)) } catch {
            Log.warning("effects_not_given_back", .count(Int64(running.count)))
        }
    }

    // MARK: - Taking

    private func beginPoll() {
        guard !isPolling, !isStopping else { return }
        isPolling = true
        Task { @IO in
            let wait = await poll()
            isPolling = false
            guard !isStopping, pollTimer?.isPending != true else { return }
            pollTimer = Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in self?.beginPoll() }
        }
    }

    /// Takes what is due; returns the milliseconds until the next look.
    private func poll() async -> Int64 {
        await repeatFinishes()
        guard await tokenIsGood() else { return 1000 }
        do throws(StoreError) {
            if mayHaveForgotten {
                let forgotten = try await services.store.leaseOwnForgotten(running: Array(running.keys))
                mayHaveForgotten = false
                perform(forgotten)
            }
            try await count()
            let limits = limitsByLane()
            guard !limits.isEmpty else { return 50 }
            let taken = try await services.store.leaseDue(limits: limits)
            perform(taken)
            if !taken.isEmpty { return running.count < Self.window ? 0 : 50 }
            return min(1000, max(5, try await services.store.nextDueMilliseconds() ?? 1000))
        } catch {
            mayHaveForgotten = true
            return 1000
        }
    }

    private func limitsByLane() -> [Int: Int] {
        var byLane: [Int: Int] = [:]
        for entry in running.values { byLane[entry.effect.kind.lane, default: 0] += 1 }
        var free = Self.window - running.count
        var limits: [Int: Int] = [:]
        for lane in 1...4 where free > 0 {
            let share = min(free, (Self.shares[lane] ?? 0) - (byLane[lane] ?? 0))
            guard share > 0 else { continue }
            limits[lane] = share
            free -= share
        }
        return limits
    }

    private func count() async throws(StoreError) {
        if let countedAt, Loop.shared.now.milliseconds(since: countedAt) < 5000 { return }
        pending = try await services.store.pending()
        countedAt = Loop.shared.now
        for lane in 1...4 { HandlerMetrics.pendingEffects.set(Double(pending.byLane[lane] ?? 0), String(lane)) }
        HandlerMetrics.oldestEffect.set(Double(pending.oldestMilliseconds) / 1000)
    }

    /// Due deletions of one chat are one call; everything else is alone.
    private static func batches(_ effects: [Effect]) -> [[Effect]] {
        var batches: [[Effect]] = []
        var deletions: [ChatID: [Effect]] = [:]
        for effect in effects {
            if effect.kind == .delete {
                deletions[effect.chat, default: []].append(effect)
            } else {
                batches.append([effect])
            }
        }
        for (_, list) in deletions {
            for start in stride(from: 0, to: list.count, by: 100) {
                batches.append(Array(list[start..<min(start + 100, list.count)]))
            }
        }
        return batches
    }

    // MARK: - One attempt

    private func run(_ batch: [Effect]) async {
        var ready: [Effect] = []
        for effect in batch {
            if let wait = waiting(effect) {
                await end(effect, .wait(milliseconds: wait))
            } else if await leaseLasts(effect) {
                if effect.isTakenOver { HandlerMetrics.effects.add(effect.kind.rawValue, "taken_over") }
                ready.append(effect)
            } else {
                forget(effect)
            }
        }
        guard let first = ready.first else { return }
        if ready.count == 1 {
            await end(first, await attempt(first))
        } else {
            let outcomes = await performer.deleteTogether(ready)
            for (effect, outcome) in zip(ready, outcomes) { await end(effect, await translate(outcome, effect)) }
        }
    }

    private func attempt(_ effect: Effect) async -> AttemptOutcome {
        do throws(EffectFailure) {
            let outcome = try await performer.perform(effect)
            pauses.succeeded(effect.chat)
            return outcome
        } catch {
            return await translate(.failure(error), effect)
        }
    }

    /// How long an effect must wait before any call, or `nil`.
    private func waiting(_ effect: Effect) -> Int64? {
        if let haltedUntil { return max(1000, haltedUntil.milliseconds(since: Loop.shared.now)) }
        return pauses.claim(effect.chat)
    }

    private func leaseLasts(_ effect: Effect) async -> Bool {
        guard let entry = running[effect.id] else { return false }
        if entry.leaseEnd.milliseconds(since: Loop.shared.current()) >= Self.attemptMilliseconds { return true }
        // No attempt on a lease that cannot be renewed.
        do throws(StoreError) {
            guard try await services.store.renew(effect) else { return false }
            running[effect.id]?.leaseEnd = Loop.shared.current().adding(milliseconds: Self.leaseMilliseconds)
            return true
        } catch {
            return false
        }
    }

    private func translate(_ outcome: Result<AttemptOutcome, EffectFailure>, _ effect: Effect) async -> AttemptOutcome {
        switch outcome {
        case .success(let outcome): return outcome
        case .failure(.store):
            return .result(.again(afterMilliseconds: 1000, counts: false, unsent: false))
        case .failure(.api(let error)): return await translate(error, effect)
        }
    }

    private func translate(_ error: BotAPIError, _ effect: Effect) async -> AttemptOutcome {
        switch error.errorClass {
        case .retryAfter:
            let milliseconds = (error.retryAfterSeconds ?? 1) * 1000
            pauses.pause(effect.chat, milliseconds: milliseconds)
            // The others of the chat are pushed; if that fails each learns it by itself.
            do throws(StoreError) { try await services.store.push(effect.chat, milliseconds: milliseconds) } catch {
                mayHaveForgotten = true
            }
            return .wait(milliseconds: milliseconds)
        case .unauthorized:
            halt()
            return .wait(milliseconds: 60_000)
        case .botKicked:
            await forgetChat(effect.chat)
            return .dropped
        case .chatMigrated:
            guard let new = error.migrateToChatID else { return .done() }
            await Migration(services: services).move(effect.chat, to: new)
            return .wait(milliseconds: 0)
        case .serverError, .networkError, .conflict, .unknownError:
            return .result(
                .again(
                    afterMilliseconds: effect.backoffMilliseconds, counts: true, unsent: error.certainlyNotDone))
        case .botBlocked, .adminRightsMissing, .userIsAdmin, .chatNotFound, .userUnknown, .messageGone, .queryExpired,
            .topicGone, .badRequest:
            // A refusal is never tried again; kinds that must do something about it did it before this.
            Log.warning(
                "effect_refused", .name(effect.kind.rawValue), .chatID(effect.chat.value),
                .error(error.errorClass.rawValue))
            HandlerMetrics.effects.add(effect.kind.rawValue, "failed")
            return .done()
        }
    }

    private func forgetChat(_ chat: ChatID) async {
        services.caches.groups.forget(chat)
        do throws(StoreError) { try await services.store.botRemoved(from: chat) } catch { mayHaveForgotten = true }
        await services.tell("group:\(chat.value)")
    }

    // MARK: - Its end

    private func end(_ effect: Effect, _ outcome: AttemptOutcome) async {
        defer { forget(effect) }
        guard case .result(let result) = outcome else { return }
        switch result {
        case .done: HandlerMetrics.effects.add(effect.kind.rawValue, "done")
        case .again(_, counts: true, _): HandlerMetrics.effects.add(effect.kind.rawValue, "retried")
        case .again: break
        }
        await finish(effect, result)
    }

    /// What the decision's trace says of this attempt (details.md, `decisions.effects`).
    private static func note(_ effect: Effect, _ result: EffectResult) -> String? {
        guard effect.decision != nil else { return nil }
        let word = if case .done = result { "done" } else { "waiting" }
        return #"{"kind":"\#(effect.kind.rawValue)","chat":\#(effect.chat.value),"result":"\#(word)","#
            + #""attempts":\#(effect.attempts + 1)}"#
    }

    private func finish(_ effect: Effect, _ result: EffectResult) async {
        do throws(StoreError) {
            let outcome = try await services.store.finish(effect, result, note: Self.note(effect, result))
            if outcome == .lostLease, effect.kind == .restrict, case .done = result, let user = effect.user {
                var record = Record(update: nil)
                record.effects = [.recheck(user, in: effect.chat, audits: true, source: .message)]
                _ = try await services.store.record(record)
            }
            if outcome == .revised || hasFollowers(result) { wake() }
        } catch {
            // The outcome is known: the finish is repeated as long as the process lives, the call never.
            guard unfinished.count < Self.rememberedOutcomes else { return }
            unfinished.append((effect, result))
        }
    }

    private func hasFollowers(_ result: EffectResult) -> Bool {
        switch result {
        case .done(let changes, let follow): !follow.isEmpty || !changes.isEmpty
        case .again: false
        }
    }

    private func repeatFinishes() async {
        guard !unfinished.isEmpty else { return }
        let waiting = unfinished
        unfinished = []
        for entry in waiting { await finish(entry.effect, entry.result) }
    }

    private func forget(_ effect: Effect) {
        running[effect.id] = nil
        guard running.isEmpty else { return }
        let waiters = idle
        idle = []
        for waiter in waiters { waiter.finish(.success(())) }
    }

    // MARK: - A refused token

    private func halt() {
        guard haltedUntil == nil else { return }
        Log.error("token_refused")
        haltedUntil = Loop.shared.now.adding(milliseconds: 60_000)
    }

    private func tokenIsGood() async -> Bool {
        guard let until = haltedUntil else { return true }
        guard until <= Loop.shared.now else { return false }
        do throws(BotAPIError) {
            _ = try await services.api.getMe()
            haltedUntil = nil
            return true
        } catch {
            haltedUntil = Loop.shared.now.adding(milliseconds: 60_000)
            return false
        }
    }
}
