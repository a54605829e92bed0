// Mistakes at Telegram and on the way from there, made on purpose: each is found, and nothing else.

import Domain
import EventLoop
import HTTPServer
import Handlers
import TelegramBotAPI
import TestSupport
import Testing

@testable import Simulator

/// Says 200 to everything, as a page behind a proxy does.
@IO
private final class Yes: HTTPHandler {
    let status: Int
    init(status: Int = 200) { self.status = status }
    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict { .accept(bodyLimit: 1000) }
    func respond(to request: HTTPRequest, _ responder: HTTPResponder) { responder.send(.empty(status)) }
}

@Suite("Doctor: Telegram", .serialized) struct DoctorTelegramTests {
    /// What cannot be known without an answer of Telegram.
    private static let afterTelegram: [Int: DoctorOutcome] = [
        10: .unknown, 11: .unknown, 12: .unknown, 14: .unknown, 17: .unknown, 18: .unknown, 19: .unknown,
    ]

    @Test(.timeLimit(.minutes(1))) @IO
    func `8: the Bot API is not reached, and that is known soon`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        let unreachable = Self.afterTelegram.merging([6: .unknown, 8: .failure, 9: .unknown]) { $1 }
        scene.settings.telegramBaseURL = "http://127.0.0.1:1"
        try await scene.expect(unreachable, "Allow outgoing HTTPS to 127.0.0.1:1 (no connection")
        // Longer than a name's part may be: the resolver itself refuses it and asks no server, which might be silent.
        scene.settings.telegramBaseURL = "http://\(String(repeating: "a", count: 64)).invalid"
        try await scene.expect(unreachable, "DNS knows no such name")
        let silent = ScriptedServer { _, _ in .silence }
        scene.settings.telegramBaseURL = silent.url
        let began = ContinuousClock.now
        try await scene.expect(unreachable, "no answer in time")
        // It takes about three; a call by itself would wait for ten times as long.
        #expect(ContinuousClock.now - began < .seconds(15))
        silent.stop()
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `8: what answers is no Bot API, or is not well`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        let others = Self.afterTelegram.merging([9: .unknown]) { $1 }
        scene.world.simulator.failNext(.malformed, of: "getMe")
        try await scene.expect(others)
        scene.world.simulator.failNext(.tooManyRequests(retryAfter: 3), of: "getMe")
        try await scene.expect(others)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `9: a token that nobody has`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        scene.settings.token = "123456:THIS-TOKEN-HAS-BEEN-REVOKED-LONG-AGO"
        scene.settings.secrets = ["123456:THIS-TOKEN-HAS-BEEN-REVOKED-LONG-AGO"]
        try await scene.expect(
            Self.afterTelegram.merging([9: .failure]) { $1 }, "Get the token from BotFather: /mybots, API Token.")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `10: nobody may add the bot to groups`() async throws {
        let scene = try await DoctorScene(.sqlite)
        scene.world.simulator.setMayJoinGroups(false)
        try await scene.expect([10: .failure], "BotFather: /setjoingroups, Enable.")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `11: the webhook is another's, or nobody's, or stands in the way of polling`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        scene.changeKnownWebhook(url: "https://other.example/hook")
        try await scene.expect([11: .failure], "Another deployment uses this token", "https://other.example/hook")
        let delivery = scene.settings.delivery
        scene.settings.delivery = .polling
        try await scene.expect([11: .failure], "nezuko webhook delete")
        scene.settings.delivery = delivery
        scene.world.simulator.delivery.use(nil)
        try await scene.expect([11: .failure, 12: .unknown, 14: .unknown], "nezuko webhook set")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `12: kinds of updates that were not asked for`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        scene.world.simulator.delivery.queues.allow(Update.allowedKinds.filter { $0 != "chat_member" })
        try await scene.expect([12: .failure], "Not delivered: chat_member.", "Run: nezuko webhook set")
        scene.world.simulator.delivery.queues.allow([])
        try await scene.expect([12: .failure], "chat_member", "Run: nezuko webhook set")
        scene.world.simulator.delivery.queues.allow(Update.allowedKinds + ["poll"])
        try await scene.expect([:])
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `13: an address that Telegram does not call`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        let fix = "an A record with an address that the internet reaches, or correct PUBLIC_URL."
        for (addresses, words) in [
            (["192.168.1.5"], "not reachable"), (["::1", "2001:db8::7"], "IPv6 addresses only"), ([], "no address"),
            (["8.8.8.8", "10.0.0.1"], "not all"),
        ] {
            scene.settings.addresses = { _ in addresses }
            try await scene.expect([13: .failure], words, fix)
        }
        // Inside a network the name may lead elsewhere: Telegram tells where it delivers.
        scene.settings.addresses = { _ in ["192.168.1.5"] }
        scene.changeKnownWebhook(address: "8.8.4.4")
        try await scene.expect([:])
        scene.settings.addresses = { _ in ["8.8.8.8"] }
        scene.changeWebhook { $0.port = 444 }
        try await scene.expect([13: .failure], "not 444", "Use one of these ports in PUBLIC_URL")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `14: deliveries fail, or pile up`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        let simulator = scene.world.simulator
        let moved = DoctorScene.movedSeconds
        simulator.setWebhookError("Wrong response from the webhook: 502 Bad Gateway", secondsAgo: moved + 60)
        try await scene.expect(
            [14: .failure], "Telegram says \"Wrong response from the webhook: 502 Bad Gateway\"",
            "the proxy does not reach serve")
        simulator.setWebhookError("\u{1B}[2JPwned", secondsAgo: moved)
        let strange = try await scene.findings()
        #expect(strange[14]?.fix?.contains("\u{1B}") == false)
        simulator.setWebhookError("Connection timed out", secondsAgo: moved + 700)
        try await scene.expect([:])
        // A hundred people write, and the address that Telegram has leads nowhere.
        scene.changeKnownWebhook(url: "https://localhost:1/webhook")
        scene.changeWebhook { $0.url = "https://localhost:1/webhook" }
        for number in 1...100 {
            let person = simulator.addPerson("Person \(number)")
            simulator.place(person, in: scene.world.group)
            try simulator.personWrites(person, in: scene.world.group, "hello")
        }
        let found = try await scene.findings()
        #expect(found[14]?.why.contains("updates wait at Telegram") == true, "\(found)")
        await scene.end()
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (TestCertificates.Kind.leafOnly, DoctorOutcome.failure, "An intermediate certificate is missing", true),
            (.ending, .warning, "It ends in 4 days", false), (.otherName, .failure, "It is not for localhost", true),
            (.otherSelfSigned, .failure, "not the one that `webhook set` uploads", true),
        ])
    @IO
    func `15: a certificate that Telegram will not take`(
        kind: TestCertificates.Kind, outcome: DoctorOutcome, words: String, isRefused: Bool
    ) async throws {
        let scene = try await DoctorScene(.sqlite, certificate: kind)
        let fix = "Renew, or add the intermediate certificate; then: nezuko webhook set"
        try await scene.expect(isRefused ? [15: outcome, 16: .unknown] : [15: outcome], words, fix)
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `15: a certificate that Telegram was not given, or was given instead`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .selfSigned)
        scene.changeWebhook { $0.ownCertificate = try? TestCertificates.pem(.selfSigned) }
        try await scene.expect([15: .failure], "Telegram was not given it", "Run: nezuko webhook set")
        await scene.end()
        let other = try await DoctorScene(.sqlite, certificate: .whole)
        other.changeKnownWebhook(certificate: try TestCertificates.pem(.selfSigned))
        try await other.expect([15: .failure], "another one is shown", "Run: nezuko webhook set")
        await other.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `15 and 16: what is there speaks no TLS, or nothing is there`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        try await scene.listen(Yes(), nil)
        try await scene.expect([15: .failure, 16: .unknown], "speaks no TLS")
        scene.changeWebhook { $0.reachedAt = ("localhost", 1) }
        try await scene.expect([15: .unknown, 16: .failure], "does not answer", "Start serve")
        await scene.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `16: another secret, another server, a proxy that fails`() async throws {
        let scene = try await DoctorScene(.sqlite, certificate: .whole)
        scene.changeWebhook { $0.secret = "another-secret-than-the-servers" }
        try await scene.expect([16: .failure], "answers 401", "The proxy drops X-Telegram-Bot-Api-Secret-Token")
        try await scene.listen(Yes(), .whole)
        try await scene.expect([16: .failure], "answers 200 without the secret")
        try await scene.listen(Yes(status: 502), .whole)
        try await scene.expect([16: .failure], "answers 502", "correct the proxy's target")
        await scene.end()
    }
}
