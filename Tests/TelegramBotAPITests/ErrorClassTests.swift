// Every refusal that Telegram is known to give, with its class and the names that the tables hold.

import Domain
import TelegramBotAPI
import Testing

@Suite("Error classes")
struct ErrorClassTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let code: Int
        let text: String
        let errorClass: BotAPIErrorClass
        let api: String
        let verification: String
        var retryAfter: Int64?
        var migratesTo: ChatID?
        var testDescription: String { "\(code) \(text)" }

        init(
            _ code: Int, _ text: String, _ errorClass: BotAPIErrorClass, _ api: String, _ verification: String,
            retryAfter: Int64? = nil, migratesTo: ChatID? = nil
        ) {
            (self.code, self.text, self.errorClass, self.api, self.verification) =
                (code, text, errorClass, api, verification)
            (self.retryAfter, self.migratesTo) = (retryAfter, migratesTo)
        }
    }

    static let rows = [
        Row(429, "Too Many Requests: retry after 5", .retryAfter, "RetryAfter", "RateLimitError", retryAfter: 5),
        Row(429, "Too Many Requests", .serverError, "TelegramError", "TelegramError"),
        Row(
            400, "Bad Request: group chat was upgraded to a supergroup chat", .chatMigrated, "ChatNotFound",
            "ChatNotFoundError", migratesTo: ChatID(-1001)),
        Row(401, "Unauthorized", .unauthorized, "TelegramError", "TelegramError"),
        Row(404, "Not Found", .unauthorized, "TelegramError", "TelegramError"),
        Row(403, "Forbidden: bot was blocked by the user", .botBlocked, "Forbidden", "UserBannedError"),
        Row(403, "Forbidden: bot can't initiate conversation with a user", .botBlocked, "Forbidden", "UserBannedError"),
        Row(403, "Forbidden: user is deactivated", .botBlocked, "Forbidden", "UserBannedError"),
        Row(403, "Forbidden: bot was kicked from the supergroup chat", .botKicked, "Forbidden", "ChatNotFoundError"),
        Row(403, "Forbidden: bot is not a member of the channel chat", .botKicked, "Forbidden", "ChatNotFoundError"),
        Row(403, "Forbidden: the group chat was deleted", .botKicked, "Forbidden", "ChatNotFoundError"),
        Row(403, "Forbidden: something new", .adminRightsMissing, "Forbidden", "TelegramError"),
        Row(
            400, "Bad Request: not enough rights to restrict/unrestrict chat member", .adminRightsMissing, "BadRequest",
            "TelegramError"),
        Row(400, "Bad Request: CHAT_ADMIN_REQUIRED", .adminRightsMissing, "BadRequest", "TelegramError"),
        Row(
            400, "Bad Request: need administrator rights in the channel chat", .adminRightsMissing, "BadRequest",
            "TelegramError"),
        Row(400, "Bad Request: member list is inaccessible", .adminRightsMissing, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: user is an administrator of the chat", .userIsAdmin, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: USER_ADMIN_INVALID", .userIsAdmin, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: can't restrict self", .userIsAdmin, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: can't remove chat owner", .userIsAdmin, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: chat not found", .chatNotFound, "ChatNotFound", "ChatNotFoundError"),
        Row(400, "Bad Request: group chat was deactivated", .chatNotFound, "ChatNotFound", "ChatNotFoundError"),
        Row(400, "Bad Request: user not found", .userUnknown, "ChatNotFound", "ChatNotFoundError"),
        Row(400, "Bad Request: PARTICIPANT_ID_INVALID", .userUnknown, "ChatNotFound", "ChatNotFoundError"),
        Row(400, "Bad Request: message to delete not found", .messageGone, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: message can't be deleted", .messageGone, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: message to be replied not found", .messageGone, "BadRequest", "TelegramError"),
        Row(
            400, "Bad Request: message is not modified: specified new message content", .messageGone, "BadRequest",
            "TelegramError"),
        Row(
            400, "Bad Request: query is too old and response timeout expired or query ID is invalid", .queryExpired,
            "BadRequest", "TelegramError"),
        Row(400, "Bad Request: message thread not found", .topicGone, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: TOPIC_CLOSED", .topicGone, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: BUTTON_DATA_INVALID", .badRequest, "BadRequest", "TelegramError"),
        Row(400, "Bad Request: user is banned", .badRequest, "BadRequest", "UserBannedError"),
        Row(409, "Conflict: terminated by other getUpdates request", .conflict, "TelegramError", "TelegramError"),
        Row(500, "Internal Server Error: restart", .serverError, "TelegramError", "TelegramError"),
        Row(502, "Bad Gateway", .serverError, "TelegramError", "TelegramError"),
        Row(302, "", .unknownError, "UnknownError", "UnknownError"),
    ]

    @Test(arguments: rows)
    func `words become a class and its stored names`(_ row: Row) {
        let found = BotAPIErrorClass(
            code: row.code, text: row.text, retryAfter: row.retryAfter, migratesTo: row.migratesTo)
        #expect(found == row.errorClass)
        let error = BotAPIError(found, code: row.code, text: row.text)
        #expect(error.errorType == row.api)
        #expect(error.verificationErrorType == row.verification)
    }

    @Test func `no answer is a network error`() {
        let error = BotAPIError(.networkError)
        #expect(error.errorType == "NetworkError" && error.verificationErrorType == "NetworkError")
    }

    @Test func `an envelope gives pause and new id`() throws {
        let bytes =
            #"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":0,"migrate_to_chat_id":-1009,"more":1}}"#
        let reply = try BotAPIReply(parsing: Array(bytes.utf8))
        #expect(!reply.isOK && reply.code == 429 && reply.retryAfterSeconds == 1)
        #expect(reply.migrateToChatID == ChatID(-1009))
        #expect(throws: (any Error).self) { try BotAPIReply(parsing: Array("{}".utf8)) }
        #expect(throws: (any Error).self) { try BotAPIReply(parsing: Array(#"{"ok":true}"#.utf8)) }
    }
}
