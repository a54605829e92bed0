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
    /// A message was removed since Telegram did not answer.
    case checkFailed = "check_failed"
    /// A message was removed and its author not muted.
    case refused
}

extension EffectWish {
    /// A note to a person, or about a channel. `number` makes the key: the update's or the hold's.
    static func note(
        _ note: GroupNote, about user: UserID? = nil, title: String? = nil, in group: ChatID, thread: Int64? = nil,
        number: Int64
    ) -> EffectWish {
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
        return EffectWish(
            .send, key: "send:\(note.rawValue):\(group.value):\(number)", chat: group, user: user,
            payload: String(decoding: writer.bytes, as: UTF8.self))
    }
}

extension EffectPerformer {
    func send(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        if effect.value("say")?.string == EffectWish.joinRequestSay { return try await sendJoinRequestButtons(effect) }
        guard let note = effect.value("say")?.string.flatMap(GroupNote.init(rawValue:)),
            let group = try await group(effect.chat)
        else { return .done() }
        if effect.isTakenOver, effect.sends > 2 { return .done() }
        if let wait = budgetWait(effect.chat) { return wait }
        let message = try await send(
            await compose(note, effect, group), to: effect.chat, thread: effect.value("thread")?.int,
            fallback: group.params.noticeTopic, context(effect))
        return .done(follow: [.delete(message, in: effect.chat, delayMilliseconds: 60_000)])
    }

    private func compose(_ note: GroupNote, _ effect: Effect, _ group: ProtectedGroup) async -> ComposedMessage {
        let language = Languages.named(group.params.language)
        var name = ""
        if let user = effect.user { name = await self.name(of: user, in: group.id) }
        let person = effect.user ?? UserID(0)
        switch note {
        case .channelSpeaker:
            let text = language.text(.channelSpeaker(channel: effect.value("title")?.string ?? ""))
            return ComposedMessage(html: text.html, keyboard: InlineKeyboard())
        case .checkFailed:
            let text = language.text(.checkFailed(mention: HTML.mention(person, name: name)))
            return ComposedMessage(html: text.html, keyboard: InlineKeyboard())
        case .refused:
            return Prompt.compose(
                people: [PromptPerson(id: person, name: name, opening: .refused)], channels: group.requiredChannels,
                in: PromptPlace(group, botUsername: services.settings.botUsername))
        }
    }
}
