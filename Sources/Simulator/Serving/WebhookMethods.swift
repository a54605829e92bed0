// setWebhook, deleteWebhook, getWebhookInfo and getUpdates: the methods about the delivery itself.

import EventLoop
import HTTPServer
import JSON

/// A poller that waits for updates.
@IO
private final class Poller {
    let answer: (Reply) -> Void
    let limit: Int
    var timer: LoopTimer?

    init(limit: Int, answer: @escaping @IO (Reply) -> Void) {
        self.limit = limit
        self.answer = answer
    }
}

/// Answers the methods about the delivery.
@IO
final class WebhookMethods {
    static let names: Set<String> = ["setwebhook", "deletewebhook", "getwebhookinfo", "getupdates"]

    private let delivery: Delivery
    private var poller: Poller?
    private var lastSet: Instant?

    init(delivery: Delivery) { self.delivery = delivery }

    /// Whether a poller waits for updates.
    var isPolled: Bool { poller != nil }

    /// Performs the call; `getUpdates` answers when there is something, or at its time limit.
    func perform(_ method: String, _ parameters: Parameters, answer: @escaping @IO (Reply) -> Void) {
        do throws(MethodError) {
            switch method {
            case "setwebhook": answer(Reply(outcome: .result(try set(parameters))))
            case "deletewebhook": answer(Reply(outcome: .result(delete(parameters))))
            case "getwebhookinfo": answer(Reply(outcome: .result(info())))
            default: try poll(parameters, answer: answer)
            }
        } catch {
            answer(Reply(outcome: .failure(error)))
        }
    }

    /// New updates are there: a waiting poller gets them.
    func updatesArrived() {
        guard let waiting = poller, delivery.pendingCount > 0 else { return }
        poller = nil
        waiting.timer?.cancel()
        waiting.answer(updates(limit: waiting.limit))
    }

    // MARK: - The webhook

    private func set(_ parameters: Parameters) throws(MethodError) -> JSONValue {
        let url = parameters.string("url") ?? ""
        guard !url.isEmpty else { return delete(parameters) }
        guard url.hasPrefix("https://") || Self.isLoopback(url) else {
            throw .badRequest("bad webhook: An HTTPS URL must be provided for webhook")
        }
        let secret = parameters.string("secret_token")
        if let secret, !secret.isEmpty {
            guard secret.utf8.count <= 256 else { throw .badRequest("secret token is too long") }
            let isFine = secret.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x5F || byte == 0x2D
            }
            guard isFine else { throw .badRequest("secret token contains unallowed characters") }
        }
        let now = Loop.shared.current()
        var settings = WebhookSettings(url: url)
        settings.secret = secret?.isEmpty == false ? secret : nil
        settings.maximumConnections = Int(min(max(parameters.int("max_connections") ?? 40, 1), 100))
        settings.certificate = parameters.files["certificate"]?.bytes
        settings.ipAddress = parameters.string("ip_address")
        let drops = parameters.bool("drop_pending_updates")
        let kinds = try parameters.document("allowed_updates")?.array?.compactMap(\.string)
        var isSame = settings == delivery.webhook && !drops && settings.certificate == nil
        if let kinds {
            var wanted = UpdateQueues(firstID: 0)
            wanted.allow(kinds)
            isSame = isSame && wanted.allowed == delivery.queues.allowed
        }
        if isSame { return .bool(true) }
        if let lastSet, now.milliseconds(since: lastSet) < 1000 { throw .tooMany(1) }
        lastSet = now
        if let kinds { delivery.queues.allow(kinds) }
        if drops { delivery.queues.clear() }
        endPoller("terminated by setWebhook request")
        delivery.use(settings)
        return .bool(true)
    }

    private func delete(_ parameters: Parameters) -> JSONValue {
        if parameters.bool("drop_pending_updates") { delivery.queues.clear() }
        delivery.use(nil)
        return .bool(true)
    }

    private func info() -> JSONValue {
        var fields = Fields()
        fields.add("url", delivery.webhook?.url ?? "")
        fields.add("has_custom_certificate", .bool(delivery.webhook?.certificate != nil))
        fields.add("pending_update_count", Int64(delivery.pendingCount))
        if let webhook = delivery.webhook {
            fields.add("max_connections", Int64(webhook.maximumConnections))
            fields.add("ip_address", webhook.ipAddress ?? "127.0.0.1")
        }
        fields.add("last_error_date", delivery.lastError?.seconds)
        fields.add("last_error_message", delivery.lastError?.text)
        fields.add("allowed_updates", delivery.queues.allowed.map { .array($0.map { .string($0) }) })
        return fields.object
    }

    /// Plain HTTP only to this machine (docs/simulator.md): the real service wants HTTPS everywhere.
    private static func isLoopback(_ url: String) -> Bool {
        ["http://127.", "http://localhost", "http://[::1]"].contains { url.hasPrefix($0) }
    }

    // MARK: - Polling

    private func poll(_ parameters: Parameters, answer: @escaping @IO (Reply) -> Void) throws(MethodError) {
        guard delivery.webhook == nil else {
            throw .conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
        }
        endPoller("terminated by other getUpdates request; make sure that only one bot instance is running")
        if let kinds = try parameters.document("allowed_updates")?.array?.compactMap(\.string) {
            delivery.queues.allow(kinds)
        }
        if let offset = parameters.int("offset"), offset != 0 { delivery.queues.confirm(offset: offset) }
        let limit = Int(min(max(parameters.int("limit") ?? 100, 1), 100))
        let timeout = min(max(parameters.int("timeout") ?? 0, 0), 50)
        guard timeout > 0, delivery.pendingCount == 0 else {
            answer(updates(limit: limit))
            return
        }
        let waiting = Poller(limit: limit, answer: answer)
        waiting.timer = Loop.shared.schedule(afterMilliseconds: timeout * 1000) { [weak self, weak waiting] in
            guard let self, let waiting, self.poller === waiting else { return }
            self.poller = nil
            waiting.answer(self.updates(limit: limit))
        }
        poller = waiting
    }

    private func updates(limit: Int) -> Reply {
        let waiting = delivery.queues.list(limit: limit, now: WallClock.now.seconds)
        var values: [JSONValue] = []
        for update in waiting {
            do throws(JSONError) {
                values.append(try JSONValue(parsing: update.body))
            } catch {
                preconditionFailure("an update of our own is not JSON")
            }
        }
        return Reply(outcome: .result(.array(values)))
    }

    private func endPoller(_ text: String) {
        guard let ended = poller else { return }
        poller = nil
        ended.timer?.cancel()
        ended.answer(Reply(outcome: .failure(.conflict(text))))
    }
}
