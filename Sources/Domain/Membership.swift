// What is known of a person in a chat, and of a hold.

/// Whether a person is subscribed to a channel.
public enum Membership: String, Sendable {
    /// Subscribed.
    case member
    /// Not subscribed.
    case notMember
}

/// Why decisions are made: column `source` of logs and ledger.
public enum VerificationSource: String, Sendable {
    /// A message or its edit.
    case message
    /// Joining the group, or asking to.
    case join
    /// Leaving a required channel.
    case leave
    /// Joining a required channel again.
    case `return`
    /// A button, `/verify`, the private chat.
    case button
}

/// State of a ledger row.
public enum HoldState: String, Sendable {
    /// Recorded; the restriction is not known to be in force yet.
    case intended
    /// Telegram accepted the restriction.
    case held
    /// A lift is recorded and not done yet.
    case lifting
    /// The bot is out of the group and cannot lift.
    case orphaned
    /// Over.
    case closed
}

/// Why a hold ended: column `release_reason`.
public enum ReleaseReason: String, Sendable {
    /// The person proved their subscription.
    case verified
    /// A `chat_member` update showed it.
    case event
    /// An administrator freed or exempted them.
    case admin
    /// An administrator restricted or banned them.
    case adminRestricted = "admin_restricted"
    /// The group or the channel is no longer protected or required.
    case unprotected
    /// `/undo`.
    case undo
    /// The reconciliation job.
    case reconcile
    /// The person left the group.
    case left
    /// Telegram refused the restriction for good.
    case refused
    /// The restriction failed for too long.
    case failed
}
