// A protected group with everything that a decision about it needs: what the group cache holds.

/// What happens when Telegram does not say whether somebody is subscribed.
public enum FailMode: String, Sendable {
    /// The message stands.
    case open
    /// The message is deleted; nobody is muted.
    case closed
}

/// Whether decisions of a group are carried out.
public enum GroupMode: String, Sendable {
    /// Decisions are carried out.
    case enforce
    /// Decisions are made and traced; nothing is done.
    case observe
}

/// Whether what was decided is done.
public enum Enforcement: String, Sendable {
    /// It is done.
    case enforced
    /// The group only watches.
    case observe
    /// Somebody stopped enforcement for a while.
    case paused
}

/// What a group's administrators have set; `protected_groups.params`, each key with its default.
public struct GroupParams: Equatable, Sendable {
    /// `mode`.
    public var mode = GroupMode.enforce
    /// `warning_text`: the prompt's text instead of the built-in one, with `{mention}`, `{channels}`, `{group}`.
    public var warningText: String?
    /// `button_join_text`; the built-in one names the channel.
    public var joinButton: String?
    /// `button_verify_text`.
    public var verifyButton: String?
    /// `warning_ttl_s`: seconds until a prompt goes; 0 keeps it.
    public var warningSeconds: Int64 = 300
    /// `fail_mode`.
    public var failMode = FailMode.open
    /// `private_verify`: a third row "Verify in private" under the prompt.
    public var offersPrivateVerify = false
    /// `delete_joins`: join service messages are removed.
    public var deletesJoins = false
    /// `allow_sender_chats`: people may speak as a channel.
    public var allowsSenderChats = false
    /// `notice_topic`: where prompts go when the message's topic is closed.
    public var noticeTopic: Int64?
    /// `language` of the group's texts.
    public var language = "en"
    /// `paused_until`: nothing is enforced until then, in seconds since 1970.
    public var pausedUntilSeconds: Int64?

    /// The defaults of `/settings`.
    public init() {}
}

/// Whether a link between group and channel can be checked.
public enum LinkHealth: String, Sendable {
    /// The channel answers membership questions.
    case ok
    /// The bot cannot see the channel's members; the link does not count.
    case broken
}

/// A channel that a group's people must be subscribed to.
public struct RequiredChannel: Equatable, Sendable {
    /// The channel.
    public var id: ChatID
    /// Its title as last seen.
    public var title: String
    /// Its public name without `@`, if it has one.
    public var username: String?
    /// A link by which people can join a private channel.
    public var inviteLink: String?
    /// Whether it can be checked.
    public var health: LinkHealth

    /// A channel with the given facts.
    public init(
        id: ChatID, title: String, username: String? = nil, inviteLink: String? = nil, health: LinkHealth = .ok
    ) {
        self.id = id
        self.title = title
        self.username = username
        self.inviteLink = inviteLink
        self.health = health
    }

    /// Where a person joins: the invite link, else the public address.
    public var joinURL: String? { inviteLink ?? username.map { "https://t.me/\($0)" } }
}

/// One row of `protected_groups` with its links and exemptions. Behind a reference, since every message asks for one.
public final class ProtectedGroup: Equatable, Sendable {
    /// The group.
    public let id: ChatID
    /// Who protects it.
    public let owner: UserID
    /// Its title as last seen.
    public let title: String
    /// Whether protection is switched on.
    public let isEnabled: Bool
    /// Its settings.
    public let params: GroupParams
    /// All linked channels, broken ones too, in the order in which they were linked.
    public let channels: [RequiredChannel]
    /// Who is exempt, until when in seconds since 1970 (`nil`: for good).
    public let exemptions: [UserID: Int64?]
    /// The standing notice, if one stands.
    public let notice: MessageID?
    /// The topic in which it stands.
    public let noticeThread: Int64?

    /// A group with the given facts.
    public init(
        id: ChatID, owner: UserID, title: String, isEnabled: Bool = true, params: GroupParams = GroupParams(),
        channels: [RequiredChannel] = [], exemptions: [UserID: Int64?] = [:], notice: MessageID? = nil,
        noticeThread: Int64? = nil
    ) {
        self.id = id
        self.owner = owner
        self.title = title
        self.isEnabled = isEnabled
        self.params = params
        self.channels = channels
        self.exemptions = exemptions
        self.notice = notice
        self.noticeThread = noticeThread
    }

    /// Whether both say the same.
    public static func == (one: ProtectedGroup, other: ProtectedGroup) -> Bool {
        one.id == other.id && one.owner == other.owner && one.title == other.title && one.isEnabled == other.isEnabled
            && one.params == other.params && one.channels == other.channels && one.exemptions == other.exemptions
            && one.notice == other.notice && one.noticeThread == other.noticeThread
    }

    /// The channels that count: those whose link is sound.
    public var requiredChannels: [RequiredChannel] { channels.filter { $0.health == .ok } }

    /// A protected group is enabled and has at least one sound link.
    public var isProtected: Bool { isEnabled && channels.contains { $0.health == .ok } }

    /// Whether it is switched on and one of these channels, which somebody is held for, is still linked.
    public func stillHolds(for missing: [ChatID]) -> Bool {
        isEnabled && (missing.isEmpty || channels.contains { missing.contains($0.id) })
    }

    /// Whether an administrator stopped enforcement here for a while; `now` in seconds since 1970.
    public func isPaused(atSeconds now: Int64) -> Bool { params.pausedUntilSeconds.map { $0 > now } ?? false }

    /// Whether `user` is exempt at `now`, in seconds since 1970.
    public func isExempt(_ user: UserID, atSeconds now: Int64) -> Bool {
        guard let until = exemptions[user] else { return false }
        return until.map { $0 > now } ?? true
    }
}
