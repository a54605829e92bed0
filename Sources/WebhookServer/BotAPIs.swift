// The Bot API client as the configuration wants it, and what people read when Telegram refuses.

import Configuration
import Domain
import EventLoop
import HTTPClient
import Storage
import TelegramBotAPI

/// Turns attempts into rows of `api_call_log`; commands that have no log offer to nobody.
@IO
final class AttemptLog: AttemptObserver {
    /// Where rows go; `nil` until there is a log writer.
    weak var sink: (any LogSink)?

    func attempted(_ attempt: Attempt) {
        sink?.offer(
            .apiCall(
                APICallRow(
                    method: attempt.method, chat: attempt.chatID, user: attempt.userID, group: attempt.groupID,
                    latencyMilliseconds: attempt.latencyMilliseconds, errorType: attempt.errorType,
                    errorClass: attempt.errorClass, atMicroseconds: attempt.at.microseconds)))
    }
}

@IO
enum BotAPIs {
    /// The client of a command; `nil`, after saying so, without `BOT_TOKEN`.
    static func forCommand(
        _ name: String, _ configuration: Configuration, attempts: AttemptLog = AttemptLog()
    ) -> BotAPI? {
        guard let token = configuration.botToken else {
            Terminal.error("nezuko \(name): BOT_TOKEN is not set. Get one from BotFather: /newbot")
            return nil
        }
        return BotAPI(
            baseURL: configuration.telegramBaseURL, token: token, client: HTTPClient(), observer: attempts,
            timeoutMilliseconds: Int64(configuration.telegramTimeoutSeconds) * 1000)
    }
}

extension BotAPIError {
    /// Says what happened at a terminal; the text is Telegram's, which never holds a token.
    var advice: String {
        switch errorClass {
        case .unauthorized: "Telegram does not know this token. Get it from BotFather: /mybots, API Token."
        case .networkError: "Telegram was not reached. Allow outgoing HTTPS to its host."
        default: "Telegram refused: \(text)"
        }
    }
}
