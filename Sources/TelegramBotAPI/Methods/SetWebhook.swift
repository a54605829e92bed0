// setWebhook: where Telegram delivers updates; a self-signed certificate goes along as a file.

import Domain
import JSON

/// What Telegram is told about our endpoint.
public struct WebhookSettings: Sendable {
    /// `https`, port 443, 80, 88 or 8443.
    public var url: String
    /// Comes back in a header of each delivery: 1 to 256 of `A-Za-z0-9_-`.
    public var secret: String
    /// Connections at a time, 1 to 100.
    public var maximumConnections: Int
    /// Whether waiting updates are thrown away: on an operator's wish only.
    public var dropsPendingUpdates = false
    /// PEM of a self-signed certificate; `nil` for one that Telegram trusts.
    public var certificate: [UInt8]?

    /// Settings with the given facts.
    public init(url: String, secret: String, maximumConnections: Int = 40, certificate: [UInt8]? = nil) {
        self.url = url
        self.secret = secret
        self.maximumConnections = maximumConnections
        self.certificate = certificate
    }
}

extension BotAPI {
    /// Sets the webhook for `Update.allowedKinds`.
    public func setWebhook(
        _ settings: WebhookSettings, _ context: CallContext = CallContext()
    ) async throws(BotAPIError) {
        var method = BotMethod("setWebhook") { writer in
            writer.key("url")
            writer.string(settings.url)
            writer.key("secret_token")
            writer.string(settings.secret)
            writer.key("max_connections")
            writer.int(settings.maximumConnections)
            writer.key("drop_pending_updates")
            writer.bool(settings.dropsPendingUpdates)
            writer.key("allowed_updates")
            writer.allowedKinds()
        }
        if let certificate = settings.certificate {
            let form = MultipartForm(settings, certificate)
            method.body = form.bytes
            method.contentType = form.contentType
        }
        try await call(method, context)
    }
}

extension JSONWriter {
    /// The names of the kinds that are asked for.
    mutating func allowedKinds() {
        array { writer in
            for kind in Update.allowedKinds { writer.string(kind) }
        }
    }
}

/// The `multipart/form-data` body that a file needs.
private struct MultipartForm {
    // Neither PEM nor the other fields can hold this line.
    private let boundary = "nezuko-form-boundary-4f1d9c"
    var bytes: [UInt8] = []
    var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    init(_ settings: WebhookSettings, _ certificate: [UInt8]) {
        var kinds = JSONWriter()
        kinds.allowedKinds()
        field("url", Array(settings.url.utf8))
        field("secret_token", Array(settings.secret.utf8))
        field("max_connections", Array(String(settings.maximumConnections).utf8))
        field("drop_pending_updates", Array("\(settings.dropsPendingUpdates)".utf8))
        field("allowed_updates", kinds.bytes)
        field(#"certificate"; filename="certificate.pem"#, certificate)
        line("--\(boundary)--")
    }

    private mutating func field(_ name: String, _ value: [UInt8]) {
        line("--\(boundary)")
        line(#"Content-Disposition: form-data; name="\#(name)""#)
        line("")
        bytes += value
        line("")
    }

    private mutating func line(_ text: String) {
        bytes += text.utf8
        bytes += [0x0D, 0x0A]
    }
}
