// A command as it was sent: whether it is ours, its arguments, who sent it and in which language they read.

import Domain
import TelegramBotAPI

/// One command of one message.
public struct CommandCall: Sendable {
    /// Which; `nil`: none that exists.
    public let name: CommandName?
    /// The message.
    public let message: Message
    /// The words behind the command.
    public let arguments: [String]
    /// All that is behind the command, as it was written.
    public let rest: String
    /// Who sent it; `nil` for an anonymous administrator, or a channel.
    public let user: User?

    /// Where it was sent.
    public var chat: Chat { message.chat }
    /// Whether it was sent in private.
    public var isPrivate: Bool { message.chat.type == .private }
    /// Whether an administrator sent it in the group's name.
    public var isAnonymousAdmin: Bool { message.senderChat?.id == message.chat.id }
    /// The topic in which it was sent.
    public var topic: Int64? { message.isTopicMessage ? message.threadID : nil }

    /// The command of a message, or `nil` when it holds none, or one for another bot.
    public init?(_ message: Message, botUsername: String) {
        guard message.mayBeCommand, let text = message.text, text.hasPrefix("/") else { return nil }
        let head = text.dropFirst().prefix { !$0.isWhitespace }
        let parts = head.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let word = parts.first, !word.isEmpty, word.utf8.allSatisfy(Self.isNameByte) else { return nil }
        if parts.count == 2, parts[1].lowercased() != botUsername.lowercased() { return nil }
        name = CommandName(rawValue: word.lowercased())
        let tail = text.dropFirst(1 + head.count).drop { $0.isWhitespace }
        rest = String(tail)
        arguments = tail.split { $0.isWhitespace }.map(String.init)
        self.message = message
        user = message.senderChat == nil ? message.from : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
