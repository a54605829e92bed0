// What Telegram tells us: updates and what is in them, reduced to what the service looks at.

import Domain

/// One update. Unknown kinds are `.other`, unknown members are skipped.
public struct Update: Sendable {
    /// What happened. Indirect: an update is handed on many times, and a message has many parts to be copied.
    public indirect enum Kind: Sendable {
        /// A new message in a private chat or a group.
        case message(Message)
        /// A message as it is after an edit.
        case editedMessage(Message)
        /// A button was pressed.
        case callbackQuery(CallbackQuery)
        /// A person's state in a chat changed.
        case chatMember(ChatMemberUpdated)
        /// The bot's own state in a chat changed.
        case myChatMember(ChatMemberUpdated)
        /// Somebody asks to join.
        case chatJoinRequest(ChatJoinRequest)
        /// Somebody is about to pay.
        case preCheckoutQuery(PreCheckoutQuery)
        /// A person's subscription to the bot changed.
        case subscription(SubscriptionChange)
        /// Anything else.
        case other
    }

    /// The idempotency key.
    public let id: UpdateID
    /// What happened.
    public let kind: Kind

    /// An update made by hand.
    public init(id: UpdateID, kind: Kind) {
        self.id = id
        self.kind = kind
    }

    /// The kind's name as Telegram writes it; `other` for what is not looked at. For metric labels.
    public var typeName: String {
        switch kind {
        case .message: "message"
        case .editedMessage: "edited_message"
        case .callbackQuery: "callback_query"
        case .chatMember: "chat_member"
        case .myChatMember: "my_chat_member"
        case .chatJoinRequest: "chat_join_request"
        case .preCheckoutQuery: "pre_checkout_query"
        case .subscription: "subscription"
        case .other: "other"
        }
    }

    /// The kinds without which the gate is blind.
    public static let gateKinds = [
        "message", "edited_message", "callback_query", "chat_member", "my_chat_member", "chat_join_request",
    ]
    /// The kinds that are asked for. Telegram drops what it does not know from the list, so it need not show all.
    public static let allowedKinds = gateKinds + ["pre_checkout_query", "subscription"]
}

/// Why bytes are no update.
public enum UpdateError: Error, Equatable, Sendable {
    /// Not a JSON document.
    case notJSON
    /// JSON, but not of an update's shape: a needed member is missing or of another type, an id is too large.
    case oddShape
}

/// A pressed button.
public struct CallbackQuery: Sendable {
    /// What the answer names.
    public var id: String
    /// Who pressed.
    public var from: User
    /// The message with the button; of an old one only chat and id are known.
    public var message: Message?
    /// The button's data.
    public var data: String?

    /// A press with the given facts.
    public init(id: String, from: User, message: Message? = nil, data: String? = nil) {
        self.id = id
        self.from = from
        self.message = message
        self.data = data
    }
}

/// A changed state in a chat.
public struct ChatMemberUpdated: Sendable {
    /// Where.
    public var chat: Chat
    /// Who changed it.
    public var from: User
    /// When, in seconds since 1970.
    public var date: Int64
    /// The state before.
    public var old: ChatMember
    /// The state now.
    public var new: ChatMember
    /// The link through which somebody joined.
    public var inviteLink: String?
    /// Whether a join request was approved.
    public var viaJoinRequest: Bool

    /// A change with the given facts.
    public init(
        chat: Chat, from: User, date: Int64, old: ChatMember, new: ChatMember, inviteLink: String? = nil,
        viaJoinRequest: Bool = false
    ) {
        self.chat = chat
        self.from = from
        self.date = date
        self.old = old
        self.new = new
        self.inviteLink = inviteLink
        self.viaJoinRequest = viaJoinRequest
    }
}

/// A wish to join.
public struct ChatJoinRequest: Sendable {
    /// Where.
    public var chat: Chat
    /// Who.
    public var from: User
    /// Where the bot may write to them for five minutes.
    public var userChatID: ChatID
    /// When, in seconds since 1970.
    public var date: Int64
    /// The link used.
    public var inviteLink: String?
    /// Present when the bot is the chat's guard.
    public var queryID: String?

    /// A request with the given facts.
    public init(
        chat: Chat, from: User, userChatID: ChatID, date: Int64, inviteLink: String? = nil, queryID: String? = nil
    ) {
        self.chat = chat
        self.from = from
        self.userChatID = userChatID
        self.date = date
        self.inviteLink = inviteLink
        self.queryID = queryID
    }
}

/// A payment that waits for our word.
public struct PreCheckoutQuery: Sendable {
    /// What the answer names.
    public var id: String
    /// Who pays.
    public var from: User
    /// `XTR` for Stars.
    public var currency: String
    /// In the currency's smallest unit.
    public var totalAmount: Int64
    /// Ours, from the invoice.
    public var payload: String

    /// A query with the given facts.
    public init(id: String, from: User, currency: String, totalAmount: Int64, payload: String) {
        self.id = id
        self.from = from
        self.currency = currency
        self.totalAmount = totalAmount
        self.payload = payload
    }
}

/// A changed subscription to the bot.
public struct SubscriptionChange: Sendable {
    /// Whose.
    public var user: User
    /// Ours, from the invoice.
    public var payload: String
    /// `canceled`, `active`, `failed`, or what comes later.
    public var state: String

    /// A change with the given facts.
    public init(user: User, payload: String, state: String) {
        self.user = user
        self.payload = payload
        self.state = state
    }
}
