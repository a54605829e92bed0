// Short notes in a group that go again after a minute, and their wishes.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

/// What a note says; the payload's `say`.
enum GroupNote: String {
    /// A channel may not speak here; `title` names it.
    case channelSpeaker = "channel_speaker"
    /// Messages of some people were removed since Telegram did not answer.
    case checkFailed = "check_failed"
    /// The same, told to the group while it lasts.
    case checksFail = "checks_fail"
    /// A message was removed and its author not muted.
    case refused
}

extension EffectWish {
    /// A note to a person, or about a channel. `number` makes the key: the update's or the hold's.
    static func note(
        _ note: GroupNote, about user: UserID? = nil, title: String? = nil, in group: ChatID, thread: Int64? = nil,
        number: Int64
    ) -> EffectWish {
        EffectWish(
            .send, key: "send:\(note.rawValue):\(group.value):\(number)", chat: group, user: user,
            payload: payload(note, title: title, thread: thread))
    }

    /// One waits in a group for all whose messages were removed since a check failed, like a prompt.
    static func failedCheckNote(about user: UserID, in group: ChatID, thread: Int64?) -> EffectWish {
        EffectWish(
            .send, key: "send:\(GroupNote.checkFailed.rawValue):\(group.value)", chat: group, user: user,
            payload: payload(.checkFailed, title: nil, thread: thread))
    }

    private static func payload(_ note: GroupNote, title: String?, thread: Int64?) -> String {
        var writer = JSONWriter()
        writer.object { json in
            json.key("say")
            json.string(note.rawValue)
            if let title {
                json.key("title")
                json.string(String(title.prefix(255)))
            }
            if let thread {
                json.key("thread")
                json.int(thread)
            }
        }
        return writer.text
    }
}

extension EffectPerformer {
    func send(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        if effect.value("say")?.string == EffectWish.joinRequestSay { return try await sendJoinRequestButtons(effect) }
        if effect.value("say")?.string == EffectWish.greetingSay { return try await greet(effect) }
        guard let note = effect.value("say")?.string.flatMap(GroupNote.init(rawValue:)),
            let group = try await group(effect.chat)
        else { return .done() }
        if effect.isPerhapsSentTwice { return .done() }
        let people = addressed(by: note, effect)
        if note == .checkFailed, people.isEmpty { return .done() }
        if let wait = budgetWait(effect.chat) { return wait }
        let composed = await compose(note, people, effect, group)
        try await keepLease(effect)
        let message = try await send(
            composed, to: effect.chat, thread: effect.value("thread")?.int,
            fallback: group.params.noticeTopic, context(effect))
        if note == .checkFailed { services.notes.outages.told(people, in: effect.chat) }
        // The group's own note stands as long as it is not said again.
        let milliseconds: Int64 = note == .checksFail ? 600_000 : 60_000
        return .done(follow: [.delete(message, in: effect.chat, delayMilliseconds: milliseconds)])
    }

    /// Whom a note names: of failed checks all who wait; another replica knows only whom the row names.
    private func addressed(by note: GroupNote, _ effect: Effect) -> [UserID] {
        let one = effect.user.map { [$0] } ?? []
        guard note == .checkFailed else { return one }
        let waiting = services.notes.outages.waiting(in: effect.chat)
        guard waiting.isEmpty else { return waiting }
        return one.filter { !services.notes.outages.knows($0, in: effect.chat) }
    }

    private func compose(
        _ note: GroupNote, _ people: [UserID], _ effect: Effect, _ group: ProtectedGroup
    ) async -> ComposedMessage {
        let language = Languages.named(group.params.language)
        var named: [PromptPerson] = []
        for user in people.prefix(Prompt.maximumMentions) {
            named.append(PromptPerson(id: user, name: await name(of: user, in: group.id), opening: .refused))
        }
        switch note {
        case .channelSpeaker:
            let text = language.text(.channelSpeaker(channel: effect.value("title")?.string ?? ""))
            return ComposedMessage(html: text.html, keyboard: InlineKeyboard())
        case .checkFailed:
            let mentions = Markup.joined(named.map { HTML.mention($0.id, name: $0.name) })
            let text = language.text(.checkFailed(mentions: mentions, more: people.count - named.count))
            return ComposedMessage(html: text.html, keyboard: InlineKeyboard())
        case .checksFail:
            return ComposedMessage(html: language.text(.checksFail).html, keyboard: InlineKeyboard())
        case .refused:
            return Prompt.compose(
                people: named, channels: group.requiredChannels,
                in: PromptPlace(group, botUsername: services.settings.botUsername))
        }
    }
}
