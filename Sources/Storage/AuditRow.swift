// Who changed what: a row of `admin_audit_log`, stored in the transaction of the change itself.

public import Domain
public import JSON

/// One row of `admin_audit_log`.
public struct AuditRow: Sendable {
    /// What was done: the column `action`.
    public enum Action: String, Sendable {
        /// Channels were required of a group's people.
        case protect
        /// The gate of a group was turned off, or a channel is not required any more.
        case unprotect
        /// A group's rows are to be deleted.
        case purge
        /// Settings of a group were changed.
        case settings
        /// Enforcement was stopped for a while.
        case pause
        /// That while was ended.
        case pauseOff = "pause_off"
        /// A held person was freed.
        case release
        /// A person may write in any case.
        case exempt
        /// That was taken back.
        case exemptOff = "exempt_off"
    }

    /// What it was done to: the columns `target_type` and `target_id`.
    public enum Target: Sendable {
        /// A group.
        case group(ChatID)
        /// A channel that is required in a group.
        case channel(ChatID, in: ChatID)
        /// A person in a group.
        case user(UserID, in: ChatID)
        /// All groups.
        case service
    }

    /// Who; `nil`: an anonymous administrator, or somebody at a terminal.
    public var admin: UserID?
    /// What was done.
    public var action: Action
    /// What it was done to.
    public var target: Target
    /// What else there is to say, as members of the column `details`, beside `group_id`.
    public var details: [(key: String, value: JSONValue)]

    /// A row with the given columns.
    public init(
        _ action: Action, by admin: UserID?, _ target: Target, _ details: [(key: String, value: JSONValue)] = []
    ) {
        self.action = action
        self.admin = admin
        self.target = target
        self.details = details
    }

    /// The columns in the order of `admin_audit_log`, without `id` and `created_at`.
    var values: [SQLValue] {
        let (type, id, group): (String, String, ChatID?) =
            switch target {
            case .group(let group): ("group", String(group.value), group)
            case .channel(let channel, let group): ("channel", String(channel.value), group)
            case .user(let user, let group): ("user", String(user.value), group)
            case .service: ("service", "all", nil)
            }
        let members = group.map { [(key: "group_id", value: JSONValue.int($0.value))] } ?? []
        return [
            .optional(admin?.value), .text(action.rawValue), .text(type), .text(id),
            .text(String(decoding: JSONValue.object(members + details).encoded(), as: UTF8.self)),
        ]
    }
}
