// How Telegram delivers, as Telegram sees it: looked at by one replica a minute. Another deployment with the same token
// takes the webhook away without a word; this is where it shows.

import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Looks at the webhook again and again until `stop`.
@IO
public final class WebhookWatch {
    /// What was found of the webhook.
    enum Finding: String {
        /// It delivers here, all kinds of updates that the gate needs.
        case ours
        /// It delivers elsewhere, or nowhere.
        case address
        /// It delivers here, and not all that the gate decides upon.
        case kinds
    }

    private static let pending = Gauge(
        "nezuko_webhook_pending_updates", help: "Updates that wait at Telegram; 0 on replicas that do not ask.")
    private static let lastError = Gauge(
        "nezuko_webhook_last_error_timestamp_seconds", help: "When a delivery failed last, as Telegram says; 0: never.")
    private static let intervalMilliseconds: Int64 = 60_000
    private static let lease = "job:alerts"

    private let api: BotAPI
    private let store: any ServiceStore
    private let url: String
    private lazy var repeating = Repeating(everyMilliseconds: Self.intervalMilliseconds) { [weak self] in
        await self?.look()
    }
    private var last = Finding.ours
    private var lastErrorSeconds: Int64?

    /// - Parameter url: where this deployment is delivered to.
    public init(api: BotAPI, store: any ServiceStore, url: String) {
        self.api = api
        self.store = store
        self.url = url
    }

    /// Makes the series exist before the first scrape.
    static func registerMetrics() { _ = (pending, lastError) }

    /// Looks at once, then every minute.
    public func start() { repeating.start() }

    /// Ends; another replica goes on when the lease has run out.
    public func stop() { repeating.stop() }

    /// One look, if this replica is the one that looks.
    @discardableResult
    func look() async -> Finding? {
        do throws(StoreError) {
            guard case .taken = try await store.takeJobLease(Self.lease) else {
                Self.pending.set(0)
                Self.lastError.set(0)
                return nil
            }
        } catch {
            return nil  // with the database away nothing can be handled anyway
        }
        let info: WebhookInfo
        do throws(BotAPIError) { info = try await api.getWebhookInfo() } catch {
            Log.debug("webhook_unknown", .error(error.errorClass.rawValue))
            return nil
        }
        Self.pending.set(Double(info.pendingUpdates))
        Self.lastError.set(Double(info.lastErrorDate ?? 0))
        noteError(info)
        let found = finding(info)
        if found != last {
            // The address of others stays unsaid: it may hold a secret of theirs.
            if found == .ours {
                Log.info("webhook_ours_again")
            } else {
                Log.error(
                    "webhook_changed", .name(found.rawValue),
                    .text("stop the other deployment that uses this token, then run: nezuko webhook set"))
            }
        }
        last = found
        return found
    }

    private func finding(_ info: WebhookInfo) -> Finding {
        guard info.url == url else { return .address }
        return Set(Update.gateKinds).isSubset(of: info.allowedUpdates) ? .ours : .kinds
    }

    /// Each failed delivery once; the first look after a start is about the past.
    private func noteError(_ info: WebhookInfo) {
        if let known = lastErrorSeconds, let date = info.lastErrorDate, date > known {
            Log.warning("webhook_delivery_failed", .error(info.lastErrorMessage ?? ""))
        }
        lastErrorSeconds = info.lastErrorDate ?? 0
    }
}
