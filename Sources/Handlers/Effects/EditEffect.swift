// Prompts and standing notices after they were sent: brought up to date, ended, turned into the notice.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectPerformer {
    /// Says who of those addressed is still held, or removes the message when nobody is.
    func edit(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let message = effect.message, message.value > 0 else { return .done() }
        guard let group = try await stored(effect.chat) else { return .done() }
        let held = try await stillHeld(by: message, in: group.id)
        let isNotice = group.notice == message
        guard !held.isEmpty else {
            try await keepLease(effect)
            try await remove(message, in: group.id, context(effect))
            guard isNotice else { return .done() }
            return .done([.notice(group.id, nil, thread: nil)])
        }
        if let wait = budgetWait(group.id) { return wait }
        guard isNotice else {
            let composed = await prompt(for: held, in: group)
            try await keepLease(effect)
            try await replace(message, in: group.id, by: composed, context(effect))
            return .done()
        }
        let isFarUp = try await mayReplace(message, in: group.id)
        try await keepLease(effect)
        if isFarUp { return try await sendAgain(message, held, group, effect) }
        let stands = try await replace(message, in: group.id, by: standing(held, in: group), context(effect))
        // Somebody deleted it while people wait: it comes back, as seldom as any.
        if !stands, try await isAnHourOld(in: group.id) { return try await sendAgain(message, held, group, effect) }
        return .done(follow: [lookLater(message, in: group.id)])
    }

    /// The notice lies too far up: a new one stands below, and the old one goes.
    private func sendAgain(
        _ notice: MessageID, _ held: [Hold], _ group: ProtectedGroup, _ effect: Effect
    ) async throws(EffectFailure) -> AttemptOutcome {
        let message = try await send(
            standing(held, in: group), to: group.id, thread: group.noticeThread, fallback: group.params.noticeTopic,
            context(effect))
        services.caches.groups.forget(group.id)
        return .done(
            [.told(held.map(\.id), message), .notice(group.id, message, thread: group.noticeThread)],
            follow: [.delete(notice, in: group.id), lookLater(message, in: group.id)])
    }

    /// A notice is looked at once an hour, whether it has to be sent again.
    private func lookLater(_ notice: MessageID, in group: ChatID) -> EffectWish {
        .edit(notice, in: group, afterMilliseconds: 3_600_000)
    }

    /// As stored: a notice made a moment ago must not be taken for a prompt.
    private func stored(_ group: ChatID) async throws(EffectFailure) -> ProtectedGroup? {
        try await fromStore { () async throws(StoreError) in try await services.store.group(group) }
    }

    /// A prompt's time is up.
    func expire(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let message = effect.message, message.value > 0 else { return .done() }
        guard let group = try await stored(effect.chat) else { return .done() }
        let held = try await stillHeld(by: message, in: group.id)
        try await keepLease(effect)
        guard !held.isEmpty else {
            try await remove(message, in: group.id, context(effect))
            return .done()
        }
        guard group.notice != message else { return .done() }
        if let notice = group.notice, try await !mayReplace(notice, in: group.id) {
            // The notice that stands speaks for these people too.
            try await remove(message, in: group.id, context(effect))
            return .done([.told(held.map(\.id), notice)], follow: [.edit(notice, in: group.id)])
        }
        if let wait = budgetWait(group.id) { return wait }
        var people = held
        if let notice = group.notice { people += try await stillHeld(by: notice, in: group.id) }
        try await replace(message, in: group.id, by: standing(people, in: group), context(effect))
        let changes: [LedgerChange] = [
            .told(people.map(\.id), message), .notice(group.id, message, thread: effect.value("thread")?.int),
        ]
        let former = group.notice.map { [EffectWish.delete($0, in: group.id)] } ?? []
        return .done(changes, follow: former + [lookLater(message, in: group.id)])
    }

    private func stillHeld(by message: MessageID, in group: ChatID) async throws(EffectFailure) -> [Hold] {
        try await fromStore { () async throws(StoreError) in
            try await services.store.addressed(by: message, in: group)
        }.filter { $0.state == .intended || $0.state == .held }
    }

    /// At most once an hour, and only when more than 50 newer messages lie below it.
    private func mayReplace(_ notice: MessageID, in group: ChatID) async throws(EffectFailure) -> Bool {
        guard let newest = services.notes.newestMessage(in: group), newest.value - notice.value > 50 else {
            return false
        }
        return try await isAnHourOld(in: group)
    }

    /// Whether the notice may be sent again.
    private func isAnHourOld(in group: ChatID) async throws(EffectFailure) -> Bool {
        let sent = try await fromStore { () async throws(StoreError) in
            try await services.store.noticeSentAtSeconds(of: group)
        }
        return WallClock.now.seconds - (sent ?? 0) >= 3600
    }

    private func standing(_ held: [Hold], in group: ProtectedGroup) -> ComposedMessage {
        Prompt.standing(
            waiting: held.count, channels: missing(of: held, in: group),
            in: PromptPlace(group, botUsername: services.settings.botUsername))
    }

    private func prompt(for held: [Hold], in group: ProtectedGroup) async -> ComposedMessage {
        var people: [PromptPerson] = []
        for hold in held.prefix(10) {
            people.append(PromptPerson(id: hold.user, name: await name(of: hold.user, in: group.id)))
        }
        return Prompt.compose(
            people: people, total: held.count, channels: missing(of: held, in: group),
            in: PromptPlace(group, botUsername: services.settings.botUsername))
    }

    /// Whether the message stood.
    @discardableResult
    private func replace(
        _ message: MessageID, in chat: ChatID, by composed: ComposedMessage, _ context: CallContext
    ) async throws(EffectFailure) -> Bool {
        do throws(BotAPIError) {
            try await services.api.editMessageText(
                message, in: chat, text: composed.html, keyboard: composed.keyboard, context)
            return true
        } catch {
            guard error.errorClass != .messageGone else { return false }
            throw .api(error)
        }
    }
}
