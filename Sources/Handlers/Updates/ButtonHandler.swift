// The verify button and the check behind it.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

/// Answers presses, and checks for `/verify` and the private chat.
@IO
public final class ButtonHandler: Verifying {
    private static let patienceMilliseconds: Int64 = 2500
    private let services: Services
    private var last: [PairOrder.Pair: VerifyOutcome] = [:]
    private var underWay: [PairOrder.Pair: Completion<VerifyOutcome, Never>] = [:]

    /// A handler over the service's parts.
    public init(services: Services) { self.services = services }

    /// Answers a press once, within 3 s.
    func pressed(_ query: CallbackQuery) async -> Handled {
        let language = Languages.of(languageCode: query.from.languageCode)
        guard let (target, group) = Self.target(query) else {
            await answer(query, language.toast(.outOfDate), isAlert: false)
            return .nothing
        }
        guard target == nil || target == query.from.id else {
            await answer(query, language.toast(.notForYou), isAlert: true)
            return .nothing
        }
        services.notes.note(
            ProcessNotes.Name(name: query.from.fullName, language: query.from.languageCode), of: query.from.id)
        let outcome = Completion<VerifyOutcome, Never>()
        let first = Completion<VerifyOutcome?, Never>()
        // Owned by this press: the check has a deadline of its own.
        Task { @IO in
            let result = await verify(query.from.id, in: group)
            outcome.finish(.success(result))
            first.finish(.success(result))
        }
        let timer = Loop.shared.schedule(afterMilliseconds: Self.patienceMilliseconds) { first.finish(.success(nil)) }
        guard let known = await first.wait() else {
            // What comes later shows in the prompt.
            await answer(query, language.toast(.checking), isAlert: false)
            _ = await outcome.wait()
            return .recorded([], group: group)
        }
        timer.cancel()
        await answer(query, known.line(in: language), isAlert: true)
        return .recorded([], group: group)
    }

    /// One real check per person and group in 3 s; further presses get the last result.
    public func verify(_ user: UserID, in group: ChatID) async -> VerifyOutcome {
        let pair = PairOrder.Pair(chat: group, user: user)
        if let check = underWay[pair] { return await check.wait() }
        if services.notes.presses.isRecent(pair), let known = last[pair] { return known }
        let check = Completion<VerifyOutcome, Never>()
        underWay[pair] = check
        let outcome: VerifyOutcome
        do throws(UpdateFailure) { outcome = try await checked(user, group) } catch { outcome = .unavailable }
        if last.count > 10_000 { last.removeAll() }  // only the last seconds matter
        _ = services.notes.presses.claim(pair)
        last[pair] = outcome
        underWay[pair] = nil
        check.finish(.success(outcome))
        return outcome
    }

    private func checked(_ user: UserID, _ id: ChatID) async throws(UpdateFailure) -> VerifyOutcome {
        let hold = try await services.reading { () async throws(StoreError) in
            try await services.store.openHold(of: user, in: id)
        }
        if let hold {
            try await services.reading { () async throws(StoreError) in try await services.store.pressed(hold.id) }
        }
        guard let group = try await services.configuration(id), group.isProtected else {
            guard hold != nil else { return .noLongerProtected }
            _ = try await release(user, id, .unprotected, try await unprotectedRow(user, id))
            return .noLongerProtected
        }
        if hold == nil, await isFree(user, group) { return try await notHeld(user, group) }
        var before: [ChatID: Membership] = [:]
        for channel in group.requiredChannels {
            before[channel.id] = services.caches.verdicts.verdict(user, in: channel.id)?.membership
            services.caches.verdicts.forget(user, in: channel.id)
        }
        let inquiry = Inquiry(services: services, group: group, user: user, source: .button, occasion: .button)
        inquiry.facts.hasOpenHold = hold != nil
        let decision = await inquiry.decide(patienceMilliseconds: 7000)
        inquiry.log(decision)
        inquiry.markUnreachable()
        await tellChanges(inquiry, before)
        switch decision {
        case .release(let reason):
            guard let hold else { return try await notHeld(user, group) }
            if hold.state == .lifting {
                services.workers.wake()  // freed already, by another press or by an event
                return .opensInAMoment
            }
            let isDone = try await release(user, id, reason, inquiry.row(decision, update: nil))
            if reason == .unprotected { return .noLongerProtected }
            return isDone ? .canWriteNow : .opensInAMoment
        case .wait(let missing):
            let channels = group.channels.filter { missing.contains($0.id) }
            return channels.isEmpty ? .telegramSilent : .stillMissing(channels)
        case .ignore, .allow, .need, .hold, .delete, .approve: return .telegramSilent
        }
    }

    /// Whether the gate has no say over somebody who is not held: administrators and exempt people.
    private func isFree(_ user: UserID, _ group: ProtectedGroup) async -> Bool {
        if group.isExempt(user, atSeconds: WallClock.now.seconds) { return true }
        return await services.administrators(of: group.id)?.ids.contains(user) == true
    }

    /// The decision to give up a hold for which there is no gate any more.
    private func unprotectedRow(_ user: UserID, _ id: ChatID) async throws(UpdateFailure) -> DecisionRow? {
        guard let group = try await services.configuration(id) else { return nil }
        let inquiry = Inquiry(services: services, group: group, user: user, source: .button, occasion: .button)
        inquiry.facts.hasOpenHold = true
        return inquiry.row(Gate.decide(inquiry.facts), update: nil)
    }

    /// Other replicas learn what is not as it was.
    private func tellChanges(_ inquiry: Inquiry, _ before: [ChatID: Membership]) async {
        for channel in inquiry.facts.group.channels {
            let now: Membership
            switch inquiry.facts.memberships[channel] {
            case .member: now = .member
            case .notMember: now = .notMember
            case .inferredNotMember, .failed, .unreachable, nil: continue
            }
            guard before[channel] != now else { continue }
            await services.tell("verify:\(inquiry.user.value):\(channel.value):\(now == .member ? 1 : 0)")
        }
    }

    private func release(
        _ user: UserID, _ group: ChatID, _ reason: ReleaseReason, _ row: DecisionRow?
    ) async throws(UpdateFailure) -> Bool {
        try await services.reading { () async throws(StoreError) in
            try await services.release(user, in: group, reason, row)
        }
    }

    /// Not held: perhaps restricted by an administrator, perhaps waiting to be let in.
    private func notHeld(_ user: UserID, _ group: ProtectedGroup) async throws(UpdateFailure) -> VerifyOutcome {
        let context = CallContext(
            userID: user, groupID: group.id, deadline: Loop.shared.current().adding(milliseconds: 2000))
        let member: ChatMember
        do throws(BotAPIError) { member = try await services.api.getChatMember(user, in: group.id, context) } catch {
            return .canWriteHere
        }
        if member.status == .kicked { return .restrictedByAdmin }
        // No request is remembered: that there is none to approve is harmless.
        if !member.isMember { try await letIn(user, group) }
        let isMuted = member.status == .restricted && member.permissions?.contains(.sendMessages) != true
        return isMuted ? .restrictedByAdmin : .canWriteHere
    }

    private func letIn(_ user: UserID, _ group: ProtectedGroup) async throws(UpdateFailure) {
        var record = Record(update: nil)
        var approve = EffectWish.approve(user, in: group.id)
        approve.startsAtOnce = services.workers.hasRoom(for: 1)
        record.effects = [approve]
        if case .recorded(let effects, _) = try await services.record(record) { services.workers.perform(effects) }
        services.workers.wake()
    }

    /// Whose button it is (`nil`: whoever presses) and which group it is about.
    private static func target(_ query: CallbackQuery) -> (UserID?, ChatID)? {
        guard case .verify(let user, let group)? = query.data.flatMap({ CallbackData($0) }),
            let place = group ?? query.message?.chat.id
        else { return nil }
        return (user, place)
    }

    private func answer(_ query: CallbackQuery, _ text: String, isAlert: Bool) async {
        let context = CallContext(
            userID: query.from.id, deadline: Loop.shared.current().adding(milliseconds: 8000))
        do throws(BotAPIError) {
            try await services.api.answerCallbackQuery(query.id, text: text, isAlert: isAlert, context)
        } catch {
            return  // an answer that comes too late is worth nothing
        }
    }
}
