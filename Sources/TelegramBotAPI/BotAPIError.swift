// How calls fail: the fine class, the names stored for it, and how Telegram's words are recognised.

import Domain

/// Why Telegram refuses, as finely as we act upon it; raw values are what `error_class` holds.
public enum BotAPIErrorClass: String, CaseIterable, Sendable {
    /// Telegram asks for a pause.
    case retryAfter = "RetryAfter"
    /// The group has become a supergroup with another id.
    case chatMigrated = "ChatMigrated"
    /// The token is not valid (any more).
    case unauthorized = "Unauthorized"
    /// The person cannot be written to.
    case botBlocked = "BotBlocked"
    /// The bot is not in the chat.
    case botKicked = "BotKicked"
    /// The bot lacks a right: says nothing about the person.
    case adminRightsMissing = "AdminRightsMissing"
    /// An administrator cannot be restricted.
    case userIsAdmin = "UserIsAdmin"
    /// No such chat for the bot.
    case chatNotFound = "ChatNotFound"
    /// Telegram does not know the person here.
    case userUnknown = "UserUnknown"
    /// What was to be done to the message is done already.
    case messageGone = "MessageGone"
    /// The button press is too old to be answered.
    case queryExpired = "QueryExpired"
    /// The topic is closed or gone.
    case topicGone = "TopicGone"
    /// We asked for something wrong.
    case badRequest = "BadRequest"
    /// Somebody else uses getUpdates or a webhook.
    case conflict = "Conflict"
    /// Telegram is not well.
    case serverError = "ServerError"
    /// No HTTP answer.
    case networkError = "NetworkError"
    /// An answer that cannot be read.
    case unknownError = "UnknownError"

    /// The class of a failed answer, by prefixes and codes that are known to be stable.
    public init(code: Int, text: String, retryAfter: Int64? = nil, migratesTo: ChatID? = nil) {
        let words = text.lowercased()
        func says(_ parts: String...) -> Bool { parts.contains { words.contains($0) } }
        switch code {
        case 429: self = retryAfter == nil ? .serverError : .retryAfter
        case 401, 404: self = .unauthorized
        case 409: self = .conflict
        case 500...599: self = .serverError
        case 403:
            if says("bot was blocked", "can't initiate conversation", "user is deactivated") {
                self = .botBlocked
            } else if says("bot was kicked", "bot is not a member", "group chat was deleted") {
                self = .botKicked
            } else {
                self = .adminRightsMissing
            }
        case 400:
            if migratesTo != nil || says("upgraded to a supergroup") {
                self = .chatMigrated
            } else if says(
                "user is an administrator", "user_admin_invalid", "can't restrict self", "can't remove chat owner")
            {
                self = .userIsAdmin
            } else if says(
                "not enough rights", "chat_admin_required", "administrator rights", "member list is inaccessible",
                "chat_write_forbidden")
            {
                self = .adminRightsMissing
            } else if says("chat not found", "group chat was deactivated") {
                self = .chatNotFound
            } else if says("user not found", "participant_id_invalid") {
                self = .userUnknown
            } else if says(
                "message to delete not found", "message can't be deleted", "message to be replied not found",
                "message is not modified", "message to edit not found", "message to reply not found")
            {
                self = .messageGone
            } else if says("query is too old", "query id is invalid") {
                self = .queryExpired
            } else if says("message thread not found", "topic_closed") {
                self = .topicGone
            } else {
                self = .badRequest
            }
        case 402...499: self = .badRequest
        default: self = .unknownError
        }
    }
}

/// A call that did not succeed. Holds neither URL nor token.
///
/// Behind a reference: each function that calls and waits has room for it, and it is rare.
public final class BotAPIError: Error, Equatable, Sendable {
    /// The fine class.
    public let errorClass: BotAPIErrorClass
    /// Telegram's code; 0 without an answer.
    public let code: Int
    /// Telegram's words, at most 300 characters.
    public let text: String
    /// How long to wait, when Telegram asked for a pause.
    public let retryAfterSeconds: Int64?
    /// The new id of a migrated group.
    public let migrateToChatID: ChatID?
    /// Whether Telegram certainly did not act: refused, paused, or no connection.
    public let certainlyNotDone: Bool
    /// Whether a request was made at all; a pause fails calls without one.
    public let wasAttempted: Bool

    /// An error with the given facts.
    public init(
        _ errorClass: BotAPIErrorClass, code: Int = 0, text: String = "", retryAfterSeconds: Int64? = nil,
        migrateToChatID: ChatID? = nil, certainlyNotDone: Bool = true, wasAttempted: Bool = true
    ) {
        self.errorClass = errorClass
        self.code = code
        self.text = String(text.prefix(300))
        self.retryAfterSeconds = retryAfterSeconds
        self.migrateToChatID = migrateToChatID
        self.certainlyNotDone = certainlyNotDone
        self.wasAttempted = wasAttempted
    }

    /// Whether both say the same.
    public static func == (one: BotAPIError, other: BotAPIError) -> Bool {
        one.errorClass == other.errorClass && one.code == other.code && one.text == other.text
            && one.retryAfterSeconds == other.retryAfterSeconds && one.migrateToChatID == other.migrateToChatID
            && one.certainlyNotDone == other.certainlyNotDone && one.wasAttempted == other.wasAttempted
    }

    /// `api_call_log.error_type`, a closed set.
    public var errorType: String { storedNames.api }
    /// `verification_log.error_type`, a closed set.
    public var verificationErrorType: String { storedNames.verification }
    /// Whether the same call may succeed later without anybody's doing.
    public var isTransient: Bool {
        switch errorClass {
        case .retryAfter, .serverError, .networkError, .conflict, .unauthorized, .unknownError: true
        case .chatMigrated, .botBlocked, .botKicked, .adminRightsMissing, .userIsAdmin, .chatNotFound, .userUnknown,
            .messageGone, .queryExpired, .topicGone, .badRequest:
            false
        }
    }

    /// The one function from the fine class to the coarser names that the tables hold.
    private var storedNames: (api: String, verification: String) {
        let refusal = code == 403 ? "Forbidden" : "BadRequest"
        let words = text.lowercased()
        let isPersonGone =
            words.contains("user is banned") || words.contains("user is deactivated")
            || words.contains("user_banned") || words.contains("user_deactivated")
        switch errorClass {
        case .networkError: return ("NetworkError", "NetworkError")
        case .retryAfter: return ("RetryAfter", "RateLimitError")
        case .chatNotFound, .chatMigrated, .userUnknown: return ("ChatNotFound", "ChatNotFoundError")
        case .botKicked: return ("Forbidden", "ChatNotFoundError")
        case .botBlocked: return (refusal, "UserBannedError")
        case .adminRightsMissing, .userIsAdmin: return (refusal, isPersonGone ? "UserBannedError" : "TelegramError")
        case .messageGone, .queryExpired, .topicGone, .badRequest:
            return ("BadRequest", isPersonGone ? "UserBannedError" : "TelegramError")
        case .unauthorized, .conflict, .serverError: return ("TelegramError", "TelegramError")
        case .unknownError: return ("UnknownError", "UnknownError")
        }
    }
}
