// What the bot's buttons say when they are pressed, 1 to 64 bytes. Anybody can send any data: it is read, never trusted.

import Domain

/// The data of a press, taken apart.
enum CallbackData: Equatable {
    /// `verify:{user}`, `verify:{user}:{group}`, and `verify_membership`, which means whoever presses. Without a group it
    /// is about the one in which the message stands.
    case verify(UserID?, group: ChatID?)
    /// `menu_…`: a screen of the private menu.
    case menu(String)
    /// `{name}:…:{group}`: does what a command does.
    case command(String, arguments: [String], group: ChatID)
    /// `forget:ok`: deletes what is stored about whoever presses.
    case forget
    static let forgetting = "forget:ok"

    /// `nil`: no data of ours.
    init?(_ data: String) {
        if data == "verify_membership" {
            self = .verify(nil, group: nil)
        } else if data == Self.forgetting {
            self = .forget
        } else if data.hasPrefix("menu_") {
            self = .menu(data)
        } else {
            let parts = data.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count >= 2 else { return nil }
            if parts[0] == "verify" { self.init(verify: parts) } else { self.init(command: parts) }
        }
    }

    private init?(verify parts: [String]) {
        guard parts.count <= 3, let user = Self.user(parts[1]) else { return nil }
        guard parts.count == 3 else {
            self = .verify(user, group: nil)
            return
        }
        guard let group = Self.group(parts[2]) else { return nil }
        self = .verify(user, group: group)
    }

    private init?(command parts: [String]) {
        guard let group = parts.last.flatMap(Self.group) else { return nil }
        self = .command(parts[0], arguments: Array(parts.dropFirst().dropLast()), group: group)
    }

    /// A person's id: positive, at most 52 bits (bots/api#user).
    static func user(_ text: String) -> UserID? {
        guard let id = Int64(text), id > 0, id < 1 << 52 else { return nil }
        return UserID(id)
    }

    /// A group's id: negative, at most 52 bits.
    static func group(_ text: String) -> ChatID? {
        guard let id = Int64(text), id < 0, id > -(1 << 52) else { return nil }
        return ChatID(id)
    }
}

/// What is behind `t.me/{bot}?start=`.
enum DeepLink: Equatable {
    /// `v_{group}`: private verification.
    case verify(ChatID)
    /// `p_{group}`: choose a channel.
    case picker(ChatID)
    /// `notify`: notices in private.
    case notices

    /// `nil`: nothing of ours.
    init?(_ payload: String) {
        if payload == "notify" {
            self = .notices
            return
        }
        guard let group = CallbackData.group(String(payload.dropFirst(2))) else { return nil }
        switch payload.prefix(2) {
        case "v_": self = .verify(group)
        case "p_": self = .picker(group)
        default: return nil
        }
    }
}
