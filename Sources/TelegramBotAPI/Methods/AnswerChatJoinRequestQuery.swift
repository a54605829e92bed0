// answerChatJoinRequestQuery: a guard bot's word on a request to join, within ten seconds (Bot API 10.1).

import Domain
import JSON

/// What a guard bot says of a request to join.
public enum JoinRequestAnswer: String, Sendable {
    /// The person is let in.
    case approve
    /// The person is turned away.
    case decline
    /// The request waits, as it would without a guard.
    case queue
}

extension BotAPI {
    /// Answers a request that came with a `query_id`.
    public func answerChatJoinRequestQuery(
        _ id: String, _ answer: JoinRequestAnswer, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        let method = BotMethod("answerChatJoinRequestQuery") { writer in
            writer.key("chat_join_request_query_id")
            writer.string(id)
            writer.key("result")
            writer.string(answer.rawValue)
        }
        try await call(method, context)
    }
}
