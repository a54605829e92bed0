// What can be decided, and why.

import Domain

/// Why nothing is done, or why somebody may go on. A closed list: traces, tests and `/why` speak of the same.
public enum Reason: String, CaseIterable, Sendable {
    /// Private chats and channels have other handlers.
    case notAGroup = "not_a_group"
    /// Joins, pins and the like.
    case serviceMessage = "service_message"
    /// The group is not enabled or has no sound link.
    case notProtected = "not_protected"
    /// A post of the linked channel.
    case linkedPost = "linked_post"
    /// An administrator who speaks as the group.
    case anonymousAdmin = "anonymous_admin"
    /// Speaks as a channel that may.
    case senderChatAllowed = "sender_chat_allowed"
    /// Speaks as a channel that may not.
    case senderChat = "sender_chat"
    /// A bot.
    case bot
    /// On the list of exemptions.
    case exempt
    /// Subscribed to every required channel.
    case subscribed
    /// Administrator of the group.
    case admin
    /// Telegram did not say, and nobody is held on a guess.
    case checkFailed = "check_failed"
    /// None of the channels can be seen by the bot.
    case channelsUnreachable = "channels_unreachable"
    /// Not a member of the group.
    case notInGroup = "not_in_group"
    /// Not held, so there is nothing to end.
    case notHeld = "not_held"
}

/// A fact that is to be fetched before asking again.
public enum Need: Equatable, Sendable {
    /// The group's administrators.
    case admins
    /// The person's status in these channels, afresh.
    case memberships([ChatID])
    /// Whether the person is a member of the group.
    case presence
}

/// What is to happen.
public enum Decision: Equatable, Sendable {
    /// Nothing; the gate has no say.
    case ignore(Reason)
    /// Nothing; the person may go on.
    case allow(Reason)
    /// Fetch these, then ask again.
    case need([Need])
    /// Delete the message if there is one, mute, tell; the missing channels in the order of linking.
    case hold(missing: [ChatID])
    /// Delete the message, mute nobody.
    case delete(Reason)
    /// End the open hold, if any.
    case release(ReleaseReason)
    /// Let a join request in.
    case approve
    /// A request or hold stays as it is. Empty: a check failed.
    case wait(missing: [ChatID])

    /// The word stored in `decisions.outcome`.
    public var outcome: String {
        switch self {
        case .ignore: "ignore"
        case .allow: "allow"
        case .need, .wait: "none"
        case .hold: "hold"
        case .delete: "delete"
        case .release: "release"
        case .approve: "approve"
        }
    }

    /// The word stored as the reason beside the facts.
    public var reason: String {
        switch self {
        case .ignore(let reason), .allow(let reason), .delete(let reason): reason.rawValue
        case .need: "undecided"
        case .hold: "not_subscribed"
        case .release(let reason): reason.rawValue
        case .approve: "subscribed"
        case .wait(let missing): missing.isEmpty ? "check_failed" : "not_subscribed"
        }
    }
}
