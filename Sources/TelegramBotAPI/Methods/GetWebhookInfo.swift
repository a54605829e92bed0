// getWebhookInfo: how delivery goes, as Telegram sees it.

import Domain
import JSON

/// The state of delivery.
public struct WebhookInfo: Equatable, Sendable {
    /// Empty when no webhook is set.
    public var url = ""
    /// Whether a certificate of our own was given.
    public var hasCustomCertificate = false
    /// Updates that wait at Telegram.
    public var pendingUpdates: Int64 = 0
    /// When a delivery failed last, in seconds since 1970.
    public var lastErrorDate: Int64?
    /// What went wrong then.
    public var lastErrorMessage: String?
    /// Connections at a time.
    public var maximumConnections: Int64 = 40
    /// The address to which Telegram delivers at present.
    public var address: String?
    /// The kinds that are delivered; empty for Telegram's default, which leaves `chat_member` out.
    public var allowedUpdates: [String] = []

    /// No webhook.
    public init() {}
}

extension BotAPI {
    /// How delivery goes.
    public func getWebhookInfo(_ context: CallContext = CallContext()) async throws(BotAPIError) -> WebhookInfo {
        let method = BotMethod("getWebhookInfo") { (reader) throws(JSONError) in
            var info = WebhookInfo()
            try reader.readObject { (reader, key) throws(JSONError) in
                switch key {
                case "url": info.url = try reader.readString()
                case "has_custom_certificate": info.hasCustomCertificate = try reader.readBool()
                case "pending_update_count": info.pendingUpdates = try reader.readInt64()
                case "last_error_date": info.lastErrorDate = try reader.readInt64()
                case "last_error_message": info.lastErrorMessage = try reader.readString()
                case "ip_address": info.address = try reader.readString()
                case "max_connections": info.maximumConnections = try reader.readInt64()
                case "allowed_updates":
                    var kinds: [String] = []
                    try reader.readArray { (reader) throws(JSONError) in kinds.append(try reader.readString()) }
                    info.allowedUpdates = kinds
                default: try reader.skip()
                }
            }
            return info
        }
        return try await call(method, context)
    }
}
