// serve: the service itself, from its settings to its end.

import Configuration
import Domain
import EventLoop
import Glibc
import HTTPServer
import Handlers
import Observability
import Simulator
import Storage

enum ServeCommand: Subcommand {
    static let name = "serve"
    static let summary = "guards: webhook or polling, jobs, metrics"
    static let usage = """
        Usage: nezuko serve [--simulate] [--watch | --no-watch]

        Without BOT_TOKEN, or with --simulate: a built-in Telegram simulator on this
        machine. With BOT_TOKEN: long polling. With PUBLIC_URL too: webhook.
          --watch   live lines of people held and released (default on a terminal)
        Ctrl-C ends it; what was accepted is finished first.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard Set(arguments).isSubset(of: ["--simulate", "--watch", "--no-watch"]) else {
            Terminal.error("nezuko serve: takes --simulate, --watch and --no-watch only.")
            return .usage
        }
        let wantsSimulator = arguments.contains("--simulate")
        guard let configuration = Environment.configuration(for: wantsSimulator ? .simulate : .serve) else {
            return .usage
        }
        let isWatched =
            arguments.contains("--watch") || (Terminal.isInteractive && !arguments.contains("--no-watch"))
        let isSimulated = wantsSimulator || configuration.botToken == nil
        let run = ServeRun(configuration, isSimulated: isSimulated, isWatched: isWatched)
        return await run.run()
    }
}

/// One run of the service.
@IO
private final class ServeRun {
    private let configuration: Configuration
    private let isSimulated: Bool
    private let files: ServeDatabase
    private let view: LiveView?
    private let metricsRoutes = MetricsRoutes()
    private let stopping = Completion<Void, Never>()
    private var simulation: Simulation?
    private var metricsServer: HTTPServer?
    private var main: HTTPServer?

    init(_ configuration: Configuration, isSimulated: Bool, isWatched: Bool) {
        self.configuration = configuration
        self.isSimulated = isSimulated
        files = ServeDatabase(configuration, isSimulated: isSimulated)
        view = isWatched ? LiveView() : nil
    }

    func run() async -> ExitCode {
        guard Environment.makeDirectory(configuration.stateDirectory) else {
            Terminal.error("nezuko serve: STATE_DIR cannot be made. Check who may write there.")
            return .failed
        }
        guard let secrets = Secrets.webhook(configuration) else {
            Terminal.error(
                "nezuko serve: the webhook secret cannot be kept in STATE_DIR. Check who may write there, "
                    + "or set WEBHOOK_SECRET: openssl rand -hex 24")
            return .failed
        }
        configureLog(secrets)
        Environment.raiseFileLimit()
        Signals.onSignal { [weak self] number in self?.signalled(number) }
        if let failure = openMetricsPort() { return failure }
        let database: any Database
        do {
            database = try await files.open { stopping.isFinished }
        } catch {
            return error.code
        }

        let token: String
        let baseURL: String
        if isSimulated {
            let simulation = Simulation(view: view)
            guard let url = simulation.listen() else { return .usage }
            self.simulation = simulation
            (token, baseURL) = (simulation.token, url)
        } else {
            (token, baseURL) = (configuration.botToken ?? "", configuration.telegramBaseURL)
        }
        let service = Service(configuration, database: database, token: token, baseURL: baseURL)
        metricsRoutes.health = service.health
        service.health.schemaFound(fits: true)
        if database.dialect == .sqlite {
            // One `serve` has the file, so leases of an earlier one are nobody's.
            do throws(StoreError) { try await service.store.voidLeases() } catch {
                Terminal.error("nezuko serve: \(error.advice)")
                return .database
            }
        }
        service.services.events = view
        view?.title = { [caches = service.services.caches] group in
            switch caches.groups.lookup(group) {
            case .fresh(let group), .stale(let group): group?.title
            case .missing: nil
            }
        }
        await service.learnNews()
        guard let addresses = openMainPort(service, secrets) else { return .usage }
        service.start()
        service.health.listenerOpened()
        printBanner(addresses)
        await beginDelivery(service, addresses, secrets)
        Log.info("serving")

        await stopping.wait()
        return await stop(service)
    }

    // MARK: - Start

    private func configureLog(_ secrets: [String]) {
        let isPretty = configuration.logFormat == .pretty || (configuration.logFormat == .auto && isatty(2) == 1)
        Log.configure(
            level: level(configuration.logLevel), format: isPretty ? .pretty : .json, output: 2,
            secrets: configuration.secrets + secrets, isColored: isPretty && Terminal.hasColors)
    }

    /// Lines of the live view would be lost among others, so beside it only warnings and errors are written.
    private func level(_ wanted: LogVerbosity) -> LogLevel {
        let level = LogLevel(name: wanted.rawValue)
        return view == nil ? level : max(level, .warning)
    }

    private func openMetricsPort() -> ExitCode? {
        guard configuration.metricsEnabled else { return nil }
        ServiceMetrics.registerAll()
        let server = HTTPServer(handler: metricsRoutes, tls: nil)
        do throws(HTTPServerError) {
            var address = ListenAddress(
                host: configuration.metricsHost, port: configuration.metricsPort, isTLS: false)
            address.port = try server.listen(address)
            Log.info("metrics_listening", .text(address.url))
            metricsServer = server
            return nil
        } catch {
            Terminal.error("nezuko serve: metrics: \(error) Set METRICS_PORT to a free one.")
            return .usage
        }
    }

    private func openMainPort(_ service: Service, _ secrets: [String]) -> [ListenAddress]? {
        var limits = HTTPLimits()
        limits.maximumConnections = configuration.httpMaximumConnections
        limits.maximumBody = configuration.httpMaximumBodyBytes
        limits.maximumBuffered = configuration.httpBufferTotalBytes
        limits.idleMilliseconds = Int64(configuration.httpIdleTimeoutSeconds) * 1000
        let routes = Routes(
            webhookPath: configuration.webhookPath, secrets: secrets, intake: service.intake, jobs: service.jobs,
            health: service.health, maximumBody: configuration.httpMaximumBodyBytes)
        var tls: TLSConfiguration?
        if configuration.listen.contains(where: \.isTLS) {
            let pair = CertificatePair(configuration)
            guard pair.ensure(host: configuration.publicURL?.host ?? "127.0.0.1") else { return nil }
            tls = TLSConfiguration(
                certificateFile: pair.certificateFile, keyFile: pair.keyFile,
                ticketSecrets: secrets.map { Array($0.utf8) })
        }
        let server = HTTPServer(limits: limits, handler: routes, tls: tls)
        var addresses: [ListenAddress] = []
        for entry in configuration.listen {
            var address = ListenAddress(host: entry.host, port: entry.port, isTLS: entry.isTLS)
            address.isIPv6Only = configuration.listen.contains { $0.port == entry.port && !$0.host.contains(":") }
            do throws(HTTPServerError) { address.port = try server.listen(address) } catch {
                let isAddress =
                    switch error {
                    case .address, .bind: true
                    case .certificate, .key, .tls, .missingTLS: false
                    }
                Terminal.error("nezuko serve: \(error)\(isAddress ? " Set LISTEN to a free address." : "")")
                return nil
            }
            // With port 0 the system chose: whoever asks learns it here.
            Log.info("listening", .text(address.url))
            addresses.append(address)
        }
        main = server
        return addresses
    }

    private func beginDelivery(_ service: Service, _ addresses: [ListenAddress], _ secrets: [String]) async {
        if let simulation {
            await simulation.begin(service, addresses, secret: secrets[0], certificate: CertificatePair(configuration))
        } else if let publicURL = configuration.publicURL {
            service.watchWebhook(publicURL.text + configuration.webhookPath)
        } else {
            service.startPolling()
        }
    }

    private func printBanner(_ addresses: [ListenAddress]) {
        guard view != nil else { return }
        let mode =
            isSimulated
            ? "simulator (set BOT_TOKEN to go live)" : configuration.publicURL == nil ? "long polling" : "webhook"
        let database = files.file ?? "PostgreSQL"
        Terminal.print("nezuko \(Program.version)   \(mode)   database \(database)")
        for address in addresses where address.isTLS || addresses.count == 1 {
            Terminal.print("Webhook     \(address.url)\(configuration.webhookPath)")
        }
        if configuration.metricsEnabled {
            Terminal.print("Metrics     http://\(configuration.metricsHost):\(configuration.metricsPort)/metrics")
        }
        if isSimulated { Terminal.print("Next        BOT_TOKEN=123:abc ./scripts/run") }
        Terminal.print("")
    }

    // MARK: - Signals and end

    private func signalled(_ number: Int32) {
        guard number == SIGHUP else { return stopping.finish(.success(())) }
        if configuration.listen.contains(where: \.isTLS) {
            do throws(HTTPServerError) { try main?.reloadCertificate() } catch {
                Log.error("certificate_not_reloaded", .error(String(describing: error)))
            }
        }
        do throws(ConfigurationProblems) {
            guard let wanted = try Environment.logLevel() else { return }
            let level = level(wanted)
            guard level != Log.level else { return }
            Log.level = level
            Log.warning("log_level_changed", .name(wanted.rawValue))
        } catch {
            Log.error("log_level_not_changed", .error(error.description))
        }
    }

    private func stop(_ service: Service) async -> ExitCode {
        Log.info("stopping")
        service.health.shutdownBegan()
        simulation?.stop()
        let grace = Int64(configuration.shutdownGraceSeconds) * 1000
        let requestsEnd = Loop.shared.current().adding(milliseconds: grace / 2)
        let done = Completion<Void, Never>()
        // Whatever does not answer any more, as a database that is stalled, gets no longer than the whole grace.
        Loop.shared.schedule(afterMilliseconds: grace) { done.finish(.success(())) }
        Task { @IO in
            await main?.drain(graceMilliseconds: grace / 2)
            await service.stop(requestsUntil: requestsEnd)
            // Last, so that probes are told about the end until it is there.
            await metricsServer?.drain(graceMilliseconds: 100)
            done.finish(.success(()))
        }
        await done.wait()
        Log.info("stopped")
        return .ok
    }
}

extension ListenAddress {
    /// As a person would open it.
    var url: String {
        "\(isTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

extension LogLevel {
    /// The level of that name; `info` for others.
    fileprivate init(name: String) {
        self = ["debug": .debug, "warning": .warning, "error": .error][name] ?? .info
    }
}
