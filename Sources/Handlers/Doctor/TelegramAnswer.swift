// One getMe by hand: tells whether Telegram is there, what time it has, and whose the token is.

import EventLoop
import HTTPClient
import JSON
import TelegramBotAPI

/// What Telegram said to the token.
enum TelegramAnswer: Sendable {
    /// The bot of the token.
    struct Bot: Sendable {
        let username: String
        let mayJoinGroups: Bool
    }

    /// When the question went out and its answer came, by our clock, and the answer's `Date`.
    struct Times: Sendable {
        let sent: Timestamp
        let received: Timestamp
        let date: Timestamp?

        /// How far our clock is ahead of Telegram's, at least and in seconds; negative: behind. `Date` is in whole
        /// seconds, and the way takes time, so nothing is claimed within these.
        var aheadSeconds: Double? {
            guard let date else { return nil }
            let behind = Double(date.microseconds - received.microseconds) / 1e6
            let ahead = Double(sent.microseconds - date.adding(seconds: 1).microseconds) / 1e6
            return ahead > 0 ? ahead : behind > 0 ? -behind : 0
        }
    }

    case bot(Bot, Times)
    /// 401 or 404: nobody has this token.
    case refused(Times)
    /// It answers, but not to the question.
    case trouble(String, Times)
    /// No answer, with the cause.
    case unreachable(String)

    var times: Times? {
        switch self {
        case .bot(_, let times), .refused(let times), .trouble(_, let times): times
        case .unreachable: nil
        }
    }

    @IO
    static func ask(_ settings: DoctorSettings, _ client: HTTPClient, milliseconds: Int64) async -> TelegramAnswer {
        let sent = settings.clock()
        let request = HTTPClientRequest(
            method: "POST", url: "\(settings.telegramBaseURL)/bot\(settings.token ?? "")/getMe",
            timeoutMilliseconds: milliseconds)
        do throws(HTTPClientError) {
            let response = try await client.send(request)
            let date = response.header("date").flatMap { Timestamp(httpDate: $0) }
            return read(response, Times(sent: sent, received: settings.clock(), date: date))
        } catch {
            return .unreachable(cause(error))
        }
    }

    private static func read(_ response: HTTPClientResponse, _ times: Times) -> TelegramAnswer {
        do throws(JSONError) {
            let reply = try BotAPIReply(parsing: response.body)
            guard reply.isOK else {
                return [401, 404].contains(reply.code) ? .refused(times) : .trouble("it says \"\(reply.text)\"", times)
            }
            let me = try JSONValue(parsing: reply.result)
            let bot = Bot(
                username: me["username"]?.string ?? "", mayJoinGroups: me["can_join_groups"]?.bool ?? true)
            return .bot(bot, times)
        } catch {
            return .trouble("status \(response.status), and no answer of a Bot API", times)
        }
    }

    private static func cause(_ error: HTTPClientError) -> String {
        switch error {
        case .resolve: "DNS knows no such name"
        case .connect: "no connection: refused, a firewall, or a silent DNS server"
        case .tls: "the TLS handshake failed: a proxy, or old root certificates"
        case .timedOut: "no answer in time: a proxy, or a firewall"
        case .cut, .tooLarge, .cancelled: "the connection ended without an answer: a proxy"
        case .outOfMemory, .refused: "nothing could be sent"
        }
    }
}
