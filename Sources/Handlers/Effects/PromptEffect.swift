// Telling all who are held in a group and were not told yet, with one message.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectPerformer {
    /// How many one message tells; it names ten and counts the others.
    private static let toldTogether = 5000

    func prompt(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        let chat = effect.chat
        var untold = try await untold(effect)
        guard !untold.isEmpty, let group = try await group(chat), group.isEnabled else { return .done() }
        let areMore = untold.count == Self.toldTogether
        untold.removeAll { !group.stillHolds(for: $0.channels) }
        guard !untold.isEmpty else { return .done(follow: areMore ? [again(effect)] : []) }
        let known = try await toldLately(untold)
        let waiting = untold.filter { !known.contains($0.id) && !mayBeRefused($0) }
        let later = untold.contains(where: mayBeRefused) ? [again(effect)] : []
        guard !waiting.isEmpty else { return toldBefore(known, in: group, follow: later) }
        let ids = waiting.map(\.id)
        if effect.isPerhapsSentTwice { return .done([.told(ids, nil)]) }
        if let wait = budgetWait(chat) { return wait }
        let composed = await compose(waiting, in: group)
        try await keepLease(effect)
        let message = try await send(
            composed, to: chat, thread: effect.value("thread")?.int, fallback: group.params.noticeTopic,
            context(effect))
        // Whoever did not fit is told next: nobody stays held without having been told why.
        let rest = areMore && later.isEmpty ? [.prompt(in: chat)] : later
        return told(ids, known: known, by: message, in: group, effect, follow: rest)
    }

    private func compose(_ waiting: [Hold], in group: ProtectedGroup) async -> ComposedMessage {
        let channels = missing(of: waiting, in: group)
        var people: [PromptPerson] = []
        for hold in waiting.prefix(10) {
            people.append(
                PromptPerson(
                    id: hold.user, name: await name(of: hold.user, in: group.id),
                    opening: opening(of: hold, channels: channels)))
        }
        return composed(people, waiting.count, channels, group)
    }

    // What follows does not wait, and so needs no memory while others do.

    @inline(never)
    private func toldBefore(
        _ known: Set<LedgerID>, in group: ProtectedGroup, follow: [EffectWish]
    ) -> AttemptOutcome {
        .done(known.isEmpty ? [] : [.told(Array(known), group.notice)], follow: follow)
    }

    @inline(never)
    private func composed(
        _ people: [PromptPerson], _ total: Int, _ channels: [RequiredChannel], _ group: ProtectedGroup
    ) -> ComposedMessage {
        let place = PromptPlace(group, botUsername: services.settings.botUsername)
        return Prompt.compose(people: people, total: total, channels: channels, in: place)
    }

    @inline(never)
    private func told(
        _ ids: [LedgerID], known: Set<LedgerID>, by message: MessageID, in group: ProtectedGroup, _ effect: Effect,
        follow: [EffectWish]
    ) -> AttemptOutcome {
        var follow = follow
        if group.params.warningSeconds > 0 {
            follow.append(
                .expire(
                    message, in: group.id, thread: effect.value("thread")?.int,
                    afterMilliseconds: group.params.warningSeconds * 1000))
        }
        var changes: [LedgerChange] = [.told(ids, message)]
        if !known.isEmpty { changes.append(.told(Array(known), group.notice ?? message)) }
        return .done(changes, follow: follow)
    }

    /// Whoever is held later raises the effect's revision, so what was recorded with it need not be read.
    private func untold(_ effect: Effect) async throws(EffectFailure) -> [Hold] {
        if let hold = effect.freshHold { return [hold] }
        return try await fromStore { () async throws(StoreError) in
            try await services.store.untold(in: effect.chat, limit: Self.toldTogether)
        }
    }

    /// Whom we could not mute a moment ago were told then: whether they are held now must be known first.
    private func mayBeRefused(_ hold: Hold) -> Bool {
        hold.state == .intended
            && services.notes.refusals.isRecent(PairOrder.Pair(chat: hold.group, user: hold.user))
    }

    private func again(_ effect: Effect) -> EffectWish {
        var wish = EffectWish.prompt(in: effect.chat, thread: effect.value("thread")?.int)
        wish.delayMilliseconds = 1000
        return wish
    }

    /// Who was held a second time within ten minutes for a message that came late: they know.
    private func toldLately(_ holds: [Hold]) async throws(EffectFailure) -> Set<LedgerID> {
        var known: Set<LedgerID> = []
        for hold in holds where services.notes.lateHolds.isRecent(PairOrder.Pair(chat: hold.group, user: hold.user)) {
            let earlier = try await fromStore { () async throws(StoreError) in
                try await services.store.recentHolds(of: hold.user, in: hold.group, seconds: 600)
            }
            if earlier.contains(where: { $0.id < hold.id && $0.isTold }) { known.insert(hold.id) }
        }
        return known
    }

    /// The channels that the people miss, in the order of linking; all of the group's if none is sound any more.
    func missing(of holds: [Hold], in group: ProtectedGroup) -> [RequiredChannel] {
        let ids = Set(holds.flatMap(\.channels))
        let found = group.channels.filter { ids.contains($0.id) }
        return found.isEmpty ? group.requiredChannels : found
    }

    /// A name for the mention: as last seen, else asked; an empty one shows the id.
    func name(of user: UserID, in group: ChatID) async -> String {
        if let known = services.notes.name(of: user) { return known.name }
        do throws(BotAPIError) {
            let member = try await services.api.getChatMember(
                user, in: group,
                CallContext(
                    userID: user, groupID: group, deadline: Loop.shared.current().adding(milliseconds: 2000)))
            let name = ProcessNotes.Name(name: member.user.fullName, language: member.user.languageCode)
            services.notes.note(name, of: user)
            return name.name
        } catch {
            return ""
        }
    }

    private func opening(of hold: Hold, channels: [RequiredChannel]) -> PromptOpening {
        switch hold.source {
        case .join: .welcome
        case .leave: channels.first.map { .left(channel: $0.title) } ?? .hello
        case .message, .return, .button: .hello
        }
    }
}
