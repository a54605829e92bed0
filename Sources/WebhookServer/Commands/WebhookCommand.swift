// webhook: tells Telegram where to deliver, and shows what it knows.

import Configuration
import TelegramBotAPI

enum WebhookCommand: Subcommand {
    static let name = "webhook"
    static let summary = "tells Telegram where to deliver, or shows what it knows"
    static let usage = """
        Usage: nezuko webhook set [--drop-pending-updates] | info | delete

          set      PUBLIC_URL + WEBHOOK_PATH, with the secret, the kinds of updates
                   and, if it is ours, the self-signed certificate
          info     address, waiting updates, last error, and what to do about it
          delete   for long polling
        --drop-pending-updates throws away what waits: button presses too.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        guard let api = BotAPIs.forCommand(name, configuration) else { return .usage }
        do throws(BotAPIError) {
            switch arguments {
            case ["set"]: return try await set(api, configuration, dropsPending: false)
            case ["set", "--drop-pending-updates"]: return try await set(api, configuration, dropsPending: true)
            case ["info"]: return try await info(api, configuration)
            case ["delete"]:
                try await api.deleteWebhook()
                Terminal.print("Telegram delivers nowhere now. `nezuko serve` without PUBLIC_URL polls.")
                return .ok
            default:
                Terminal.error("nezuko webhook: say set, info or delete.")
                return .usage
            }
        } catch {
            Terminal.error("nezuko webhook: \(error.advice)")
            return error.errorClass == .networkError ? .failed : .telegram
        }
    }

    private static func set(
        _ api: BotAPI, _ configuration: Configuration, dropsPending: Bool
    ) async throws(BotAPIError) -> ExitCode {
        guard let publicURL = configuration.publicURL else {
            Terminal.error("nezuko webhook: PUBLIC_URL is not set. It is the https address that Telegram sees.")
            return .usage
        }
        guard Environment.makeDirectory(configuration.stateDirectory), let secrets = Secrets.webhook(configuration),
            let secret = secrets.first
        else {
            Terminal.error("nezuko webhook: there is no secret. Set WEBHOOK_SECRET: openssl rand -hex 24")
            return .failed
        }
        var certificate: [UInt8]?
        if CertificatePair.isUploaded(configuration) {
            let pair = CertificatePair(configuration)
            guard pair.ensure(host: publicURL.host) else { return .failed }
            certificate = Environment.read(pair.certificateFile)
        }
        var settings = WebhookSettings(
            url: publicURL.text + configuration.webhookPath, secret: secret,
            maximumConnections: configuration.webhookMaximumConnections, certificate: certificate)
        settings.dropsPendingUpdates = dropsPending
        try await api.setWebhook(settings)
        Terminal.print("Telegram delivers to \(settings.url)")
        return .ok
    }

    private static func info(_ api: BotAPI, _ configuration: Configuration) async throws(BotAPIError) -> ExitCode {
        let info = try await api.getWebhookInfo()
        let expected = configuration.publicURL.map { $0.text + configuration.webhookPath } ?? ""
        Terminal.print("Address     \(info.url.isEmpty ? "none (long polling)" : info.url)")
        Terminal.print("Waiting     \(info.pendingUpdates)")
        Terminal.print("Last error  \(info.lastErrorMessage ?? "none")")
        if info.url != expected { Terminal.print("Next        It is not this deployment's. Run: nezuko webhook set") }
        return .ok
    }
}
