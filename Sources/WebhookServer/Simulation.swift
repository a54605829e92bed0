// The built-in Telegram behind `serve --simulate`: a world with people, and a webhook into the same process.

import Configuration
import EventLoop
import HTTPServer
import Observability
import Simulator
import TelegramBotAPI

@IO
final class Simulation {
    let token: String
    private let simulator: Simulator

    init(view: LiveView?) {
        var options = SimulatorOptions()
        options.rate = 150
        options.faults = .low
        options.firstUpdateID = SimulatorOptions.freshUpdateID()
        token = options.token
        simulator = Simulator(options: options)
        simulator.furnishDefaultWorld()
        if let view { simulator.onEvent = { [weak view] event in view?.happened(event) } }
    }

    /// Opens the simulator's own port on this machine and returns its base URL; `nil` after saying why not.
    func listen() -> String? {
        do throws(HTTPServerError) {
            let port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
            return "http://127.0.0.1:\(port)"
        } catch {
            Terminal.error("nezuko serve: simulator: \(error)")
            return nil
        }
    }

    /// Lets the simulator deliver to the service, then its people act.
    func begin(
        _ service: Service, _ addresses: [ListenAddress], secret: String, certificate: CertificatePair
    ) async {
        guard var address = addresses.first(where: \.isTLS) ?? addresses.first else { return }
        // All addresses of this machine are reached at this one, `::` alone included.
        if ["0.0.0.0", "::"].contains(address.host) { address.host = address.isIPv6Only ? "::1" : "127.0.0.1" }
        let settings = WebhookSettings(
            url: "\(address.url)\(service.configuration.webhookPath)", secret: secret,
            certificate: address.isTLS ? Environment.read(certificate.certificateFile) : nil)
        do throws(BotAPIError) {
            try await service.api.setWebhook(settings)
        } catch {
            Log.error("simulator_webhook_refused", .error(error.text))
            return
        }
        simulator.ownersProtectGroups()
        simulator.start()
    }

    func stop() { simulator.stop() }
}
