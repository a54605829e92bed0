// A message in a group: facts cheap first, the gate's decision, its record.

import Domain
import EventLoop
import Gate
import Observability
import Storage
import TelegramBotAPI

/// Handles messages and edits in groups.
@IO
struct MessageHandler {
    /// A message that came later than this is handled late: Telegram had kept it.
    private static let lateSeconds: Int64 = 120
    let services: Services

    /// Decides from memory alone. `nil`: something has to be asked or recorded.
    func decideAtOnce(_ message: Message, occasion: Occasion) -> Handled? {
        guard message.chat.isGroup else { return .nothing }
        let group: ProtectedGroup?
        switch services.caches.groups.lookup(message.chat.id) {
        case .fresh(let known): group = known
        case .stale(let known):
            group = known
            let (services, id) = (services, message.chat.id)
            // Owned by the cache's flight; a failure leaves the stale value.
            Task { @IO in
                do throws(FetchFailed) { _ = try await services.group(id) } catch { return }
            }
        case .missing:
            HandlerMetrics.cacheMisses.add("group")
            return nil
        }
        HandlerMetrics.groupHits.add()
        if let group { services.sighted(message, in: group) }
        guard let group, let inquiry = inquiry(message, group, occasion) else { return .nothing }
        services.notes.note(message.id, in: group.id)
        notePresence(message, in: group.id)
        inquiry.recall()
        let decision = Gate.decide(inquiry.facts)
        switch decision {
        case .ignore: return .nothing
        case .allow:
            inquiry.log(decision)
            return .nothing
        case .need, .hold, .delete, .release, .approve, .wait: return nil
        }
    }

    /// Gathers what is missing, decides and records.
    func handle(_ message: Message, occasion: Occasion, update: UpdateID) async throws(UpdateFailure) -> Handled {
        try await judge(message, occasion: occasion, update: update).handled
    }

    /// The same, and whether the message stands.
    func judge(
        _ message: Message, occasion: Occasion, update: UpdateID
    ) async throws(UpdateFailure) -> (handled: Handled, stands: Bool) {
        guard message.chat.isGroup, let group = try await services.configuration(message.chat.id),
            let inquiry = inquiry(message, group, occasion)
        else { return (.nothing, true) }
        noteName(message)
        notePresence(message, in: group.id)
        var decision = await inquiry.decide(patienceMilliseconds: 7000)
        if case .allow(.subscribed) = decision, !inquiry.isCached,
            services.store.held.mayInclude(inquiry.user, in: group.id)
        {
            // A message from before the mute, handled late: the open row is looked up beside a check only.
            inquiry.facts.hasOpenHold = await isHeld(inquiry.user, in: group.id)
            decision = Gate.decide(inquiry.facts)
        }
        if inquiry.wasAnswered { services.notes.outages.ended(in: group.id) }
        inquiry.log(decision)
        if !inquiry.unreachable.isEmpty {
            let (services, unreachable) = (services, inquiry.unreachable)
            // Off the answer path; each store call in it has its own deadline.
            Task { @IO in await services.markBroken(unreachable, in: group.id) }
        }
        let handled: Handled = needsRecord(decision) ? try await record(decision, inquiry, message, update) : .nothing
        return (handled, stands(decision, in: group))
    }

    /// Asked before, since a function that waits costs memory by being called.
    private func needsRecord(_ decision: Decision) -> Bool {
        switch decision {
        case .ignore, .need, .approve, .wait: false
        case .allow(let reason): reason == .checkFailed
        case .hold, .delete, .release: true
        }
    }

    private func stands(_ decision: Decision, in group: ProtectedGroup) -> Bool {
        switch decision {
        case .hold, .delete: services.enforcement(of: group) != .enforced
        case .ignore, .allow, .need, .release, .approve, .wait: true
        }
    }

    /// With the store away a subscriber's message stands; if they are held after all, their button frees them.
    private func isHeld(_ user: UserID, in group: ChatID) async -> Bool {
        do throws(StoreError) { return try await services.store.openHold(of: user, in: group) != nil } catch {
            return false
        }
    }

    // What does not wait is kept out of what does, whose locals are in allocated memory.

    @inline(never)
    private func noteName(_ message: Message) {
        guard let from = message.from else { return }
        services.notes.note(ProcessNotes.Name(name: from.fullName, language: from.languageCode), of: from.id)
    }

    /// Who writes is there, whatever was seen before.
    private func notePresence(_ message: Message, in group: ChatID) {
        guard message.senderChat == nil, let user = message.from?.id else { return }
        let pair = PairOrder.Pair(chat: group, user: user)
        if case .fresh(false) = services.caches.presence.lookup(pair) { services.caches.presence.set(pair, true) }
    }

    /// `nil`: the gate has no say, without asking.
    private func inquiry(_ message: Message, _ group: ProtectedGroup, _ occasion: Occasion) -> Inquiry? {
        guard group.isProtected, !message.isService else { return nil }
        let inquiry = Inquiry(
            services: services, group: group, user: message.from?.id ?? UserID(0), source: .message, occasion: occasion)
        if message.isAutomaticForward || message.from?.id == .serviceAccount {
            inquiry.facts.sender = .linkedPost
        } else if let chat = message.senderChat {
            inquiry.facts.sender = chat.id == group.id ? .anonymousAdmin : .channel(chat.id)
            // A required channel may speak, also while the bot cannot look into it.
            if group.channels.contains(where: { $0.id == chat.id }) { inquiry.facts.group.allowsSenderChats = true }
        } else if message.from?.isBot != false {
            inquiry.facts.sender = .bot
        }
        return inquiry
    }

    private func record(
        _ decision: Decision, _ inquiry: Inquiry, _ message: Message, _ update: UpdateID
    ) async throws(UpdateFailure) -> Handled {
        guard let record = draft(decision, inquiry, message, update) else { return .nothing }
        switch decision {
        case .hold(let missing):
            guard !services.workers.isOverloaded else { throw .overloaded }
            return try await hold(missing, inquiry, message, record)
        case .delete(let reason): return try await remove(reason, inquiry, message, record)
        case .ignore, .allow, .need, .release, .approve, .wait: return try await services.record(record)
        }
    }

    /// What is to be recorded, apart from the hold and notes; `nil`: the log's line was all.
    ///
    /// - Precondition: `needsRecord`.
    @inline(never)
    private func draft(
        _ decision: Decision, _ inquiry: Inquiry, _ message: Message, _ update: UpdateID
    ) -> Record? {
        let group = inquiry.group
        let row = inquiry.row(decision, update: update)
        guard services.enforcement(of: group) == .enforced else {
            services.log.offer(.decision(row))
            return nil
        }
        var record = Record(update: update)
        record.decision = row
        switch decision {
        case .ignore, .need, .approve, .wait: return nil
        case .allow:
            // A pause must not open the gate: the message stands for now and is looked at again.
            guard let pause = inquiry.retryAfterMilliseconds else {
                services.log.offer(.decision(row))
                return nil
            }
            record.effects = [
                .recheck(
                    inquiry.user, in: group.id, messages: [message.id], source: .message, delayMilliseconds: pause)
            ]
        case .hold, .delete:
            var delete = EffectWish.delete(message.id, in: group.id)
            delete.startsAtOnce = services.workers.hasRoom(for: 1) && !services.workers.isPaused(group.id)
            record.effects = [delete]
        case .release(let reason):
            record.releases = [ReleaseWish(group: group.id, user: inquiry.user, reason: reason)]
        }
        return record
    }

    private func hold(
        _ missing: [ChatID], _ inquiry: Inquiry, _ message: Message, _ base: Record
    ) async throws(UpdateFailure) -> Handled {
        let group = inquiry.group.id
        let startsAtOnce = services.workers.isPaused(group) ? false : await services.workers.findsRoom(for: 3)
        let record = holding(missing, inquiry, message, base, startsAtOnce)
        let outcome = try await services.reading { () async throws(StoreError) in
            try await services.store.record(record)
        }
        guard case .recorded(let recorded) = outcome else { return .repeated }
        if recorded.wasHeldAlready {
            await AdministratorDecision(services: services).heldPersonWrote(
                inquiry.user, in: group, atSeconds: message.editDate ?? message.date)
        } else {
            noteHold(inquiry, message)
        }
        return .recorded(begun(recorded, missing, inquiry), group: group)
    }

    @inline(never)
    private func holding(
        _ missing: [ChatID], _ inquiry: Inquiry, _ message: Message, _ base: Record, _ startsAtOnce: Bool
    ) -> Record {
        let group = inquiry.group.id
        var record = base
        record.hold = HoldWish(group: group, user: inquiry.user, channels: missing, source: .message)
        record.effects += [
            .restrict(inquiry.user, in: group),
            .prompt(in: group, thread: message.isTopicMessage ? message.threadID : nil),
        ]
        for index in record.effects.indices { record.effects[index].startsAtOnce = startsAtOnce }
        return record
    }

    /// The effects that start now, with the hold where nobody can have changed it since.
    @inline(never)
    private func begun(_ recorded: Recorded, _ missing: [ChatID], _ inquiry: Inquiry) -> [Effect] {
        guard let ledger = recorded.ledger else { return recorded.effects }
        let hold = Hold(
            id: ledger, group: inquiry.group.id, user: inquiry.user, state: .intended, channels: missing,
            source: .message)
        return recorded.effects.map { effect in
            guard effect.kind == .restrict || (effect.kind == .prompt && recorded.isOnlyUntold) else { return effect }
            return effect.with(freshHold: hold)
        }
    }

    @inline(never)
    private func noteHold(_ inquiry: Inquiry, _ message: Message) {
        let pair = PairOrder.Pair(chat: inquiry.group.id, user: inquiry.user)
        if WallClock.now.seconds - (message.editDate ?? message.date) > Self.lateSeconds {
            _ = services.notes.lateHolds.claim(pair)
        } else {
            services.notes.lateHolds.release(pair)
        }
        services.events?.held(
            inquiry.user, name: message.from?.fullName, in: inquiry.group.id, reason: "not_subscribed",
            milliseconds: Loop.shared.current().milliseconds(since: inquiry.began))
    }

    /// A deletion that mutes nobody, and what is said about it once in a while.
    private func remove(
        _ reason: Reason, _ inquiry: Inquiry, _ message: Message, _ base: Record
    ) async throws(UpdateFailure) -> Handled {
        let (group, notes) = (inquiry.group.id, services.notes)
        let thread = message.isTopicMessage ? message.threadID : nil
        let number = base.update?.value ?? message.id.value
        var record = base
        var unsay: () -> Void = {}
        if case .channel(let channel) = inquiry.facts.sender {
            let pair = PairOrder.Pair(chat: group, user: UserID(channel.value))
            if notes.channelSpeakers.claim(pair) {
                unsay = { notes.channelSpeakers.release(pair) }
                record.effects.append(
                    .note(.channelSpeaker, title: message.senderChat?.title, in: group, thread: thread, number: number))
            }
        } else if reason == .checkFailed {
            let telling = notes.outages.failed(inquiry.user, in: group)
            unsay = { notes.outages.release(telling, of: inquiry.user, in: group) }
            switch telling {
            case .person: record.effects.append(.failedCheckNote(about: inquiry.user, in: group, thread: thread))
            case .group: record.effects.append(.note(.checksFail, in: group, thread: thread, number: number))
            case .nobody: break
            }
        }
        do throws(UpdateFailure) { return try await services.record(record) } catch {
            unsay()
            throw error
        }
    }
}
