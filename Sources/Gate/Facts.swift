// What a decision is made from. A missing fact is `nil`, never a guess.

import Domain

/// What led to a decision.
public enum Occasion: String, CaseIterable, Sendable {
    /// A message in a group.
    case message
    /// An edit of one.
    case edit
    /// Somebody became a member of the group.
    case join
    /// Somebody asks to be let in.
    case joinRequest = "join_request"
    /// Something about the person changed elsewhere (a required channel, an unknown outcome).
    case recheck
    /// The person says that they joined.
    case button
    /// An administrator changed what a held person may do, or the person left.
    case byHand = "by_hand"
}

/// What was done by hand to a held person.
public enum HandChange: String, CaseIterable, Sendable {
    /// An administrator gave them their rights back.
    case freed
    /// An administrator restricted them anew, or banned them.
    case restricted
    /// They left the group by themselves.
    case left
}

/// Who speaks: `from` is a stand-in where `sender_chat` is set (core.telegram.org/bots/api#message).
public enum Sender: Equatable, Sendable {
    /// An ordinary account.
    case person
    /// A bot.
    case bot
    /// An administrator who speaks as the group.
    case anonymousAdmin
    /// A post of the linked channel, forwarded by Telegram.
    case linkedPost
    /// An account that speaks as this channel.
    case channel(ChatID)
}

/// What is known of a person in one required channel.
public enum MembershipFact: Equatable, Sendable {
    /// Subscribed, from the cache or just asked.
    case member
    /// Not subscribed, by an answer or event of that age in milliseconds.
    case notMember(ageMilliseconds: Int64)
    /// Telegram does not know the person there, asked twice.
    case inferredNotMember
    /// The check failed; its fine class.
    case failed(String)
    /// The bot cannot see this channel's members; the fine class.
    case unreachable(String)
}

/// What is known of a person's rights in the group.
public enum AdminFact: String, Sendable {
    /// An administrator.
    case yes
    /// Not one.
    case no
    /// The list cannot be read and none is cached.
    case failed
}

/// The part of a group's configuration that decides.
public struct GroupFacts: Equatable, Sendable {
    /// Whether it is enabled and has a sound link.
    public var isProtected: Bool
    /// Required channels in the order of linking, sound ones only.
    public var channels: [ChatID]
    /// What happens when a check fails.
    public var failMode: FailMode
    /// Whether people may speak as any channel.
    public var allowsSenderChats: Bool

    /// Facts as given.
    public init(isProtected: Bool, channels: [ChatID], failMode: FailMode = .open, allowsSenderChats: Bool = false) {
        self.isProtected = isProtected
        self.channels = channels
        self.failMode = failMode
        self.allowsSenderChats = allowsSenderChats
    }

    /// The facts of a group's configuration; `nil`: never protected.
    public init(_ group: ProtectedGroup?) {
        if let group { self.init(group) } else { self.init(isProtected: false, channels: []) }
    }

    /// The facts of a group's configuration.
    public init(_ group: ProtectedGroup) {
        channels = []
        // By index, so that the links' names are not copied.
        for index in group.channels.indices where group.channels[index].health == .ok {
            channels.append(group.channels[index].id)
        }
        isProtected = group.isEnabled && !channels.isEmpty
        failMode = group.params.failMode
        allowsSenderChats = group.params.allowsSenderChats
    }
}

/// Everything that `decide` looks at.
public struct Facts: Equatable, Sendable {
    /// What led to the decision.
    public var occasion: Occasion
    /// The group's configuration.
    public var group: GroupFacts
    /// Whether the chat is a group or supergroup.
    public var isGroupChat = true
    /// Whether the message is one of Telegram's own about the chat.
    public var isServiceMessage = false
    /// Who speaks.
    public var sender = Sender.person
    /// Whether the person is on the group's list of exemptions.
    public var isExempt = false
    /// Whether the person is an administrator of the group; `nil`: not looked up.
    public var admin: AdminFact?
    /// By channel; absent: not looked up.
    public var memberships = ByChannel<MembershipFact>()
    /// Whether an open hold of the person is known.
    public var hasOpenHold = false
    /// Whether the person is a member of the group; `nil`: not looked up.
    public var isInGroup: Bool?
    /// What was done by hand, where that is the occasion.
    public var handChange: HandChange?
    /// How old a negative answer may be to hold somebody: 3 s, 60 s where an event's recheck had to wait.
    public var freshForMilliseconds = Self.usualFreshness

    static let usualFreshness: Int64 = 3000

    /// Facts of an occasion in a group, with nothing looked up.
    public init(_ occasion: Occasion, group: GroupFacts) {
        self.occasion = occasion
        self.group = group
    }
}
