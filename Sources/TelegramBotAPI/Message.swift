// A message and who sent it where, reduced to what decisions and commands look at.

import Domain
import JSON

/// A person or bot.
public struct User: Equatable, Sendable {
    /// Who.
    public var id: UserID
    /// Whether it is a bot.
    public var isBot: Bool
    /// As they call themselves; escape it before it goes into a text.
    public var firstName: String
    /// Likewise.
    public var lastName: String?
    /// Without `@`.
    public var username: String?
    /// IETF tag of their client's language.
    public var languageCode: String?

    /// A person with the given facts.
    public init(
        id: UserID, isBot: Bool = false, firstName: String = "", lastName: String? = nil, username: String? = nil,
        languageCode: String? = nil
    ) {
        self.id = id
        self.isBot = isBot
        self.firstName = firstName
        self.lastName = lastName
        self.username = username
        self.languageCode = languageCode
    }

    /// First and last name.
    public var fullName: String { lastName.map { "\(firstName) \($0)" } ?? firstName }
}

/// What a chat is.
public enum ChatType: String, Sendable {
    /// With one person.
    case `private`
    /// A basic group, where nobody can be muted.
    case group
    /// A supergroup.
    case supergroup
    /// A channel.
    case channel
    /// What Telegram adds later.
    case unknown
}

/// A chat as it comes with messages; also the answer of `getChat`.
public struct Chat: Equatable, Sendable {
    /// Which.
    public var id: ChatID
    /// What it is.
    public var type: ChatType
    /// Its title; of a private chat the person's first name.
    public var title: String?
    /// Without `@`.
    public var username: String?
    /// Whether it has topics.
    public var isForum: Bool
    /// The primary link; from `getChat` only, and only with the right to invite.
    public var inviteLink: String?

    /// A chat with the given facts.
    public init(
        id: ChatID, type: ChatType, title: String? = nil, username: String? = nil, isForum: Bool = false,
        inviteLink: String? = nil
    ) {
        self.id = id
        self.type = type
        self.title = title
        self.username = username
        self.isForum = isForum
        self.inviteLink = inviteLink
    }

    /// Whether people write there together: a basic group or a supergroup.
    public var isGroup: Bool { type == .group || type == .supergroup }
}

/// A marked part of a text; other kinds than these are left out.
public struct MessageEntity: Equatable, Sendable {
    /// What the part is.
    public enum Kind: Equatable, Sendable {
        /// `/name` or `/name@bot`.
        case botCommand
        /// `@name`.
        case mention
        /// A person without a username.
        case textMention(User)
    }

    /// What the part is.
    public var kind: Kind
    /// Where it begins, in UTF-16 units.
    public var offset: Int
    /// How long it is, in UTF-16 units.
    public var length: Int

    /// A part with the given facts.
    public init(kind: Kind, offset: Int, length: Int) {
        self.kind = kind
        self.offset = offset
        self.length = length
    }
}

/// The message that another one answers.
public struct RepliedMessage: Equatable, Sendable {
    /// Which.
    public var id: MessageID
    /// Who sent it.
    public var from: User?
    /// As which chat it was sent.
    public var senderChat: Chat?
    /// The channel that it was forwarded from.
    public var forwardOrigin: Chat?
    /// People whom its text mentions without their public names.
    public var mentioned: [User] = []

    /// An answered message with the given facts.
    public init(id: MessageID, from: User? = nil, senderChat: Chat? = nil, forwardOrigin: Chat? = nil) {
        self.id = id
        self.from = from
        self.senderChat = senderChat
        self.forwardOrigin = forwardOrigin
    }
}

/// The chat that was chosen with a request button.
public struct SharedChat: Equatable, Sendable {
    /// The number given to the button.
    public var requestID: Int64
    /// The chosen chat.
    public var chat: ChatID

    /// A choice with the given facts.
    public init(requestID: Int64, chat: ChatID) {
        self.requestID = requestID
        self.chat = chat
    }
}

/// A message.
public struct Message: Sendable {
    /// A text that becomes a `String` when somebody asks for it: most messages are decided without.
    enum Text: Sendable {
        case none
        case string(String)
        case json([UInt8], Range<Int>)
    }

    private var storedSenderChat = Rare<Chat>.none
    private var storedReplyTo = Rare<RepliedMessage>.none
    private var storedLeftChatMember = Rare<User>.none
    private var storedForwardOrigin = Rare<Chat>.none

    /// Its number in the chat.
    public var id: MessageID
    /// When it was sent, in seconds since 1970; 0 for a message that is no longer accessible.
    public var date: Int64
    /// When it was edited last.
    public var editDate: Int64?
    /// Where.
    public var chat: Chat
    /// Who; a stand-in when `senderChat` is there, absent in channels.
    public var from: User?
    /// As which chat it was sent.
    public var senderChat: Chat? {
        get { storedSenderChat.part }
        set { storedSenderChat = Rare(newValue) }
    }
    /// Whether it is a linked channel's post.
    public var isAutomaticForward = false
    /// Whether it was made through an inline bot.
    public var isViaBot = false
    /// Its thread or topic.
    public var threadID: Int64?
    /// Whether the thread is a topic.
    public var isTopicMessage = false
    /// The album that it is part of.
    public var mediaGroupID: String?
    /// Commands and mentions in the text.
    public var entities: [MessageEntity] = []
    /// What it answers.
    public var replyTo: RepliedMessage? {
        get { storedReplyTo.part }
        set { storedReplyTo = Rare(newValue) }
    }
    /// Who was added or joined.
    public var newChatMembers: [User] = []
    /// Who left or was removed.
    public var leftChatMember: User? {
        get { storedLeftChatMember.part }
        set { storedLeftChatMember = Rare(newValue) }
    }
    /// The supergroup that this basic group became.
    public var migrateToChatID: ChatID?
    /// The basic group that this supergroup was.
    public var migrateFromChatID: ChatID?
    /// The channel that it was forwarded from.
    public var forwardOrigin: Chat? {
        get { storedForwardOrigin.part }
        set { storedForwardOrigin = Rare(newValue) }
    }
    /// The chat chosen with a request button.
    public var sharedChat: SharedChat?
    /// Whether Telegram wrote it (joins, pins, …), not a person.
    public var isService = false
    /// Whether it holds a payment or a refund.
    public var isPayment = false
    var storedText = Text.none

    /// A message with the given facts.
    public init(id: MessageID, date: Int64, chat: Chat, from: User? = nil, text: String? = nil) {
        self.id = id
        self.date = date
        self.chat = chat
        self.from = from
        if let text { storedText = .string(text) }
    }

    /// The text or the caption. Costs a copy at each call.
    public var text: String? {
        get {
            switch storedText {
            case .none: return nil
            case .string(let text): return text
            case .json(let bytes, let range):
                var reader = JSONReader(Array(bytes[range]))
                // The bytes were validated when the message was read, so nothing is hidden here.
                return try? reader.readString()
            }
        }
        set { storedText = newValue.map(Text.string) ?? .none }
    }

    /// Whether there is a text or a caption. Costs nothing.
    public var hasText: Bool {
        if case .none = storedText { false } else { true }
    }

    /// Whether the text begins with a slash. Costs nothing.
    public var mayBeCommand: Bool {
        switch storedText {
        case .none: false
        case .string(let text): text.utf8.first == UInt8(ascii: "/")
        case .json(let bytes, let range):
            range.count > 2
                && (bytes[range.lowerBound + 1] == UInt8(ascii: "/")
                    || bytes[range.lowerBound + 1] == UInt8(ascii: "\\"))
        }
    }
}
