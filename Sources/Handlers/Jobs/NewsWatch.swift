// What others change for the whole service: a pause of enforcement, and on SQLite anything that a command at a terminal
// changed, for which there are no messages.

import EventLoop
import Observability
import Storage

/// Looks for news again and again until `stop`.
@IO
public final class NewsWatch {
    private static let paused = GaugeFamily(
        "nezuko_enforcement_paused", help: "Whether the service is paused (1, 0), and how many groups are.",
        labels: ["scope"], values: [["service"], ["groups"]])
    /// A pause is to be known within a second.
    static let shortMilliseconds: Int64 = 500
    /// PostgreSQL tells at once; this is for a message that was missed.
    static let longMilliseconds: Int64 = 10_000
    private static let countEveryMilliseconds: Int64 = 15_000

    private let store: any Store
    private let caches: Caches
    private let intervalMilliseconds: Int64
    private var outsideChange: String?
    private var isFirst = true
    private var counted: Instant?
    private lazy var repeating = Repeating(everyMilliseconds: intervalMilliseconds) { [weak self] in await self?.look()
    }

    /// - Parameter tellsByMessage: whether other processes' changes come as messages: PostgreSQL.
    public init(store: any Store, caches: Caches, tellsByMessage: Bool) {
        self.store = store
        self.caches = caches
        intervalMilliseconds = tellsByMessage ? Self.longMilliseconds : Self.shortMilliseconds
    }

    /// Makes the series exist before the first scrape.
    static func registerMetrics() { _ = paused }

    /// Looks at once, then again and again.
    public func start() { repeating.start() }

    /// Ends; what was known last stays.
    public func stop() { repeating.stop() }

    /// Reads the news. With the database away what was known last goes on.
    public func look() async {
        do throws(StoreError) {
            let news = try await store.news()
            caches.pause.untilSeconds = news.pausedUntilSeconds
            if news.outsideChange != outsideChange {
                outsideChange = news.outsideChange
                if !isFirst { caches.told(nil) }
            }
            isFirst = false
            Self.paused.set(caches.pause.isOn ? 1 : 0, "service")
            let now = Loop.shared.current()
            if let counted, now.milliseconds(since: counted) < Self.countEveryMilliseconds { return }
            Self.paused.set(Double(try await store.pausedGroupCount()), "groups")
            counted = now
        } catch {
            Log.debug("news_not_read", .error("\(error)"))
        }
    }
}
