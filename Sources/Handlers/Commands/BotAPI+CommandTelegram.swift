// The Bot API as commands and jobs use it: somebody waits, so calls are repeated within a short time.

import Domain
import EventLoop
import TelegramBotAPI

/// Answers commands and jobs through the Bot API.
@IO
public final class BotCommandTelegram: CommandTelegram {
    private let bot: BotAPI

    /// Calls through this connection.
    public init(_ bot: BotAPI) { self.bot = bot }

    /// Somebody's state in a chat.
    public func member(
        _ user: UserID, of chat: ChatID, for group: ChatID?
    ) async throws(BotAPIError) -> ChatMember {
        try await bot.getChatMember(user, in: chat, context(group))
    }

    /// Owner and administrators of a chat.
    public func administrators(of chat: ChatID) async throws(BotAPIError) -> [ChatMember] {
        try await bot.getChatAdministrators(chat, context(chat))
    }

    /// A chat's title, public name and link.
    public func chat(_ reference: ChatReference, for group: ChatID?) async throws(BotAPIError) -> Chat {
        switch reference {
        case .id(let id): try await bot.getChat(id, context(group))
        case .name(let name): try await bot.getChat(named: name, context(group))
        }
    }

    /// Makes an invite link of our own.
    public func makeInviteLink(to channel: ChatID, for group: ChatID) async throws(BotAPIError) -> String {
        try await bot.createChatInviteLink(channel, name: "Nezuko", context(group))
    }

    /// How many people are in a chat. One attempt: the job repeats by its own rules.
    public func memberCount(of chat: ChatID) async throws(BotAPIError) -> Int64 {
        try await bot.getChatMemberCount(chat)
    }

    /// Sends a message.
    public func send(
        _ html: String, to chat: ChatID, thread: Int64?, keyboard: InlineKeyboard?
    ) async throws(BotAPIError) -> MessageID {
        try await bot.sendMessage(to: chat, text: html, keyboard: keyboard, threadID: thread, context(nil))
    }

    /// Asks in private for a channel, by a button that shows a list of them.
    public func askForChannel(
        _ html: String, to chat: ChatID, button: String, request: Int64
    ) async throws(BotAPIError) -> MessageID {
        try await bot.sendChannelPicker(to: chat, text: html, button: button, requestID: request, context(nil))
    }

    /// Changes a message in place; "not modified" is a success.
    public func edit(
        _ message: MessageID, in chat: ChatID, to html: String, keyboard: InlineKeyboard?
    ) async throws(BotAPIError) {
        try await bot.editMessageText(message, in: chat, text: html, keyboard: keyboard, context(nil))
    }

    /// Answers a press.
    public func answer(_ query: String, _ text: String?, isAlert: Bool) async throws(BotAPIError) {
        try await bot.answerCallbackQuery(query, text: text, isAlert: isAlert, context(nil))
    }

    /// Sets a menu of commands.
    public func setCommands(
        _ commands: [(name: CommandName, line: String)], for place: MenuPlace, language: String?
    ) async throws(BotAPIError) {
        let scope: BotCommandScope =
            switch place {
            case .privateChats: .allPrivateChats
            case .groups: .allGroupChats
            case .groupAdministrators: .allChatAdministrators
            case .person(let user): .chat(ChatID(privateWith: user))
            }
        try await bot.setMyCommands(
            commands.map { BotCommand($0.name.rawValue, $0.line) }, scope: scope, language: language, context(nil))
    }

    private func context(_ group: ChatID?) -> CallContext {
        CallContext(
            groupID: group, deadline: Loop.shared.current().adding(milliseconds: 7000), retries: .upTo(3))
    }
}
