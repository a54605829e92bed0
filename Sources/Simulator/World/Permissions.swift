// What a person may do in a group, and what an administrator may do: two sets with Telegram's names.

/// The sixteen permissions of `ChatPermissions`.
public struct Permissions: OptionSet, Sendable, Hashable {
    /// One bit a permission, in the order of `names`.
    public let rawValue: UInt32
    /// The bits as given.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Telegram's names, by bit.
    public static let names = [
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
        "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
        "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info",
        "can_invite_users", "can_pin_messages", "can_manage_topics",
    ]
    /// Every permission: who has it is no exception, but a plain member.
    public static let all = Permissions(rawValue: 0xFFFF)
    /// May write text.
    public static let sendMessages = Permissions(rawValue: 1)
    /// May send pictures.
    public static let photos = Permissions(rawValue: 1 << 3)
    static let media = Permissions(rawValue: 0b111_1110)
    static let polls = Permissions(rawValue: 1 << 7)
    static let other = Permissions(rawValue: 1 << 8)
    static let previews = Permissions(rawValue: 1 << 9)
    static let react = Permissions(rawValue: 1 << 10)
    static let editTag = Permissions(rawValue: 1 << 11)
    static let pin = Permissions(rawValue: 1 << 14)
    static let topics = Permissions(rawValue: 1 << 15)
    /// What a new group allows its members.
    static let groupDefault = Permissions.all.subtracting([
        Permissions(rawValue: 1 << 12), .pin, .topics,
    ])

    /// The permission of that name.
    public static func named(_ name: String) -> Permissions? {
        names.firstIndex(of: name).map { Permissions(rawValue: 1 << UInt32($0)) }
    }

    /// Names of those that are in the set, in Telegram's order.
    public var allowed: [String] {
        Self.names.enumerated().filter { rawValue & (1 << UInt32($0.offset)) != 0 }.map(\.element)
    }
}

/// Rights of an administrator, as in `ChatAdministratorRights`.
public struct AdminRights: OptionSet, Sendable, Hashable {
    /// One bit a right, in the order of `names`.
    public let rawValue: UInt32
    /// The bits as given.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Telegram's names, by bit.
    public static let names = [
        "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
        "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
        "can_post_stories", "can_edit_stories", "can_delete_stories", "can_post_messages",
        "can_edit_messages", "can_pin_messages", "can_manage_topics", "can_send_welcome_messages",
    ]
    /// Posts as the group itself.
    public static let anonymous = AdminRights(rawValue: 1 << 0)
    /// What every administrator has.
    public static let manageChat = AdminRights(rawValue: 1 << 1)
    /// May delete messages of others.
    public static let deleteMessages = AdminRights(rawValue: 1 << 2)
    /// May restrict, ban and free members.
    public static let restrictMembers = AdminRights(rawValue: 1 << 4)
    /// May make others administrators.
    public static let promoteMembers = AdminRights(rawValue: 1 << 5)
    /// May change title, description and picture.
    public static let changeInfo = AdminRights(rawValue: 1 << 6)
    /// May make links and answer join requests.
    public static let inviteUsers = AdminRights(rawValue: 1 << 7)
    /// May post in a channel.
    public static let postMessages = AdminRights(rawValue: 1 << 11)
    /// May edit posts of others in a channel.
    public static let editMessages = AdminRights(rawValue: 1 << 12)
    /// May pin messages in a group.
    public static let pinMessages = AdminRights(rawValue: 1 << 13)
    /// May make, close and delete topics.
    public static let manageTopics = AdminRights(rawValue: 1 << 14)
    /// Everything but anonymity.
    public static let all = AdminRights(rawValue: (1 << 16) - 2)
    /// What the default world gives the bot.
    public static let bot: AdminRights = [
        .manageChat, .deleteMessages, .restrictMembers, .inviteUsers, .postMessages, .editMessages,
    ]

    /// The set of those names; unknown names count for nothing.
    public init(names: [String]) {
        var bits: UInt32 = 0
        for name in names {
            if let index = Self.names.firstIndex(of: name) { bits |= 1 << UInt32(index) }
        }
        self.init(rawValue: bits)
    }
}
