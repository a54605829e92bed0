// What commands and jobs ask of Telegram: what a test replaces by a script, and `BotAPI` answers in service.

import Domain
import EventLoop
import TelegramBotAPI

/// Calls of commands and jobs. `group` and `user` say on whose behalf, for the log of calls.
@IO
public protocol CommandTelegram: AnyObject {
    /// Somebody's state in a chat.
    func member(_ user: UserID, of chat: ChatID, for group: ChatID?) async throws(BotAPIError) -> ChatMember
    /// Owner and administrators of a chat.
    func administrators(of chat: ChatID) async throws(BotAPIError) -> [ChatMember]
    /// A chat's title, public name and link.
    func chat(_ reference: ChatReference, for group: ChatID?) async throws(BotAPIError) -> Chat
    /// Makes an invite link of our own.
    func makeInviteLink(to channel: ChatID, for group: ChatID) async throws(BotAPIError) -> String
    /// How many people are in a chat.
    func memberCount(of chat: ChatID) async throws(BotAPIError) -> Int64
    /// Sends a message.
    func send(
        _ html: String, to chat: ChatID, thread: Int64?, keyboard: InlineKeyboard?
    ) async throws(BotAPIError) -> MessageID
    /// Asks in private for a channel, by a button that shows a list of them.
    func askForChannel(
        _ html: String, to chat: ChatID, button: String, request: Int64
    ) async throws(BotAPIError) -> MessageID
    /// Changes a message in place; "not modified" is a success.
    func edit(
        _ message: MessageID, in chat: ChatID, to html: String, keyboard: InlineKeyboard?
    ) async throws(BotAPIError)
    /// Answers a press.
    func answer(_ query: String, _ text: String?, isAlert: Bool) async throws(BotAPIError)
    /// Sets a menu of commands.
    func setCommands(
        _ commands: [(name: CommandName, line: String)], for place: MenuPlace, language: String?
    ) async throws(BotAPIError)
}

/// Who sees a menu of commands.
public enum MenuPlace: Hashable, Sendable {
    /// Everybody in private.
    case privateChats
    /// Everybody in groups.
    case groups
    /// Administrators of groups.
    case groupAdministrators
    /// One person's private chat.
    case person(UserID)
}
