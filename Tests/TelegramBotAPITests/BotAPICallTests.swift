// Calls against a server that behaves and misbehaves: what they throw, and what the observer hears.

import Domain
import EventLoop
import HTTPClient
import TelegramBotAPI
import TestSupport
import Testing

/// Suites share one clock, and some move it: a limit that none of them reaches.
private let beyondReach: Int64 = 1_000_000_000

@IO
private final class Recorder: AttemptObserver {
    var attempts: [Attempt] = []
    func attempted(_ attempt: Attempt) { attempts.append(attempt) }
}

@IO
private struct Bench {
    let server: ScriptedServer
    let recorder = Recorder()
    let api: BotAPI

    init(
        timeoutMilliseconds: Int64 = beyondReach,
        _ react: @escaping @IO (ScriptedServer.Request, Int) -> ScriptedServer.Reaction
    ) {
        server = ScriptedServer(react)
        api = BotAPI(
            baseURL: server.url + "/", token: "123:SECRET", client: HTTPClient(), observer: recorder,
            timeoutMilliseconds: timeoutMilliseconds)
    }

    func failure<Answer: Sendable>(
        _ body: @IO () async throws(BotAPIError) -> Answer
    ) async -> BotAPIError? {
        do throws(BotAPIError) {
            _ = try await body()
            return nil
        } catch {
            return error
        }
    }
}

@Suite("Bot API calls", .serialized)
struct BotAPICallTests {
    private static let chat = ChatID(-1001)
    private static let user = UserID(42)
    private static let member =
        #"{"ok":true,"result":{"user":{"id":42,"is_bot":false,"first_name":"A"},"status":"member"}}"#
    private static func refusal(_ code: Int, _ text: String, _ parameters: String = "{}") -> ScriptedServer.Reaction {
        .json(code, #"{"ok":false,"error_code":\#(code),"description":"\#(text)","parameters":\#(parameters)}"#)
    }

    @Test @IO func `a success is one request and one attempt`() async throws {
        let bench = Bench { _, _ in .json(200, Self.member) }
        defer { bench.server.stop() }
        let member = try await bench.api.getChatMember(
            Self.user, in: Self.chat, CallContext(userID: UserID(7), groupID: ChatID(-5)))
        #expect(member.membership == .member)
        #expect(bench.server.requests.map(\.target) == ["/bot123:SECRET/getChatMember"])
        #expect(bench.server.requests[0].body == #"{"chat_id":-1001,"user_id":42}"#)
        let attempt = try #require(bench.recorder.attempts.first)
        #expect(attempt.method == "getChatMember" && attempt.chatID == Self.chat && attempt.success)
        #expect(attempt.userID == UserID(7) && attempt.groupID == ChatID(-5) && attempt.errorType == nil)
        #expect(bench.recorder.attempts.count == 1)
    }

    @Test @IO func `a restriction names all sixteen rights`() async throws {
        let bench = Bench { _, _ in .json(200, #"{"ok":true,"result":true}"#) }
        defer { bench.server.stop() }
        try await bench.api.restrictChatMember(Self.user, in: Self.chat, permissions: .none)
        let body = bench.server.requests[0].body
        #expect(body.split(separator: "can_").count == 17 && body.contains("\"use_independent_chat_permissions\":true"))
        #expect(!body.contains("until_date"))
    }

    @Test @IO func `a pause holds back every call naming the chat, without an attempt`() async {
        let bench = Bench { _, _ in Self.refusal(429, "Too Many Requests: retry after 80000", #"{"retry_after":80000}"#)
        }
        defer { bench.server.stop() }
        let (api, chat, user) = (bench.api, Self.chat, Self.user)
        let first = await bench.failure { () throws(BotAPIError) in try await api.getChatMember(user, in: chat) }
        #expect(first?.errorClass == .retryAfter && first?.retryAfterSeconds == 80000 && first?.wasAttempted == true)
        let second = await bench.failure { () throws(BotAPIError) in try await api.deleteMessage(MessageID(1), in: chat)
        }
        #expect(second?.errorClass == .retryAfter && second?.wasAttempted == false)
        #expect(api.pausedUntil(chat: chat) != nil && api.pausedUntil(chat: ChatID(-9)) == nil)
        #expect(bench.recorder.attempts.count == 1 && bench.server.requests.count == 1)
    }

    @Test @IO func `a 5xx is tried again within the deadline, each try is an attempt`() async throws {
        let bench = Bench { _, number in
            number < 2 ? .bytes("HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\nhtml") : .json(200, Self.member)
        }
        defer { bench.server.stop() }
        _ = try await bench.api.getChatMember(Self.user, in: Self.chat, CallContext(retries: .upTo(3)))
        #expect(bench.recorder.attempts.map(\.errorClass) == ["ServerError", "ServerError", nil])
        #expect(bench.server.requests.count == 3)
    }

    @Test @IO func `a message whose fate is unknown is not sent again`() async {
        let bench = Bench { _, _ in .close }
        defer { bench.server.stop() }
        let api = bench.api
        let error = await bench.failure { () throws(BotAPIError) in
            try await api.sendMessage(to: Self.chat, text: "x", CallContext(retries: .upTo(3)))
        }
        #expect(error?.errorClass == .networkError && error?.certainlyNotDone == false)
        #expect(bench.recorder.attempts.count == 1 && bench.server.requests.count == 1)
    }

    @Test @IO func `a migrated group gives its new id`() async {
        let bench = Bench { _, _ in
            Self.refusal(
                400, "Bad Request: group chat was upgraded to a supergroup chat", #"{"migrate_to_chat_id":-1002}"#)
        }
        defer { bench.server.stop() }
        let api = bench.api
        let error = await bench.failure { () throws(BotAPIError) in try await api.getChat(Self.chat) }
        #expect(error?.errorClass == .chatMigrated && error?.migrateToChatID == ChatID(-1002))
    }

    static let bodies: [(String, BotAPIErrorClass)] = [
        ("<html>", .unknownError), (#"{"ok":true}"#, .unknownError),
        (#"{"ok":true,"result":{"status":1}}"#, .unknownError),
        (String(repeating: " ", count: 1 << 20) + "{}", .unknownError),
    ]

    @Test(arguments: bodies)
    @IO func `an answer that cannot be read is unknown, never a verdict`(_ row: (String, BotAPIErrorClass)) async {
        let body = row.0
        let bench = Bench { _, _ in .json(200, body) }
        defer { bench.server.stop() }
        let api = bench.api
        let error = await bench.failure { () throws(BotAPIError) in
            try await api.getChatMember(Self.user, in: Self.chat)
        }
        #expect(error?.errorClass == row.1)
        #expect(error?.certainlyNotDone == false)
        #expect(bench.recorder.attempts.count == 1)
    }

    @Test @IO func `after a 401 nothing is asked for a minute, then getMe goes first`() async throws {
        let bench = Bench { request, number in
            if number == 0 { return Self.refusal(401, "Unauthorized") }
            if request.target.hasSuffix("getMe") {
                return .json(200, #"{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"B"}}"#)
            }
            return .json(200, Self.member)
        }
        defer { bench.server.stop() }
        let api = bench.api
        _ = await bench.failure { () throws(BotAPIError) in try await api.getChatMember(Self.user, in: Self.chat) }
        let paused = await bench.failure { () throws(BotAPIError) in
            try await api.getChatMember(Self.user, in: Self.chat)
        }
        #expect(paused?.errorClass == .unauthorized && paused?.wasAttempted == false)
        Loop.shared.advance(milliseconds: 60_001)
        _ = try await api.getChatMember(Self.user, in: Self.chat)
        #expect(bench.recorder.attempts.map(\.method) == ["getChatMember", "getMe", "getChatMember"])
    }

    @Test @IO func `ten failures in a row stop membership calls for five seconds`() async throws {
        let bench = Bench { _, number in
            number < 10 ? Self.refusal(500, "Internal Server Error") : .json(200, Self.member)
        }
        defer { bench.server.stop() }
        let api = bench.api
        for _ in 0..<10 {
            _ = await bench.failure { () throws(BotAPIError) in try await api.getChatMember(Self.user, in: Self.chat) }
        }
        let stopped = await bench.failure { () throws(BotAPIError) in
            try await api.getChatMember(Self.user, in: Self.chat)
        }
        #expect(stopped?.wasAttempted == false && stopped?.errorClass == .networkError)
        Loop.shared.advance(milliseconds: 5001)
        _ = try await api.getChatMember(Self.user, in: Self.chat)
        _ = try await api.getChatMember(Self.user, in: Self.chat)
        #expect(bench.recorder.attempts.count == 12 && bench.server.requests.count == 12)
    }

    @Test @IO func `no error holds the token`() async {
        let bench = Bench { _, _ in .close }
        let api = bench.api
        let cut = await bench.failure { () throws(BotAPIError) in try await api.getMe() }
        bench.server.stop()
        let refused = await bench.failure { () throws(BotAPIError) in try await api.getMe() }
        #expect(refused?.certainlyNotDone == true)
        for error in [cut, refused] { #expect(!String(describing: error).contains("SECRET")) }
        #expect(!String(describing: bench.recorder.attempts).contains("SECRET"))
    }

    @Test @IO func `a certificate goes as a form`() async throws {
        let bench = Bench { _, _ in .json(200, #"{"ok":true,"result":true}"#) }
        defer { bench.server.stop() }
        try await bench.api.setWebhook(
            WebhookSettings(url: "https://a.example/w", secret: "s", certificate: Array("PEM".utf8)))
        let request = bench.server.requests[0]
        #expect(request.head.contains("multipart/form-data; boundary="))
        #expect(
            request.body.contains(#"name="certificate"; filename="certificate.pem""#)
                && request.body.contains("\r\n\r\nPEM\r\n"))
    }

    @Test @IO func `fetched updates keep their bytes`() async throws {
        let bench = Bench { _, _ in .json(200, #"{"ok":true,"result":[{"update_id":5,"message":{"a":[1,2]}}]}"#) }
        defer { bench.server.stop() }
        let updates = try await bench.api.getUpdates(offset: 5, timeoutSeconds: 1)
        #expect(updates.map(\.id) == [5])
        #expect(updates.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"update_id":5,"message":{"a":[1,2]}}"#])
    }
}
