// Choosing a channel in private instead of writing its name: Telegram shows the list, and gives the bot its rights there.

import Domain
import EventLoop
import JSON
import Observability
import Storage
import TelegramBotAPI

/// The way from "Choose a channel" under `/protect` to the protected group.
@IO
struct ChannelPicker {
    /// How long after the question a forwarded post is taken for the answer.
    private static let forwardSeconds: Int64 = 3600

    let tools: CommandTools

    /// Opens the private chat; `nil` while the bot's name is unknown.
    static func button(_ tools: CommandTools, _ group: ChatID, _ language: any Catalogue) -> InlineButton? {
        guard !tools.botUsername.isEmpty else { return nil }
        return InlineButton(
            language.label(.chooseChannel), .url("https://t.me/\(tools.botUsername)?start=p_\(group.value)"))
    }

    /// `/start p_{group}`: asks for a channel, and remembers for which group.
    func open(_ group: ChatID, for user: User) async throws(CommandError) -> [Reply] {
        if let refusal = await refusal(of: user.id, in: group) { return [Reply(refusal)] }
        let chat = try await asked { () async throws(BotAPIError) in
            try await tools.telegram.chat(.id(group), for: group)
        }
        let request = Int64.random(in: 1...Int64(Int32.max))
        try await stored { () async throws(StoreError) in
            try await tools.store.setSetting(
                Self.key(user.id),
                #"{"group":\#(group.value),"request":\#(request),"asked_at":\#(WallClock.now.seconds)}"#)
        }
        let language = Languages.of(languageCode: user.languageCode)
        let text = language.text(.chooseChannel(group: Naming.shown(chat.title ?? "", maximum: 128)))
        _ = try await asked { () async throws(BotAPIError) in
            try await tools.telegram.askForChannel(
                text.html, to: ChatID(privateWith: user.id), button: language.label(.chooseChannel), request: request)
        }
        return []
    }

    /// A channel was chosen, or a post of one forwarded, in private. False: nobody had asked for one.
    func chosen(_ message: Message) async -> Bool {
        guard let user = message.from, let channel = message.sharedChat?.chat ?? message.forwardOrigin?.id else {
            return false
        }
        do throws(CommandError) {
            let mark = try await stored { () async throws(StoreError) in
                try await tools.store.setting(Self.key(user.id))
            }
            guard let (group, request, askedAt) = mark.flatMap(Self.parse) else { return false }
            if let shared = message.sharedChat {
                // A keyboard of an earlier question is about another group.
                guard shared.requestID == request else { return false }
            } else if WallClock.now.seconds - askedAt > Self.forwardSeconds {
                return false  // whoever forwards a post much later means something else
            }
            let reply = try await protect(group, by: channel, user)
            // Answered: the next post that is forwarded is no choice.
            if case .text(.protected) = reply.parts.first { await forgetQuestion(to: user.id) }
            await send([reply], to: user)
        } catch {
            let reference = CommandFailure.report(error, name: CommandName.protect.rawValue, chat: message.chat.id)
            await send([Reply(.somethingWrong(reference: reference))], to: user)
        }
        return true
    }

    private func forgetQuestion(to user: UserID) async {
        do throws(StoreError) { try await tools.store.setSetting(Self.key(user), nil) } catch {
            // The channel is required already, and that is what the answer has to say; the question ends in an hour.
            Log.warning("picker_not_forgotten", .error("\(error)"))
        }
    }

    private func protect(_ id: ChatID, by channel: ChatID, _ user: User) async throws(CommandError) -> Reply {
        if let refusal = await refusal(of: user.id, in: id) { return Reply(refusal) }
        let group = try await asked { () async throws(BotAPIError) in
            try await tools.telegram.chat(.id(id), for: id)
        }
        guard group.type == .supergroup else { return Reply(.basicGroup) }
        return try await Protecting(
            tools: tools, group: group, caller: user, language: Languages.of(languageCode: user.languageCode)
        ).require([.id(channel)])
    }

    /// The right may have gone since the button was shown, and anybody can write such a link.
    private func refusal(of user: UserID, in group: ChatID) async -> Text? {
        await CommandRights(tools: tools).refusal(of: .supergroupRestrictors, in: group, nil, user: user)
    }

    private func send(_ replies: [Reply], to user: User) async {
        let language = Languages.of(languageCode: user.languageCode)
        for reply in replies {
            for page in reply.pages(in: language) {
                do throws(BotAPIError) {
                    _ = try await tools.telegram.send(
                        page.html, to: ChatID(privateWith: user.id), thread: nil, keyboard: reply.keyboard)
                } catch {
                    Log.warning("command_reply_failed", .error(error.errorClass.rawValue))
                }
            }
        }
    }

    private static func key(_ user: UserID) -> String { "picker:\(user.value)" }

    private static func parse(_ mark: String) -> (group: ChatID, request: Int64, askedAt: Int64)? {
        do throws(JSONError) {
            let value = try JSONValue(parsing: Array(mark.utf8))
            guard let group = value["group"]?.int, let request = value["request"]?.int else { return nil }
            return (ChatID(group), request, value["asked_at"]?.int ?? 0)
        } catch {
            return nil  // nobody else writes such a key
        }
    }
}
