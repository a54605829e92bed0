// When calls must not be made: after a 429, after a 401, while Telegram is away. Pure: times are arguments.

import Domain
import EventLoop

/// The pauses in force: of one chat, of one method, and of all calls.
struct CallPauses {
    /// What a call may do now.
    enum Admission: Equatable {
        /// Go.
        case go
        /// Go, after one `getMe` has shown that the token works again.
        case goAfterProbe
        /// Fail at once.
        case paused(BotAPIErrorClass, milliseconds: Int64)
    }

    /// Network errors and 5xx in a row after which membership calls stop.
    static let failuresToStop = 10
    static let stopMilliseconds: Int64 = 5000
    static let unauthorizedMilliseconds: Int64 = 60_000

    private var chats: [ChatID: Instant] = [:]
    private var methods: [String: Instant] = [:]
    private var unauthorizedUntil: Instant?
    private var failures = 0
    private var stoppedUntil: Instant?

    /// When the chat's pause ends, if it has one.
    func pausedUntil(chat: ChatID, at now: Instant) -> Instant? {
        chats[chat].flatMap { $0 > now ? $0 : nil }
    }

    /// How many chats are paused, and the longest time left.
    func summary(at now: Instant) -> (chats: Int, longestMilliseconds: Int64) {
        let left = chats.values.filter { $0 > now }.map { $0.milliseconds(since: now) }
        return (left.count, left.max() ?? 0)
    }

    /// Asks before each attempt.
    mutating func admit(method: String, chat: ChatID?, asksMembership: Bool, at now: Instant) -> Admission {
        if let until = unauthorizedUntil {
            if until > now { return .paused(.unauthorized, milliseconds: until.milliseconds(since: now)) }
            if method != "getMe" { return .goAfterProbe }
        }
        if let until = chat.flatMap({ chats[$0] }) ?? methods[method], until > now {
            return .paused(.retryAfter, milliseconds: until.milliseconds(since: now))
        }
        guard asksMembership, failures >= Self.failuresToStop else { return .go }
        if let until = stoppedUntil, until > now {
            return .paused(.networkError, milliseconds: until.milliseconds(since: now))
        }
        // One goes ahead; its outcome decides about the rest. The new stop also bounds a probe that hangs.
        stoppedUntil = now.adding(milliseconds: Self.stopMilliseconds)
        return .go
    }

    /// Telegram answered something that is not a failure of its own.
    mutating func answered(withAuthorization isAuthorized: Bool) {
        failures = 0
        stoppedUntil = nil
        if isAuthorized { unauthorizedUntil = nil }
    }

    /// An attempt failed.
    mutating func failed(_ error: BotAPIError, method: String, chat: ChatID?, at now: Instant) {
        switch error.errorClass {
        case .networkError, .serverError:
            failures += 1
            guard failures >= Self.failuresToStop else { return }
            stoppedUntil = now.adding(milliseconds: Self.stopMilliseconds)
        case .unauthorized:
            answered(withAuthorization: false)
            unauthorizedUntil = now.adding(milliseconds: Self.unauthorizedMilliseconds)
        case .retryAfter:
            answered(withAuthorization: true)
            pause(method: method, chat: chat, seconds: error.retryAfterSeconds ?? 1, at: now)
        case .chatMigrated, .botBlocked, .botKicked, .adminRightsMissing, .userIsAdmin, .chatNotFound, .userUnknown,
            .messageGone, .queryExpired, .topicGone, .badRequest, .conflict:
            answered(withAuthorization: true)
        case .unknownError: break
        }
    }

    private mutating func pause(method: String, chat: ChatID?, seconds: Int64, at now: Instant) {
        let until = now.adding(milliseconds: seconds * 1000)
        guard let chat else {
            methods[method] = max(methods[method] ?? until, until)
            return
        }
        if chats.count >= 10_000 { chats = chats.filter { $0.value > now } }
        chats[chat] = max(chats[chat] ?? until, until)
    }
}
