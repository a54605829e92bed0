// The one way to Telegram: sends a method, classifies the answer, keeps pauses, tells the observer.

import Domain
import EventLoop
import HTTPClient
import JSON
import Observability

/// A bot's connection to the Bot API. One for the process.
@IO
public final class BotAPI {
    private static let jsonHeaders = [("Content-Type", BotMethod<Void>.json)]
    private let prefix: String
    private let client: HTTPClient
    private let observer: any AttemptObserver
    private let timeoutMilliseconds: Int64
    private var pauses = CallPauses()
    private var probe: Completion<Void, BotAPIError>?
    /// Whether Telegram answered the last attempt, in whatever words; `nil` before the first.
    public private(set) var isAnswering: Bool?

    /// A connection to `baseURL` (`https://api.telegram.org` or a server of one's own), without a slash at its end.
    public init(
        baseURL: String, token: String, client: HTTPClient, observer: any AttemptObserver,
        timeoutMilliseconds: Int64 = 8000
    ) {
        var base = baseURL[...]
        while base.last == "/" { base.removeLast() }
        prefix = "\(base)/bot\(token)/"
        self.client = client
        self.observer = observer
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// When the chat's pause after a 429 ends; `nil` without one.
    public func pausedUntil(chat: ChatID) -> Instant? { pauses.pausedUntil(chat: chat, at: Loop.shared.current()) }

    /// How many chats are paused and the longest time left, for `/limits`.
    public var pauseSummary: (chats: Int, longestMilliseconds: Int64) { pauses.summary(at: Loop.shared.current()) }

    /// Performs a method. While it is paused it fails at once, without an attempt.
    ///
    /// - Throws: `BotAPIError`; `certainlyNotDone` says whether Telegram can have acted.
    public func call<Answer: Sendable>(
        _ method: BotMethod<Answer>, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> Answer {
        let tries: Int
        if case .upTo(let count) = context.retries { tries = count } else { tries = 1 }
        var number = 1
        while true {
            do throws(BotAPIError) {
                if try needsProbe(method) { try await probeToken() }
                return try await attempt(method, context)
            } catch {
                guard number < tries, let wait = waitMilliseconds(after: error, number: number, of: method),
                    fits(wait, context.deadline)
                else { throw error }
                await Loop.shared.sleep(milliseconds: wait)
                if Task.isCancelled { throw error }
                number += 1
            }
        }
    }

    // MARK: - One attempt

    /// Fails while the method is paused; else says whether the token has to be tried before.
    private func needsProbe<Answer: Sendable>(_ method: BotMethod<Answer>) throws(BotAPIError) -> Bool {
        switch pauses.admit(
            method: method.name, chat: method.chat, asksMembership: method.asksMembership, at: Loop.shared.now)
        {
        case .go: return false
        case .goAfterProbe: return true
        case .paused(let errorClass, let milliseconds):
            throw BotAPIError(
                errorClass, text: "paused", retryAfterSeconds: (milliseconds + 999) / 1000, wasAttempted: false)
        }
    }

    /// After a 401 one `getMe` goes first; who comes meanwhile waits for its outcome.
    private func probeToken() async throws(BotAPIError) {
        if let probe { return try await probe.wait() }
        let mine = Completion<Void, BotAPIError>()
        probe = mine
        let result: Result<Void, BotAPIError>
        do throws(BotAPIError) {
            _ = try await attempt(Self.getMe, CallContext())
            result = .success(())
        } catch {
            result = .failure(error)
        }
        probe = nil
        mine.finish(result)
        try result.get()
    }

    private func attempt<Answer: Sendable>(
        _ method: BotMethod<Answer>, _ context: CallContext
    ) async throws(BotAPIError) -> Answer {
        let began = Loop.shared.current()
        var timeout = timeoutMilliseconds + method.longPollMilliseconds
        if let deadline = context.deadline { timeout = min(timeout, deadline.milliseconds(since: began)) }
        guard timeout > 0, !Task.isCancelled else {
            throw BotAPIError(.networkError, text: "no time left", wasAttempted: false)
        }
        let isJSON = method.contentType == BotMethod<Void>.json
        let request = HTTPClientRequest(
            method: "POST", url: prefix + method.name,
            headers: isJSON ? Self.jsonHeaders : [("Content-Type", method.contentType)],
            body: method.body, timeoutMilliseconds: timeout, maximumReplyBytes: method.maximumReplyBytes)
        let result: Result<Answer, BotAPIError>
        do throws(HTTPClientError) {
            CrashPoint.reached("telegram \(method.name) before")
            let response = try await client.send(request)
            CrashPoint.reached("telegram \(method.name) after")
            result = Self.interpret(response, method)
        } catch {
            result = .failure(Self.failure(error))
        }
        record(result, method, context, began: began)
        return try result.get()
    }

    private func record<Answer: Sendable>(
        _ result: Result<Answer, BotAPIError>, _ method: BotMethod<Answer>, _ context: CallContext, began: Instant
    ) {
        // The turn began when the answer was there; what fails in the turn in which it began took no time.
        let now = max(Loop.shared.now, began)
        var attempt = Attempt(
            method: method.name, chatID: method.chat, userID: context.userID ?? method.user, groupID: context.groupID,
            success: true, latencyMilliseconds: now.milliseconds(since: began), at: WallClock.now)
        switch result {
        case .success:
            isAnswering = true
            pauses.answered(withAuthorization: true)
        case .failure(let error):
            isAnswering = error.errorClass != .networkError && error.errorClass != .serverError
            attempt.success = false
            attempt.errorType = error.errorType
            attempt.errorClass = error.errorClass.rawValue
            pauses.failed(error, method: method.name, chat: method.chat, at: now)
        }
        BotAPIMetrics.record(attempt, seconds: Double(now.nanoseconds - began.nanoseconds) / 1e9)
        observer.attempted(attempt)
    }

    // MARK: - Meaning

    private static func interpret<Answer: Sendable>(
        _ response: HTTPClientResponse, _ method: BotMethod<Answer>
    ) -> Result<Answer, BotAPIError> {
        do throws(JSONError) {
            let reply = try BotAPIReply(parsing: response.body)
            guard reply.isOK else { return .failure(failure(reply, response)) }
            var reader = reply.resultReader
            return .success(try method.decode(&reader))
        } catch {
            // A proxy's page instead of Telegram's words, or JSON that is not what the method promises.
            let isServers = response.status >= 500
            return .failure(
                BotAPIError(
                    isServers ? .serverError : .unknownError, code: response.status, text: "the answer cannot be read",
                    certainlyNotDone: false))
        }
    }

    private static func failure(_ reply: BotAPIReply, _ response: HTTPClientResponse) -> BotAPIError {
        let code = reply.code == 0 ? response.status : reply.code
        let retryAfter = code == 429 ? reply.retryAfterSeconds ?? response.retryAfterSeconds : nil
        let errorClass = BotAPIErrorClass(
            code: code, text: reply.text, retryAfter: retryAfter, migratesTo: reply.migrateToChatID)
        return BotAPIError(
            errorClass, code: code, text: reply.text, retryAfterSeconds: retryAfter,
            migrateToChatID: reply.migrateToChatID, certainlyNotDone: (400..<500).contains(code))
    }

    private static func failure(_ error: HTTPClientError) -> BotAPIError {
        switch error {
        // It came, was too long to be read, and what it said is not known.
        case .tooLarge: BotAPIError(.unknownError, text: "the answer is too long", certainlyNotDone: false)
        case .resolve, .connect, .tls, .timedOut, .cut, .cancelled, .outOfMemory, .refused:
            BotAPIError(.networkError, text: "no answer: \(error)", certainlyNotDone: error.certainlyUnsent)
        }
    }

    // MARK: - Again?

    /// How long to wait before the call is made again; `nil`: not again.
    private func waitMilliseconds<Answer: Sendable>(
        after error: BotAPIError, number: Int, of method: BotMethod<Answer>
    ) -> Int64? {
        guard method.isRepeatable || error.certainlyNotDone else { return nil }
        switch error.errorClass {
        case .networkError, .serverError:
            guard error.wasAttempted else { return nil }
            let step = Int64(200) << min(number - 1, 5)
            return step / 2 + Int64.random(in: 0...step)
        case .retryAfter: return (error.retryAfterSeconds ?? 1) * 1000
        case .conflict: return 1000
        // Random at Telegram, often right a moment later; asked once more only.
        case .userUnknown: return method.asksMembership && number == 1 ? 1000 : nil
        case .chatMigrated, .unauthorized, .botBlocked, .botKicked, .adminRightsMissing, .userIsAdmin, .chatNotFound,
            .messageGone, .queryExpired, .topicGone, .badRequest, .unknownError:
            return nil
        }
    }

    /// A pause without a deadline to measure it by is only waited out when it is short.
    private func fits(_ wait: Int64, _ deadline: Instant?) -> Bool {
        guard let deadline else { return wait <= 2000 }
        return deadline.milliseconds(since: Loop.shared.current()) > wait
    }
}

extension HTTPClientResponse {
    fileprivate var retryAfterSeconds: Int64? {
        header("retry-after").flatMap { Int64($0) }.map { min(max($0, 1), 86_400) }
    }
}
