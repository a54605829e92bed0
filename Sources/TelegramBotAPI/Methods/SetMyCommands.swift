// setMyCommands: the menu of commands, by who sees it and in which language.

import Domain
import JSON

/// One line of the menu.
public struct BotCommand: Equatable, Sendable {
    /// 1 to 32 of `a-z0-9_`.
    public var name: String
    /// 1 to 256 characters.
    public var about: String

    /// A line with the given words.
    public init(_ name: String, _ about: String) {
        self.name = name
        self.about = about
    }
}

/// Who sees a menu (https://core.telegram.org/bots/api#botcommandscope).
public enum BotCommandScope: Equatable, Sendable {
    /// Whoever has no narrower one.
    case everybody
    /// Everybody in private.
    case allPrivateChats
    /// Everybody in groups.
    case allGroupChats
    /// Administrators of groups.
    case allChatAdministrators
    /// One chat.
    case chat(ChatID)
}

extension BotAPI {
    /// Sets a menu; without a language it serves all that have none of their own.
    public func setMyCommands(
        _ commands: [BotCommand], scope: BotCommandScope, language: String? = nil,
        _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("setMyCommands") { writer in
            writer.key("commands")
            writer.array { writer in
                for command in commands.prefix(100) {
                    writer.object { writer in
                        writer.key("command")
                        writer.string(command.name)
                        writer.key("description")
                        writer.string(command.about)
                    }
                }
            }
            writer.key("scope")
            scope.write(to: &writer)
            guard let language else { return }
            writer.key("language_code")
            writer.string(language)
        }
        try await call(method, context)
    }
}

extension BotCommandScope {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("type")
            switch self {
            case .everybody: writer.string("default")
            case .allPrivateChats: writer.string("all_private_chats")
            case .allGroupChats: writer.string("all_group_chats")
            case .allChatAdministrators: writer.string("all_chat_administrators")
            case .chat(let id):
                writer.string("chat")
                writer.key("chat_id")
                writer.int(id.value)
            }
        }
    }
}
