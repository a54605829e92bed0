// Sends updates to the webhook as Telegram does (docs/simulator.md, facts W1–W21). What waits is kept by UpdateQueues.

import EventLoop
import HTTPClient
import JSON

/// Where and how updates are sent.
struct WebhookSettings: Equatable {
    var url: String
    var secret: String?
    var maximumConnections = 40
    var certificate: [UInt8]?
    var ipAddress: String?
}

/// Sends what waits to the webhook, one in flight a queue, and repeats what fails.
@IO
final class Delivery {
    /// The bot's answer must come within this time (W8).
    static let answerLimitMilliseconds: Int64 = 60_000
    /// Who answers 410 for so long has no webhook any more (W14).
    static let goneLimitMilliseconds: Int64 = 23 * 3_600_000

    private(set) var webhook: WebhookSettings?
    var queues: UpdateQueues
    /// Performs a method call that came in the body of an answer (W20).
    var onMethodInAnswer: (_ contentType: String?, _ body: [UInt8]) -> Void = { _, _ in }
    private(set) var deliveredCount = 0
    private(set) var failedCount = 0
    private(set) var lastError: (seconds: Int64, text: String)?
    private var client: HTTPClient?
    private var random: SplitMix64
    /// Grows with each change of the webhook: answers to earlier deliveries then change nothing.
    private var generation = 0
    private var inFlight = 0
    private var ramp = ConnectionRamp(now: Loop.shared.current())
    /// Since when every answer was 410.
    private var goneSince: Instant?
    private var pauses: [LoopTimer] = []
    private var slowTimer: LoopTimer?
    private var isPumping = false

    init(seed: UInt64, firstID: Int64) {
        random = SplitMix64(seed: seed ^ 0xDE11_7E57)
        queues = UpdateQueues(firstID: firstID)
    }

    /// How many updates wait or are on their way.
    var pendingCount: Int { queues.count }

    /// How many updates are on their way to the webhook.
    var inFlightCount: Int { inFlight }

    /// Sends to another address from now on, or nowhere.
    func use(_ settings: WebhookSettings?) {
        guard settings != webhook else { return }
        generation += 1
        inFlight = 0
        for pause in pauses { pause.cancel() }
        pauses = []
        if settings?.certificate != webhook?.certificate || client == nil {
            client?.close()
            client = settings.map { HTTPClient(options: Self.options($0)) }
        }
        webhook = settings
        lastError = nil
        goneSince = nil
        ramp = ConnectionRamp(now: Loop.shared.current())
        // At most twice as many updates are looked at as there may be connections (W16).
        queues.load(upTo: settings.map { 2 * $0.maximumConnections })
        pump()
    }

    /// Sends nothing any more.
    func stop() {
        generation += 1
        webhook = nil
        client?.close()
        client = nil
        for pause in pauses { pause.cancel() }
        slowTimer?.cancel()
    }

    /// Starts as many deliveries as may be on their way.
    func pump() {
        guard let webhook, let client, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while inFlight < webhook.maximumConnections {
            let now = Loop.shared.current()
            let needsConnection = ramp.open <= inFlight
            if needsConnection, case let wait = ramp.wait(at: now), wait > 0 {
                guard queues.hasReady, slowTimer?.isPending != true else { return }
                slowTimer = Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in self?.pump() }
                return
            }
            guard let update = queues.takeReady(now: WallClock.now.seconds) else { return }
            if needsConnection { ramp.opened(at: now) }
            inFlight += 1
            let generation = generation
            Task { @IO in
                let result = await self.send(update, to: webhook, with: client)
                guard generation == self.generation else { return }
                self.inFlight -= 1
                self.conclude(update, result)
                self.pump()
            }
        }
    }

    private func send(
        _ update: WaitingUpdate, to webhook: WebhookSettings, with client: HTTPClient
    ) async -> Result<HTTPClientResponse, HTTPClientError> {
        var request = HTTPClientRequest(
            method: "POST", url: webhook.url, body: update.body, timeoutMilliseconds: Self.answerLimitMilliseconds)
        request.headers = [("Content-Type", "application/json"), ("Accept-Encoding", "gzip, deflate")]
        if let secret = webhook.secret { request.headers.append(("X-Telegram-Bot-Api-Secret-Token", secret)) }
        do throws(HTTPClientError) {
            return .success(try await client.send(request))
        } catch {
            return .failure(error)
        }
    }

    private func conclude(_ update: WaitingUpdate, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        switch result {
        case .success(let response):
            if response.header("connection")?.lowercased() == "close" { ramp.closed() }
            guard (200..<300).contains(response.status) else {
                let wait = response.header("retry-after").flatMap { Int64($0) }.map { min(max($0, 0), 3600) * 1000 }
                failed(update, "Wrong response from the webhook: \(response.status)", retryAfterMilliseconds: wait)
                if response.status == 410 { gone() } else { goneSince = nil }
                return
            }
            deliveredCount += 1
            goneSince = nil
            ramp.succeeded(at: Loop.shared.current())
            queues.finished(update)
            if !response.body.isEmpty { onMethodInAnswer(response.header("content-type"), response.body) }
        case .failure(let error):
            ramp.closed()
            failed(update, Self.words(error), retryAfterMilliseconds: nil)
        }
    }

    /// One more 410: after 23 h of them the webhook is deleted.
    private func gone() {
        let now = Loop.shared.current()
        let since = goneSince ?? now
        goneSince = since
        if now.milliseconds(since: since) >= Self.goneLimitMilliseconds { use(nil) }
    }

    private func failed(_ update: WaitingUpdate, _ text: String, retryAfterMilliseconds: Int64?) {
        failedCount += 1
        lastError = (WallClock.now.seconds, text)
        let failures = queues.failed(update)
        let wait = retryAfterMilliseconds ?? Self.pause(afterFailures: failures, cap: 60 + Int64(random.below(61)))
        pauses.removeAll { !$0.isPending }
        pauses.append(
            Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in
                self?.queues.release(update.queue)
                self?.pump()
            })
    }

    /// How long a queue rests after that many failures in a row (W11).
    nonisolated static func pause(afterFailures failures: Int, cap seconds: Int64) -> Int64 {
        guard failures > 1 else { return 0 }
        let doubled = Int64(2) << Int64(min(failures - 2, 10))
        return min(doubled, seconds) * 1000
    }

    /// Remembers a failure that no delivery had.
    func noteError(_ text: String, atSeconds seconds: Int64) { lastError = (seconds, text) }

    private static func words(_ error: HTTPClientError) -> String {
        switch error {
        case .resolve: "Failed to resolve host: Name or service not known"
        case .connect: "Connection refused"
        case .tls: "SSL error {error:0A000086:SSL routines::certificate verify failed}"
        case .timedOut: "Read timeout expired"
        case .cut, .tooLarge: "Connection closed unexpectedly"
        case .cancelled, .outOfMemory, .refused: "Connection failed"
        }
    }

    private static func options(_ settings: WebhookSettings) -> HTTPClientOptions {
        var options = HTTPClientOptions()
        options.maximumConnectionsPerHost = settings.maximumConnections
        options.trustedCertificate = settings.certificate
        options.offersHTTP2 = false
        return options
    }
}
