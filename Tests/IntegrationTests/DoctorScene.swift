// A sound deployment for the doctor, in which tests then break one thing.

import Domain
import EventLoop
import Foundation
import HTTPServer
import Handlers
import Storage
import TelegramBotAPI
import TestSupport
import Testing

@testable import Simulator
@testable import WebhookServer

/// A world whose group is protected, whose owner can be told, whose webhook is reached over TLS.
@IO
final class DoctorScene {
    static let secret = "the-secret-of-the-doctors-tests"

    let world: TestWorld
    var settings: DoctorSettings
    private var server: HTTPServer?
    private let health: Health

    /// - Parameter certificate: what the webhook's server shows; `nil`: the bot polls.
    init(_ engine: Engine, certificate: TestCertificates.Kind? = nil) async throws {
        world = try await TestWorld(engine)
        let folder = try TestFolder.make()
        settings = DoctorSettings(
            databaseURL: world.url, stateDirectory: folder, telegramBaseURL: "http://127.0.0.1:\(world.port)",
            token: world.simulator.options.token, delivery: .polling)
        // Other suites move this process's clock, and the databases' servers do not follow.
        settings.clock = { Self.now }
        settings.freePercent = { _ in 50 }
        settings.adminIDs = [UserID(world.owner)]
        settings.jobs = [DoctorJob(name: "member-sync", intervalSeconds: 900, canBeStarted: true)]
        settings.secrets = [world.simulator.options.token, Self.secret]
        health = Health(environment: "development", database: world.database) { nil }
        world.simulator.setDateAhead(seconds: -Self.movedSeconds)
        try await protect()
        try await world.store.setCanMessage(true, user: UserID(world.owner), username: "anna", language: "en")
        if let certificate { try await listen(certificate) }
    }

    /// The clock of this machine.
    nonisolated static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// How far other suites moved this process's clock.
    static var movedSeconds: Int64 { WallClock.now.seconds - now.seconds }

    func end() async {
        await server?.drain(graceMilliseconds: 200)
        await world.end()
    }

    // MARK: - What tests ask for

    /// All that is neither well nor left out, by number.
    func findings() async throws -> [Int: DoctorFinding] {
        let results = await Doctor(settings: settings).examine()
        #expect(results.map(\.number) == Array(1...20))
        let text = DoctorReport.text(results, isColored: false) + DoctorReport.json(results)
        for secret in settings.secrets { #expect(!text.contains(secret)) }
        let bad = results.filter { ![.ok, .notApplicable].contains($0.finding.outcome) }
        return Dictionary(uniqueKeysWithValues: bad.map { ($0.number, $0.finding) })
    }

    /// Exactly these are found, and what to do about the worst of them has those words.
    func expect(
        _ outcomes: [Int: DoctorOutcome], _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await findings()
        #expect(found.mapValues(\.outcome) == outcomes, "\(found)", sourceLocation: sourceLocation)
        let bad = found.values.filter { [.failure, .warning].contains($0.outcome) }
        for finding in bad { #expect(finding.fix?.isEmpty == false, sourceLocation: sourceLocation) }
        let said = bad.map { "\($0.why) \($0.fix ?? "")" }.joined(separator: " ")
        for word in words { #expect(said.contains(word), "\(word) in: \(said)", sourceLocation: sourceLocation) }
    }

    /// Changes the webhook that the doctor goes by.
    func changeWebhook(_ change: (inout DoctorWebhook) -> Void) {
        guard case .webhook(var webhook) = settings.delivery else { return }
        change(&webhook)
        settings.delivery = .webhook(webhook)
    }

    /// Changes the webhook as Telegram has it.
    func changeKnownWebhook(url: String? = nil, certificate: [UInt8]? = nil, address: String? = nil) {
        guard var known = world.simulator.delivery.webhook else { return }
        if let url { known.url = url }
        if let certificate { known.certificate = certificate }
        if let address { known.ipAddress = address }
        world.simulator.delivery.use(known)
    }

    // MARK: - Parts

    func protect() async throws {
        try await world.store.protect(
            Protection(
                group: ChatID(world.group), title: "Talk", owner: UserID(world.owner), ownerUsername: "anna",
                replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")]))
    }

    private func listen(_ certificate: TestCertificates.Kind) async throws {
        let routes = Routes(
            webhookPath: "/webhook", secrets: [Self.secret], intake: Door(world).intake,
            jobs: JobIntake(jobs: [], store: world.store, token: nil), health: health, maximumBody: 1 << 20)
        try await listen(routes, certificate)
        // Telegram's own deliveries have nowhere to go in these tests, and there are none.
        try await world.services.api.setWebhook(
            TelegramBotAPI.WebhookSettings(url: "https://localhost:8443/webhook", secret: Self.secret))
    }

    /// Lets another server stand behind the webhook's address.
    func listen(_ handler: any HTTPHandler, _ certificate: TestCertificates.Kind?) async throws {
        await server?.drain(graceMilliseconds: 200)
        let server = HTTPServer(handler: handler, tls: try certificate.map { try TestCertificates.pair($0) })
        self.server = server
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: certificate != nil))
        var webhook = DoctorWebhook(
            host: "localhost", port: 8443, url: "https://localhost:8443/webhook", secret: Self.secret)
        webhook.reachedAt = ("localhost", port)
        webhook.trustedRoots = try TestCertificates.root()
        settings.delivery = .webhook(webhook)
        settings.addresses = { _ in ["8.8.8.8"] }
    }
}
