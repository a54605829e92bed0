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
        guard let group = try await storedGroup(effect.chat) else { return .done() }
        let held = try await stillHeld(by: message, in: group.id)
        let isNotice = group.notice == message
        guard !held.isEmpty else {
            try await keepLease(effect)
            try await remove(message, in: group.id, context(effect))
            guard isNotice else { return .done() }
            return .done([.notice(group.id, nil, thread: nil)])
        }
        if let wait = budgetWait(group.id) { return wait }
        let composed = isNotice ? standing(held, in: group) : await prompt(for: held, in: group)
        try await keepLease(effect)
        try await replace(message, in: group.id, by: composed, context(effect))
        return .done()
    }

    /// A prompt's time is up.
    func expire(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let message = effect.message, message.value > 0 else { return .done() }
        guard let group = try await storedGroup(effect.chat) else { return .done() }
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
        return .done(changes, follow: group.notice.map { [.delete($0, in: group.id)] } ?? [])
    }

    /// Which message is the standing notice changes by these effects, on any replica: memory may be behind.
    private func storedGroup(_ id: ChatID) async throws(EffectFailure) -> ProtectedGroup? {
        try await fromStore { () async throws(StoreError) in try await services.store.group(id) }
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
        let sent = try await fromStore { () async throws(StoreError) in
            try await services.store.noticeSentAtSeconds(of: group)
        }
        return WallClock.now.seconds - (sent ?? 0) > 3600
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

    private func replace(
        _ message: MessageID, in chat: ChatID, by composed: ComposedMessage, _ context: CallContext
    ) async throws(EffectFailure) {
        do throws(BotAPIError) {
            try await services.api.editMessageText(
                message, in: chat, text: composed.html, keyboard: composed.keyboard, context)
        } catch {
            guard error.errorClass != .messageGone else { return }
            throw .api(error)
        }
    }
}
