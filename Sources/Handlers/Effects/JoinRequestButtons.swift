// The way in for somebody who asked to join: what is missing and the buttons, in private.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

extension EffectWish {
    static let joinRequestSay = "join_request"

    /// The buttons for a person who waits to be let in, once for each request.
    static func joinRequestButtons(
        for request: ChatJoinRequest, missing: [ChatID], update: UpdateID
    ) -> EffectWish {
        var writer = JSONWriter()
        writer.object { json in
            json.key("say")
            json.string(joinRequestSay)
            json.key("to")
            json.int(request.userChatID.value)
            json.key("language")
            json.string(String((request.from.languageCode ?? "").prefix(35)))
            json.key("channels")
            json.array { list in for channel in missing { list.int(channel.value) } }
        }
        return EffectWish(
            .send, key: "send:\(joinRequestSay):\(request.chat.id.value):\(update.value)", chat: request.chat.id,
            user: request.from.id, payload: writer.text)
    }
}

extension EffectPerformer {
    /// They may be written to for five minutes after they asked; whom the bot may not write to waits for administrators.
    private static let windowMilliseconds: Int64 = 300_000

    func sendJoinRequestButtons(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard effect.ageMilliseconds < Self.windowMilliseconds, let user = effect.user,
            let chat = effect.value("to")?.int.map({ ChatID($0) }), let group = try await group(effect.chat)
        else { return .done() }
        if effect.isPerhapsSentTwice { return .done() }
        if let wait = budgetWait(chat) { return wait }
        let ids = Set((effect.value("channels")?.array ?? []).compactMap(\.int))
        let channels = group.channels.filter { ids.contains($0.id.value) }
        let language = Languages.of(languageCode: effect.value("language")?.string)
        let text = language.text(.joinRequest(group: group.title, channels: Prompt.names(of: channels)))
        var rows = Prompt.joinRows(channels, params: group.params, language: language)
        let verify = InlineButton(
            language.label(.verify), .callback("verify:\(user.value):\(group.id.value)"))
        rows.append([verify])
        let keyboard = InlineKeyboard(rows)
        try await keepLease(effect)
        do throws(BotAPIError) {
            _ = try await services.api.sendMessage(to: chat, text: text.html, keyboard: keyboard, context(effect))
            return .done()
        } catch {
            // The person's chat is paused, not the group.
            guard error.errorClass == .retryAfter else { throw .api(error) }
            throw .later(milliseconds: (error.retryAfterSeconds ?? 1) * 1000)
        }
    }
}
