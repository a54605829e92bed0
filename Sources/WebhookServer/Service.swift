// The wiring: which part is given which, in the order in which they start and stop.

import Configuration
import Domain
import EventLoop
import HTTPClient
import HTTPServer
import Handlers
import Observability
import Storage
import TelegramBotAPI

/// The running service without its listeners: what the webhook, polling, jobs and commands share.
@IO
final class Service {
    let configuration: Configuration
    let database: any Database
    let store: DatabaseStore
    let api: BotAPI
    let services: Services
    let intake: UpdateIntake
    let jobs: JobIntake
    let health: Health
    let log: LogWriter
    private let attempts = AttemptLog()
    private let client: HTTPClient
    private let ticks: UptimeTicks
    private let gauges: ServiceGauges
    private let news: NewsWatch
    private let purges: Purges
    private let polling: GetUpdatesPolling
    private var webhook: WebhookWatch?
    private var isPolling = false

    /// - Parameter token: the bot's token, or the simulator's.
    init(_ configuration: Configuration, database: any Database, token: String, baseURL: String) {
        self.configuration = configuration
        self.database = database
        let botID = Int64(token.prefix { $0 != ":" }) ?? 0
        store = DatabaseStore(database: database, botID: botID)
        log = LogWriter(
            store: store, batch: configuration.apiLogBatch,
            flushMilliseconds: Int64(configuration.apiLogFlushMilliseconds), queue: configuration.apiLogQueue)
        attempts.sink = log
        client = HTTPClient()
        api = BotAPI(
            baseURL: baseURL, token: token, client: client, observer: attempts,
            timeoutMilliseconds: Int64(configuration.telegramTimeoutSeconds) * 1000)
        let caches = Caches(
            positiveSeconds: Int64(configuration.cachePositiveTTLSeconds),
            jitterPercent: Int64(configuration.cacheJitterPercent))
        let news = NewsWatch(store: store, caches: caches, tellsByMessage: database.dialect == .postgreSQL)
        self.news = news
        services = Services(
            store: store, api: api, caches: caches, log: log, settings: Self.settings(configuration, botID: botID),
            budget: MessageBudget(
                global: MessageRate(configuration.rateGlobal), group: MessageRate(configuration.rateGroup),
                privateChat: MessageRate(configuration.ratePrivate)))
        let forgetting = Forgetting(store: store, log: log)
        database.onCacheMessage { message in
            caches.told(message)
            forgetting.told(message)
            // Some were missed: a pause may be among them.
            if message == nil { Task { @IO in await news.look() } }
        }

        let telegram = BotCommandTelegram(api)
        let sync = MemberSync(store: store, telegram: telegram, caches: caches, botID: UserID(botID))
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: caches, telegram: telegram, verifying: buttons,
            start: { [services] effects in
                guard effects.isEmpty else { return _ = services.workers.perform(effects) }
                services.workers.wake()
            },
            countSoon: { chats in Task { @IO in await sync.count(chats) } })
        intake = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
        let parts = JobParts(
            store: store, telegram: telegram, caches: caches, botID: UserID(botID),
            retentionDays: configuration.retentionDays)
        jobs = JobIntake(jobs: parts.jobs, store: store, token: configuration.jobsToken)
        ticks = UptimeTicks(store: store, version: Program.version, schemaVersion: Migrator.head)
        purges = Purges(services: services)
        gauges = ServiceGauges(store: store, api: api)
        health = Health(environment: configuration.environment.rawValue, database: database) { [store] in
            // A database that is away is what the caller wants to know; `nil` says so.
            try? await store.pending()
        }
        health.replicas = { [ticks] in ticks.replicas }
        health.isPaused = { caches.pause.isOn }
        health.telegram = { [api] in api.isAnswering }
        services.replicas = { [ticks] in max(1, ticks.replicas ?? 1) }
        polling = GetUpdatesPolling(api: api, intake: intake)
    }

    /// Learns whether enforcement is paused, before the first update comes.
    func learnNews() async { await news.look() }

    /// Starts what works in the background. The database's schema must fit.
    func start() {
        ticks.start()
        gauges.start()
        news.start()
        purges.start()
        services.workers.start()
        Task { @IO in await learnName() }
        let (sync, retention) = (JobName.memberSync.rawValue, JobName.retention.rawValue)
        jobs.schedule(sync, everySeconds: Int64(configuration.memberSyncIntervalSeconds))
        jobs.runSoonIfOlder(sync)
        if configuration.memberSyncIntervalSeconds > 0 {
            jobs.scheduleDaily(retention)
        } else {
            jobs.runSoonIfOlder(retention, thanSeconds: JobIntake.almostADaySeconds)
        }
    }

    /// Watches whether Telegram delivers to that address.
    func watchWebhook(_ url: String) {
        let watch = WebhookWatch(api: api, store: store, url: url)
        webhook = watch
        watch.start()
    }

    func startPolling() {
        isPolling = true
        polling.start()
    }

    /// Finishes what was accepted, writes the log, closes the database; the listeners are closed already.
    ///
    /// - Parameter end: until when accepted requests may take; effects that are then left are given back.
    func stop(requestsUntil end: Instant) async {
        let grace = Int64(configuration.shutdownGraceSeconds) * 1000
        func left() -> Int64 { max(0, end.milliseconds(since: Loop.shared.current())) }
        jobs.close()
        if isPolling { await polling.stop() }
        await intake.drain(graceMilliseconds: left())
        await services.workers.drain(graceMilliseconds: max(left(), grace / 8))
        await jobs.close(graceMilliseconds: grace / 16)
        gauges.stop()
        news.stop()
        purges.stop()
        webhook?.stop()
        // Calls without an answer end now: their attempts are rows too, so this comes before the last flush.
        client.close()
        await Loop.shared.sleep(milliseconds: 1)
        await log.shutdown(milliseconds: grace * 3 / 8)
        await ticks.stop()
        await database.close()
    }

    /// Asks for the bot's name until Telegram answers: a start during an outage of Telegram comes up.
    private func learnName() async {
        var wait: Int64 = 500
        while services.settings.botUsername.isEmpty {
            do throws(BotAPIError) {
                let me = try await api.getMe()
                services.settings.botUsername = me.username ?? ""
                Log.info("bot_known", .name(services.settings.botUsername))
                return
            } catch {
                Log.warning("bot_unknown", .error(error.errorClass.rawValue))
            }
            await Loop.shared.sleep(milliseconds: wait)
            wait = min(wait * 2, 60_000)
        }
    }

    private static func settings(_ configuration: Configuration, botID: Int64) -> HandlerSettings {
        var settings = HandlerSettings(botID: UserID(botID), adminIDs: configuration.adminIDs.map { UserID($0) })
        settings.webhookPath = configuration.webhookPath
        settings.publicURL = configuration.publicURL?.text
        settings.positiveSeconds = Int64(configuration.cachePositiveTTLSeconds)
        settings.waitsForEffects = configuration.apiLogSyncFlush
        settings.retentionDays = configuration.retentionDays
        settings.maximumInFlight = configuration.maximumInflightUpdates
        return settings
    }
}

extension MessageRate {
    fileprivate init(_ rate: Rate) { self.init(rate.count, perMilliseconds: Int64(rate.perSeconds) * 1000) }
}
