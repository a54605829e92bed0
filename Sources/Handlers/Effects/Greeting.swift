// What the bot says in a group to which it was added: the steps to protect it, for a minute.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectWish {
    static let greetingSay = "greeting"

    /// A greeting in the language of who added the bot (an IETF tag); the group has no settings yet.
    static func greeting(in group: ChatID, languageCode: String?, update: UpdateID) -> EffectWish {
        var writer = JSONWriter()
        writer.object { json in
            json.key("say")
            json.string(greetingSay)
            if let languageCode {
                json.key("language")
                json.string(String(languageCode.prefix(35)))
            }
        }
        return EffectWish(
            .send, key: "send:\(greetingSay):\(group.value):\(update.value)", chat: group, payload: writer.text)
    }
}

extension EffectPerformer {
    func greet(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        if effect.isPerhapsSentTwice { return .done() }
        if let wait = budgetWait(effect.chat) { return wait }
        let language = Languages.of(languageCode: effect.value("language")?.string)
        let greeting = ComposedMessage(html: language.text(.greeting).html, keyboard: InlineKeyboard())
        let message = try await send(greeting, to: effect.chat, thread: nil, fallback: nil, context(effect))
        return .done(follow: [.delete(message, in: effect.chat, delayMilliseconds: 60_000)])
    }
}
