// A person's state in a chat, and what people may do there.

import Domain
import JSON

/// The sixteen rights of an ordinary member (https://core.telegram.org/bots/api#chatpermissions).
public struct ChatPermissions: OptionSet, Hashable, Sendable {
    /// One bit a right, in the order of `names`.
    public let rawValue: UInt16
    /// The bits as given.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Muted.
    public static let none = ChatPermissions([])
    /// Every right, which makes a restricted person a plain member again.
    public static let all = ChatPermissions(rawValue: .max)
    /// `can_send_messages`.
    public static let sendMessages = ChatPermissions(rawValue: 1)

    /// `can_invite_users`.
    public static let inviteUsers = ChatPermissions(rawValue: 1 << 14)

    static let names: [StaticString] = [
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
        "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
        "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_manage_topics",
        "can_change_info", "can_invite_users", "can_pin_messages",
    ]

    static func named(_ key: JSONKey) -> ChatPermissions? {
        names.firstIndex { key == $0 }.map { ChatPermissions(rawValue: 1 << $0) }
    }

    /// The two that are set again and again, written once.
    private static let (noneWritten, allWritten) = (ChatPermissions.none.written, ChatPermissions.all.written)

    private var written: [UInt8] {
        var writer = JSONWriter()
        writeEach(to: &writer)
        return writer.bytes
    }

    /// All sixteen, as Telegram wants them.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .none: writer.raw(Self.noneWritten)
        case .all: writer.raw(Self.allWritten)
        default: writeEach(to: &writer)
        }
    }

    private func writeEach(to writer: inout JSONWriter) {
        writer.object { writer in
            for (index, name) in Self.names.enumerated() {
                writer.key(name)
                writer.bool(rawValue & 1 << index != 0)
            }
        }
    }

    /// The object as text, for columns.
    public var json: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    /// Reads what `json` wrote; what is not named is not allowed.
    public init(parsing json: String) throws(JSONError) {
        var reader = JSONReader(Array(json.utf8))
        self = []
        try read(from: &reader)
        try reader.finish()
    }

    mutating func read(from reader: inout JSONReader) throws(JSONError) {
        var found = self
        try reader.readObject { (reader, key) throws(JSONError) in
            guard let right = Self.named(key) else { return try reader.skip() }
            if try reader.readBool() { found.insert(right) } else { found.remove(right) }
        }
        self = found
    }
}

/// What somebody is in a chat.
public enum ChatMemberStatus: String, Sendable {
    /// The owner.
    case creator
    /// An administrator.
    case administrator
    /// An ordinary member.
    case member
    /// Somebody with fewer rights, inside or outside.
    case restricted
    /// Not there.
    case left
    /// Banned.
    case kicked
    /// What Telegram adds later: taken as an error by those who decide.
    case unknown
}

/// Somebody's state in a chat.
public struct ChatMember: Equatable, Sendable {
    /// Who.
    public var user: User
    /// What they are.
    public var status: ChatMemberStatus
    /// Whether they are in the chat.
    public var isMember: Bool
    /// Of a restricted person: what is left to them.
    public var permissions: ChatPermissions?
    /// Until when, in seconds since 1970; `nil` for ever.
    public var untilDate: Int64?
    /// Of an administrator: may mute.
    public var canRestrictMembers = false
    /// Of an administrator: may delete.
    public var canDeleteMessages = false
    /// Of an administrator: may invite.
    public var canInviteUsers = false
    /// Of an administrator: writes as the group.
    public var isAnonymous = false

    /// A state with the given facts.
    public init(
        user: User, status: ChatMemberStatus, isMember: Bool? = nil, permissions: ChatPermissions? = nil,
        untilDate: Int64? = nil
    ) {
        self.user = user
        self.status = status
        self.permissions = permissions
        self.untilDate = untilDate
        switch status {
        case .creator, .administrator, .member: self.isMember = true
        case .restricted: self.isMember = isMember ?? false
        case .left, .kicked, .unknown: self.isMember = false
        }
        guard status == .creator else { return }
        (canRestrictMembers, canDeleteMessages, canInviteUsers) = (true, true, true)
    }

    /// Owner or administrator.
    public var isAdministrator: Bool { status == .creator || status == .administrator }

    /// What the state means for a subscription; `nil` when Telegram's word is unknown.
    public var membership: Membership? {
        if status == .unknown { return nil }
        return isMember ? .member : .notMember
    }
}
