// One call as a value: what is asked, whom it names, how its answer is read. Performed by `BotAPI.call`.

import Domain
import EventLoop
import JSON

/// A method with its arguments.
public struct BotMethod<Answer: Sendable>: Sendable {
    /// The method's name as Telegram writes it: a closed set, used as a label.
    public let name: String
    /// The chat that it names: a pause of that chat holds it back.
    public var chat: ChatID?
    /// The person that it names.
    public var user: UserID?
    /// Whether it asks for somebody's membership: such calls fail at once while Telegram is away.
    public var asksMembership = false
    /// Whether doing it twice is the same as doing it once. Messages to people are not.
    public var isRepeatable = true
    /// How long Telegram may hold the answer back by our own wish.
    public var longPollMilliseconds: Int64 = 0
    var body: [UInt8]
    var maximumReplyBytes = 1 << 20
    var contentType = BotMethod<Void>.json
    let decode: @Sendable (inout JSONReader) throws(JSONError) -> Answer

    /// A call whose arguments `arguments` writes into one JSON object.
    public init(
        _ name: String, chat: ChatID? = nil, user: UserID? = nil, arguments: (inout JSONWriter) -> Void = { _ in },
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Answer
    ) {
        self.name = name
        self.chat = chat
        self.user = user
        self.decode = decode
        var writer = JSONWriter(capacity: 256)
        writer.object { writer in
            if let chat {
                writer.key("chat_id")
                writer.int(chat.value)
            }
            if let user {
                writer.key("user_id")
                writer.int(user.value)
            }
            arguments(&writer)
        }
        body = writer.bytes
    }
}

extension BotMethod where Answer == Void {
    /// The usual type of arguments.
    static var json: String { "application/json" }

    /// A call whose answer is not looked at, beyond being a success.
    public init(
        _ name: String, chat: ChatID? = nil, user: UserID? = nil, arguments: (inout JSONWriter) -> Void = { _ in }
    ) {
        self.init(name, chat: chat, user: user, arguments: arguments) { (reader) throws(JSONError) in
            try reader.skip()
        }
    }
}

/// On whose behalf a call is made, how long it may take, and whether it is repeated.
public struct CallContext: Sendable {
    /// How often a call is tried in all.
    public enum Retries: Equatable, Sendable {
        /// Once: effects come again by their lease.
        case none
        /// At most so often, within the deadline, after network errors and 5xx.
        case upTo(Int)
    }

    /// The person on whose behalf; else the person that the method names is logged.
    public var userID: UserID?
    /// The protected group on whose behalf.
    public var groupID: ChatID?
    /// When the answer is of no use any more.
    public var deadline: Instant?
    /// How often it is tried.
    public var retries: Retries

    /// A context with the given facts.
    public init(
        userID: UserID? = nil, groupID: ChatID? = nil, deadline: Instant? = nil, retries: Retries = .none
    ) {
        self.userID = userID
        self.groupID = groupID
        self.deadline = deadline
        self.retries = retries
    }
}

/// One request that was made, as `api_call_log` wants it.
public struct Attempt: Equatable, Sendable {
    /// The method's name.
    public var method: String
    /// The chat that it named.
    public var chatID: ChatID?
    /// The person on whose behalf.
    public var userID: UserID?
    /// The protected group on whose behalf.
    public var groupID: ChatID?
    /// Whether Telegram did it.
    public var success: Bool
    /// From the request's start to its end.
    public var latencyMilliseconds: Int64?
    /// `error_type`; `nil` for a success.
    public var errorType: String?
    /// `error_class`; `nil` for a success.
    public var errorClass: String?
    /// When it ended.
    public var at: Timestamp

    /// An attempt with the given facts.
    public init(
        method: String, chatID: ChatID? = nil, userID: UserID? = nil, groupID: ChatID? = nil, success: Bool,
        latencyMilliseconds: Int64? = nil, errorType: String? = nil, errorClass: String? = nil, at: Timestamp
    ) {
        self.method = method
        self.chatID = chatID
        self.userID = userID
        self.groupID = groupID
        self.success = success
        self.latencyMilliseconds = latencyMilliseconds
        self.errorType = errorType
        self.errorClass = errorClass
        self.at = at
    }
}

/// Told about every attempt, once each; must not wait.
@IO
public protocol AttemptObserver: AnyObject {
    /// A request was made and has ended.
    func attempted(_ attempt: Attempt)
}
