// getMe: who we are.

import Domain
import JSON

extension BotAPI {
    static let getMe = BotMethod("getMe") { (reader) throws(JSONError) in try User(reading: &reader) }

    /// The bot itself; `username` is always there.
    public func getMe(_ context: CallContext = CallContext()) async throws(BotAPIError) -> User {
        try await call(Self.getMe, context)
    }
}
