// Persons, chats, members and messages as plain values; what may be done with them is World's.

import JSON

/// A person or a bot.
public struct Person: Sendable {
    /// Telegram's id of the person, and of the private chat with them.
    public let id: Int64
    /// The first name.
    public var name: String
    /// The public name without `@`.
    public var username: String?
    /// The language of the person's client.
    public var languageCode: String?
    /// A bot.
    public var isBot = false
    /// Started our bot, so it may write to them.
    public var hasStarted = false
    /// Blocked our bot.
    public var hasBlocked = false
    /// The account is gone.
    public var isDeactivated = false
}

/// What a chat is.
public enum ChatKind: String, Sendable {
    /// The chat of one person with the bot.
    case `private`
    /// A basic group, in which nobody can be restricted.
    case group
    /// A supergroup.
    case supergroup
    /// A channel.
    case channel
}

/// Where a person stands in a chat.
public enum MemberStatus: String, Sendable {
    /// The owner.
    case creator
    /// An administrator.
    case administrator
    /// A plain member.
    case member
    /// An exception from the group's permissions, inside or outside the group.
    case restricted
    /// Not there.
    case left
    /// Banned.
    case kicked
}

/// One person's record in one chat.
public struct Member: Sendable, Equatable {
    /// The status.
    public var status: MemberStatus
    /// For `restricted`: whether the person is in the chat.
    public var isMember = true
    /// For `restricted`: what is still allowed.
    public var permissions: Permissions = .all
    /// For `restricted` and `kicked`: when it ends, in seconds since 1970; 0 is never.
    public var untilDate: Int64 = 0
    /// For administrators.
    public var rights: AdminRights = []
    /// For administrators: what is shown beside the name.
    public var customTitle: String?

    /// Whether the person is in the chat.
    public var isPresent: Bool {
        switch status {
        case .creator, .administrator, .member: true
        case .restricted: isMember
        case .left, .kicked: false
        }
    }
    /// Whether the person runs the chat.
    public var isAdmin: Bool { status == .creator || status == .administrator }
    /// Whether the person may do what needs that right.
    public func may(_ right: AdminRights) -> Bool {
        status == .creator || (status == .administrator && rights.isSuperset(of: right))
    }
}

/// A message that stands or stood in a chat.
public struct Message: Sendable {
    /// The id within the chat.
    public let id: Int64
    /// When it was sent, in seconds since 1970.
    public let date: Int64
    /// The sender as shown in `from`.
    public let senderID: Int64
    /// The chat in whose name it was sent.
    public var senderChatID: Int64?
    /// The text without markup; with `media` the caption.
    public var text: String
    /// Marked parts of the text.
    public var entities: [JSONValue] = []
    /// The inline keyboard.
    public var replyMarkup: JSONValue?
    /// The topic.
    public var threadID: Int64?
    /// When it was last edited, in seconds since 1970.
    public var editDate: Int64?
    /// What it shows besides text: the field of the message and its value.
    public var media: (key: String, value: JSONValue)?
    /// Fields of a service message or a forward, as in the JSON of the message.
    public var extra: [(key: String, value: JSONValue)] = []
    /// The message of the same chat that it answers.
    public var answersID: Int64?
    /// A line of Telegram's own, such as "joined".
    public var isService = false
    /// Nobody can edit it: a service message, a forward, a poll …
    public var isFixed = false
    /// Deleted.
    public var isGone = false
    /// Shown to one person only.
    public var receiverID: Int64?
    /// Reactions by person.
    var reactions: [Int64: [JSONValue]] = [:]

    /// What a live view shows of it.
    var shownText: String {
        guard let media else { return text }
        return text.isEmpty ? "[\(media.key)]" : "[\(media.key)] \(text)"
    }

    /// Whether a reader would see no difference.
    func looksLike(_ other: Message) -> Bool {
        text == other.text && entities == other.entities && replyMarkup == other.replyMarkup
            && media?.key == other.media?.key && media?.value == other.media?.value
    }
}

/// An invite link.
public struct InviteLink: Sendable {
    /// The address.
    public internal(set) var url: String
    /// Who made it.
    public let creatorID: Int64
    /// Its name.
    public var name: String?
    /// Who comes through it has to be let in.
    public var createsJoinRequest = false
    /// When it ends, in seconds since 1970.
    public var expireDate: Int64?
    /// How many may join through it.
    public var memberLimit: Int64?
    /// How many joined through it.
    public var uses: Int64 = 0
    /// Nobody can use it any more.
    public var isRevoked = false
    /// The chat's own link.
    public var isPrimary = false
}

/// A topic of a forum.
public struct Topic: Sendable {
    /// The name.
    public var name: String
    /// Nobody but administrators may write.
    public var isClosed = false
}

/// A group, channel or private chat.
public struct Chat: Sendable {
    /// The id: negative except in private.
    public let id: Int64
    /// What it is.
    public let kind: ChatKind
    /// The title; a person's name in private.
    public var title: String
    /// The public name without `@`.
    public var username: String?
    /// Has topics.
    public var isForum = false
    /// Who joins by the chat's name has to be let in.
    public var joinByRequest = false
    /// Tells of joins and leaves by service messages.
    public var hasServiceMessages = true
    /// What members may do without an exception.
    public var permissions: Permissions = .groupDefault
    /// Records of persons, also of some who are not there.
    public var members: [Int64: Member] = [:]
    /// Ids in `members`, in order of arrival: dictionaries have no order that repeats.
    public var order: [Int64] = []
    /// Messages by id; the oldest are forgotten.
    public var messages: [Int64: Message] = [:]
    /// The id that the next message gets.
    public var nextMessageID: Int64 = 1
    /// Invite links in order.
    public var links: [InviteLink] = []
    /// Topics by id.
    public var topics: [Int64: Topic] = [:]
    /// The discussion group of a channel, or the channel of a discussion group.
    public var linkedChatID: Int64?
    /// The bot is asked about each request to join.
    public var botIsGuard = false
    /// Who waits to be let in, with the moment in microseconds.
    public var joinRequests: [Int64: Int64] = [:]
    /// The supergroup that this group became.
    public var migratedTo: Int64?
    /// What is said about the chat.
    public var about = ""
    /// Channels in whose name nobody may write here.
    public var bannedChannels: [Int64] = []
    /// Pinned messages, the latest last.
    public var pinned: [Int64] = []

    /// Of a private chat: the bot's keyboard below it.
    public var replyKeyboard: JSONValue?

    /// How many persons are there.
    public var memberCount: Int { order.count { members[$0]?.isPresent == true } }

    /// What a method looks at while it changes the chat.
    var head: ChatHead { ChatHead(self) }
}

/// A chat without what grows with its use: a copy of that would make the next change copy it all.
struct ChatHead {
    let id: Int64
    let kind: ChatKind
    let title: String
    let username: String?
    let isForum: Bool
    let joinByRequest: Bool
    let hasServiceMessages: Bool
    let permissions: Permissions
    let topics: [Int64: Topic]
    let linkedChatID: Int64?
    let migratedTo: Int64?
    let about: String
    let bannedChannels: [Int64]
    let pinned: [Int64]

    init(_ chat: Chat) {
        id = chat.id
        kind = chat.kind
        title = chat.title
        username = chat.username
        isForum = chat.isForum
        joinByRequest = chat.joinByRequest
        hasServiceMessages = chat.hasServiceMessages
        permissions = chat.permissions
        topics = chat.topics
        linkedChatID = chat.linkedChatID
        migratedTo = chat.migratedTo
        about = chat.about
        bannedChannels = chat.bannedChannels
        pinned = chat.pinned
    }
}
