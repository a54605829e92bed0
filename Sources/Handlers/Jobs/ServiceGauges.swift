// What each replica reads from the database now and then: gauges of the whole service, and who is held.

import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Keeps the gauges of the service up to date until `stop`.
@IO
public final class ServiceGauges {
    private static let intervalMilliseconds: Int64 = 15_000
    private static let holdsOpen = Gauge("nezuko_holds_open", help: "People held now.")
    private static let activeGroups = Gauge("nezuko_active_groups", help: "Groups whose protection is on.")
    private static let users = Gauge("nezuko_users", help: "People who wrote to the bot in private.")
    private static weak var current: ServiceGauges?
    private static let dependencies = GaugeFamily(
        "nezuko_dependency_up", help: "1 when the last contact succeeded, else 0.", labels: ["dependency"]
    ) {
        [
            (["telegram"], current?.api.isAnswering == true ? 1 : 0),
            (["database"], DatabaseMetrics.isConnected ? 1 : 0),
        ]
    }

    private let store: any Store
    private let api: BotAPI
    private lazy var repeating = Repeating(everyMilliseconds: Self.intervalMilliseconds) { [weak self] in
        await self?.read()
    }

    /// Gauges over this store and this connection to Telegram.
    public init(store: any Store, api: BotAPI) {
        self.store = store
        self.api = api
    }

    /// Makes the series exist before the first scrape.
    public static func registerMetrics() { _ = (holdsOpen, activeGroups, users, dependencies) }

    /// Reads at once, then every 15 s.
    public func start() {
        Self.current = self
        repeating.start()
    }

    /// Ends; the gauges keep what was read last.
    public func stop() { repeating.stop() }

    private func read() async {
        do throws(StoreError) {
            try await store.refreshHeld()
            let counts = try await store.serviceCounts()
            Self.holdsOpen.set(Double(counts.holdsOpen))
            Self.activeGroups.set(Double(counts.activeGroups))
            Self.users.set(Double(counts.users))
            for (name, seconds) in counts.jobSuccesses { JobIntake.succeeded(name, atSeconds: seconds) }
        } catch {
            Log.debug("figures_not_read", .error("\(error)"))
        }
    }
}
