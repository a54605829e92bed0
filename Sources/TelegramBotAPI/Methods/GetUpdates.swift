// getUpdates: fetches updates where no webhook is possible.

import Domain
import JSON

/// One fetched update, still as bytes, so that it goes the way of a webhook's body.
public struct FetchedUpdate: Sendable {
    /// Its number; the next offset is one more.
    public var id: Int64
    /// Its JSON.
    public var body: [UInt8]

    /// A fetched update with the given facts.
    public init(id: Int64, body: [UInt8]) {
        self.id = id
        self.body = body
    }
}

extension BotAPI {
    /// Waits up to `timeoutSeconds` for updates from `offset` on; earlier ones count as confirmed.
    public func getUpdates(
        offset: Int64, timeoutSeconds: Int64, limit: Int = 100, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) -> [FetchedUpdate] {
        var method = BotMethod("getUpdates") { writer in
            writer.key("offset")
            writer.int(offset)
            writer.key("limit")
            writer.int(limit)
            writer.key("timeout")
            writer.int(timeoutSeconds)
            writer.key("allowed_updates")
            writer.allowedKinds()
        } decode: { (reader) throws(JSONError) in
            var updates: [FetchedUpdate] = []
            try reader.readArray { (reader) throws(JSONError) in
                let value = try reader.readValue()
                updates.append(FetchedUpdate(id: try reader.need(value["update_id"]?.int), body: value.encoded()))
            }
            return updates
        }
        method.longPollMilliseconds = timeoutSeconds * 1000
        // A hundred long ones at once.
        method.maximumReplyBytes = 16 << 20
        return try await call(method, context)
    }
}
