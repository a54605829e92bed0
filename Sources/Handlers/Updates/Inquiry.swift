// Gathering facts about one person in one group, cheap first, and asking the gate until it decides.

import Domain
import EventLoop
import Gate
import Observability
import Storage
import TelegramBotAPI

/// The facts of one decision with what was learnt on the way: times, categories of failures, pauses.
@IO
final class Inquiry {
    let services: Services
    let group: ProtectedGroup
    let user: UserID
    let source: VerificationSource
    let began: Instant
    var facts: Facts
    /// Which verdicts came from the cache.
    private var cached: [ChatID] = []
    private var milliseconds = ByChannel<Int64>()
    private var errorTypes = ByChannel<String>()
    /// The longest pause that Telegram asked for while this was gathered.
    private(set) var retryAfterMilliseconds: Int64?

    init(
        services: Services, group: ProtectedGroup, user: UserID, source: VerificationSource, occasion: Occasion
    ) {
        self.services = services
        self.group = group
        self.user = user
        self.source = source
        began = Loop.shared.now
        facts = Facts(occasion, group: GroupFacts(group))
        facts.isExempt = group.isExempt(user, atSeconds: WallClock.now.seconds)
    }

    /// Whether everything was known: the hot path.
    var isCached: Bool { milliseconds.isEmpty && cached.count == facts.group.channels.count }

    /// Looks at what memory knows. Nothing is asked, nothing awaited.
    func recall() {
        var (facts, cached) = (facts, cached)
        for channel in facts.group.channels {
            guard let entry = services.caches.verdicts.verdict(user, in: channel) else {
                HandlerMetrics.verifyMisses.add()
                continue
            }
            switch entry.membership {
            case .member: facts.memberships[channel] = .member
            case .notMember:
                facts.memberships[channel] = .notMember(
                    ageMilliseconds: Loop.shared.now.milliseconds(since: entry.seen))
            }
            if !cached.contains(channel) { cached.append(channel) }
            HandlerMetrics.verifyHits.add()
            if services.caches.verdicts.wantsRefresh(entry) { refreshInBackground(channel) }
        }
        recallAdministrators(&facts)
        (self.facts, self.cached) = (facts, cached)
    }

    private func recallAdministrators(_ facts: inout Facts) {
        guard facts.admin == nil else { return }
        switch services.caches.admins.lookup(group.id) {
        case .fresh(let list):
            HandlerMetrics.adminsHits.add()
            facts.admin = list.ids.contains(user) ? .yes : .no
        case .stale(let list):
            HandlerMetrics.adminsHits.add()
            facts.admin = list.ids.contains(user) ? .yes : .no
            let (services, group) = (services, group.id)
            // Owned by the cache's flight.
            Task { @IO in _ = await services.administrators(of: group) }
        case .missing: break
        }
    }

    /// Recalls, asks the gate, fetches what it needs within the time, and asks again.
    func decide(patienceMilliseconds: Int64) async -> Decision {
        recall()
        let deadline = Loop.shared.current().adding(milliseconds: patienceMilliseconds)
        for _ in 0..<3 {
            let decision = Gate.decide(facts)
            guard case .need(let needs) = decision else { return decision }
            await meet(needs, deadline: deadline)
        }
        return .allow(.checkFailed)
    }

    /// Fetches facts, all at the same time. The last channel, mostly the only one, needs no task of its own.
    func meet(_ needs: [Need], deadline: Instant) async {
        let services = services
        let (user, group) = (user, group.id)
        var admins: Task<AdminFact, Never>?
        var own: ChatID?
        var checks: [(ChatID, Task<ChannelAnswer, Never>)] = []
        for need in needs {
            switch need {
            case .admins:
                HandlerMetrics.cacheMisses.add("admins")
                admins = Task { @IO in await services.adminFact(of: user, in: group, deadline: deadline) }
            case .memberships(let channels):
                own = channels.last
                // Begun at once: what is under way since memory was asked is joined, not asked again.
                for channel in channels.dropLast() {
                    checks.append(
                        (
                            channel,
                            Task.immediate { @IO in
                                await services.check(user, in: channel, for: group, deadline: deadline)
                            }
                        ))
                }
            case .presence:
                facts.isInGroup = await services.presence(of: user, in: group, deadline: deadline) ?? true
            }
        }
        if let own { note(await services.check(user, in: own, for: group, deadline: deadline), of: own) }
        for (channel, task) in checks { note(await task.value, of: channel) }
        guard let admins else { return }
        facts.admin = await admins.value
        // A pause of the group's own calls is waited out like one of a check.
        if facts.admin == .failed, let pause = services.api.pausedUntil(chat: group) {
            let left = pause.milliseconds(since: Loop.shared.current())
            retryAfterMilliseconds = max(retryAfterMilliseconds ?? 0, left, 1)
        }
    }

    private func note(_ answer: ChannelAnswer, of channel: ChatID) {
        facts.memberships[channel] = answer.fact
        cached.removeAll { $0 == channel }
        milliseconds[channel] = answer.milliseconds
        errorTypes[channel] = answer.errorType
        if let pause = answer.retryAfterMilliseconds {
            retryAfterMilliseconds = max(retryAfterMilliseconds ?? 0, pause)
        }
    }

    /// The decision's row with its facts.
    func row(_ decision: Decision, update: UpdateID?) -> DecisionRow {
        var ages = ByChannel<Int64>()
        for channel in cached {
            guard let entry = services.caches.verdicts.verdict(user, in: channel) else { continue }
            ages[channel] = Loop.shared.now.milliseconds(since: entry.seen)
        }
        return DecisionRow(
            update: update, group: group.id, user: user, ruleVersion: ruleVersion, outcome: decision.outcome,
            facts: facts.encoded(
                reason: decision.reason, cachedMilliseconds: ages, askedMilliseconds: milliseconds,
                enforcement: services.enforcement(of: group)))
    }

    /// Whether memberships were asked and Telegram answered all that was asked.
    var wasAnswered: Bool {
        guard !milliseconds.isEmpty, facts.admin != .failed else { return false }
        return !facts.memberships.values.contains { if case .failed = $0 { true } else { false } }
    }

    /// Channels that the bot cannot look into.
    var unreachable: [ChatID] {
        facts.group.channels.filter { if case .unreachable = facts.memberships[$0] { true } else { false } }
    }

    private func refreshInBackground(_ channel: ChatID) {
        let (services, user, group) = (services, user, group.id)
        let deadline = Loop.shared.now.adding(milliseconds: 7000)
        // Owned by the flight of the check, which has this deadline.
        Task { @IO in _ = await services.check(user, in: channel, for: group, deadline: deadline) }
    }

    // MARK: - Log

    /// One row for each channel that was looked at, one of them decisive.
    func log(_ decision: Decision) {
        switch decision {
        case .ignore, .need: return
        case .allow, .hold, .delete, .release, .approve, .wait: break
        }
        let (facts, cached, milliseconds, errorTypes) = (facts, cached, milliseconds, errorTypes)
        var looked: [(channel: ChatID, status: Status)] = []
        var failed: ChatID?
        var missing: ChatID?
        for channel in facts.group.channels {
            guard let fact = facts.memberships[channel] else { continue }
            let status = Status(fact, admin: facts.admin)
            looked.append((channel, status))
            switch status {
            case .verified: break
            case .error: failed = failed ?? channel
            case .restricted: missing = missing ?? channel
            }
        }
        guard let first = looked.first else { return }
        let isHeld: Bool
        if case .hold = decision { isHeld = true } else { isHeld = false }
        let decisive = (isHeld ? missing : nil) ?? failed ?? missing ?? first.channel
        var decided = Status.verified
        let now = WallClock.now.microseconds
        for (channel, status) in looked {
            let errorType = errorTypes[channel] ?? (status == .error ? "TelegramError" : nil)
            services.log.offer(
                .verification(
                    VerificationRow(
                        user: user, group: group.id, channel: channel, status: status.rawValue,
                        latencyMilliseconds: milliseconds[channel], isCached: cached.contains(channel),
                        isDecisive: channel == decisive, source: source, errorType: errorType, atMicroseconds: now)))
            if channel == decisive { decided = status }
        }
        switch (decided, source) {
        case (.verified, .message): HandlerMetrics.verifiedMessages.add()
        case (.restricted, .message): HandlerMetrics.restrictedMessages.add()
        default: HandlerMetrics.verifications.add(decided.rawValue, source.rawValue)
        }
        let seconds = Double(Loop.shared.current().nanoseconds - began.nanoseconds) / 1_000_000_000
        let isCached = milliseconds.isEmpty && cached.count == facts.group.channels.count
        (isCached ? HandlerMetrics.cachedSeconds : HandlerMetrics.askedSeconds).observe(seconds: seconds)
    }

    /// What a channel's row says.
    private enum Status: String {
        case verified, restricted, error

        init(_ fact: MembershipFact, admin: AdminFact?) {
            switch fact {
            case .member: self = .verified
            // Who is missing may be an administrator: without the list nobody is held, and the check has failed.
            case .notMember, .inferredNotMember: self = admin == .failed ? .error : .restricted
            case .failed, .unreachable: self = .error
            }
        }
    }
}
