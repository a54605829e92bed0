// Domain: the words of the house as plain values. Imports nothing, decides nothing.

/// A chat's id in Bot API form: groups and channels are negative, private chats equal the person's id.
public struct ChatID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The id as Telegram writes it; within 52 bits.
    public let value: Int64
    /// The chat with that id.
    public init(_ value: Int64) { self.value = value }
    /// The private chat with a person has the person's id.
    public init(privateWith user: UserID) { value = user.value }
    /// Whether the left id is smaller: the order in which rows are locked.
    public static func < (left: ChatID, right: ChatID) -> Bool { left.value < right.value }
    /// Decimal digits.
    public var description: String { String(value) }
}

/// A person's or bot's id.
public struct UserID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The id as Telegram writes it; within 52 bits.
    public let value: Int64
    /// The person with that id.
    public init(_ value: Int64) { self.value = value }
    /// Whether the left id is smaller.
    public static func < (left: UserID, right: UserID) -> Bool { left.value < right.value }
    /// Decimal digits.
    public var description: String { String(value) }

    /// Telegram's service account that forwards a linked channel's posts.
    public static let serviceAccount = UserID(777_000)
    /// Stands in for everybody who speaks as a channel.
    public static let channelStandIn = UserID(136_817_688)
}

/// A message's number within its chat.
public struct MessageID: Hashable, Comparable, Sendable {
    /// The number as Telegram writes it.
    public let value: Int64
    /// The message with that number.
    public init(_ value: Int64) { self.value = value }
    /// Whether the left message is older.
    public static func < (left: MessageID, right: MessageID) -> Bool { left.value < right.value }
}

/// An update's number: the idempotency key of a delivery.
public struct UpdateID: Hashable, Sendable {
    /// The number as Telegram writes it.
    public let value: Int64
    /// The update with that number.
    public init(_ value: Int64) { self.value = value }
}

/// A row of the ledger `user_restrictions`: one hold of one person in one group.
public struct LedgerID: Hashable, Comparable, Sendable {
    /// The row's id.
    public let value: Int64
    /// The row with that id.
    public init(_ value: Int64) { self.value = value }
    /// Whether the left row is older.
    public static func < (left: LedgerID, right: LedgerID) -> Bool { left.value < right.value }
}
