// The way from Telegram to us: name, port, certificate, and a delivery of our own along it.

import EventLoop
import HTTPClient
import TelegramBotAPI

extension DoctorCheck {
    /// Telegram calls these alone (bots/api#setwebhook).
    private static let ports = [443, 80, 88, 8443]

    static let publicURL = DoctorCheck(13, "PUBLIC_URL") { (visit) throws(DoctorFinding) in
        let webhook = try visit.webhook()
        guard ports.contains(webhook.port) else {
            return .failure(
                "Telegram calls the ports 443, 80, 88 and 8443, not \(webhook.port).",
                fix: "Use one of these ports in PUBLIC_URL, and let it lead to LISTEN.")
        }
        let fix = "Give \(webhook.host) an A record with an address that the internet reaches, or correct PUBLIC_URL."
        let addresses = await visit.settings.addresses(webhook.host)
        let kinds = addresses.map { PublicAddress.kind(of: $0) }
        if let index = kinds.firstIndex(of: .publicIPv4), !kinds.contains(.reservedIPv4) {
            return .ok("\(webhook.host) is \(addresses[index]), port \(webhook.port).")
        }
        // Inside a network the name may lead elsewhere than outside, and Telegram's word counts more.
        if kinds.contains(.reservedIPv4), let seen = await addressSeenByTelegram(visit, webhook) {
            return .ok("\(webhook.host) is \(seen) for Telegram, port \(webhook.port).")
        }
        if addresses.isEmpty { return .failure("\(webhook.host) has no address in DNS.", fix: fix) }
        if !kinds.contains(.reservedIPv4) {
            return .failure("\(webhook.host) has IPv6 addresses only; Telegram uses IPv4.", fix: fix)
        }
        let isPartly = kinds.contains(.publicIPv4)
        let list = addresses.prefix(3).joined(separator: ", ")
        return .failure(
            "\(webhook.host) leads to \(list): \(isPartly ? "not all are" : "not") reachable from the internet.",
            fix: fix)
    }

    private static func addressSeenByTelegram(_ visit: DoctorVisit, _ webhook: DoctorWebhook) async -> String? {
        do throws(DoctorFinding) {
            let known = try await visit.knownWebhook()
            guard known.url == webhook.url, let address = known.address else { return nil }
            return PublicAddress.kind(of: address) == .publicIPv4 ? address : nil
        } catch {
            return nil
        }
    }

    static let certificate = DoctorCheck(15, "certificate") { (visit) throws(DoctorFinding) in
        let webhook = try visit.webhook()
        switch await visit.certificate() {
        case .none: throw .notApplicable("Without PUBLIC_URL the bot polls.")
        case .failed(.resolve): return .unknown("\(webhook.host) has no address here: see 13.")
        case .failed(.connect): return .unknown("There is no connection to \(webhook.url): see 16.")
        case .failed(.library): return .unknown("OpenSSL refused to begin.")
        case .failed(.handshake):
            return .failure(
                "What answers at port \(webhook.port) of \(webhook.host) speaks no TLS.",
                fix: "Listen with https there, or let a proxy end TLS; then: nezuko webhook set")
        case .shown(let certificate):
            return finding(certificate, webhook, await hasUploaded(visit), visit.settings.clock())
        }
    }

    /// Whether Telegram was given a certificate; `nil`: not known.
    private static func hasUploaded(_ visit: DoctorVisit) async -> Bool? {
        do throws(DoctorFinding) { return try await visit.knownWebhook().hasCustomCertificate } catch { return nil }
    }

    private static func finding(
        _ certificate: ServedCertificate, _ webhook: DoctorWebhook, _ hasUploaded: Bool?, _ now: Timestamp
    ) -> DoctorFinding {
        let fix = "Renew, or add the intermediate certificate; then: nezuko webhook set"
        let set = "Run: nezuko webhook set"
        let days = (certificate.end.seconds - now.seconds) / 86_400
        let isOwn = webhook.ownCertificate.map { ServedCertificate.fingerprint(pem: $0) == certificate.fingerprint }
        var findings: [DoctorFinding] = []
        switch certificate.chain {
        case .whole:
            if hasUploaded == true {
                findings.append(.failure("Telegram trusts one that was uploaded, and another one is shown.", fix: set))
            }
        case .selfSigned:
            if isOwn != true {
                findings.append(.failure("It is self-signed, and not the one that `webhook set` uploads.", fix: fix))
            } else if hasUploaded == false {
                findings.append(.failure("It is self-signed, and Telegram was not given it.", fix: set))
            }
        case .incomplete:
            findings.append(.failure("An intermediate certificate is missing, or its root is unknown.", fix: fix))
        case .refused(let words): findings.append(.failure("It is refused: \(words).", fix: fix))
        }
        if !certificate.fitsName { findings.append(.failure("It is not for \(webhook.host).", fix: fix)) }
        if certificate.end <= now {
            findings.append(.failure("It has ended.", fix: fix))
        } else if days <= 14 {
            findings.append(.warning("It ends in \(days) days.", fix: fix))
        }
        return .all(findings, ifNone: .ok("It is for \(webhook.host), trusted, and good for \(days) days."))
    }

    static let ownDelivery = DoctorCheck(16, "delivery of our own") { (visit) throws(DoctorFinding) in
        let webhook = try visit.webhook()
        var trusted = webhook.trustedRoots
        if case .shown(let certificate) = await visit.certificate(), certificate.chain == .selfSigned,
            let own = webhook.ownCertificate, ServedCertificate.fingerprint(pem: own) == certificate.fingerprint
        {
            trusted = own
        }
        let (with, without) = await OwnDelivery.make(to: webhook, trusting: trusted)
        switch with {
        case .failure(.tls): return .unknown("The certificate is not trusted, so the secret was not sent: see 15.")
        case .failure(.resolve): return .unknown("\(webhook.host) has no address here: see 13.")
        case .failure(let error):
            return .failure(
                "\(webhook.url) does not answer: \(error).",
                fix: "Start serve, and let the port of PUBLIC_URL lead to it.")
        case .success(200): break
        case .success(401):
            return .failure(
                "\(webhook.url) answers 401 to our secret.",
                fix: "The proxy drops X-Telegram-Bot-Api-Secret-Token, or another secret is set: nezuko webhook set")
        case .success(let status):
            let advice = DeliveryAdvice("Wrong response from the webhook: \(status)")
            return .failure("\(webhook.url) answers \(status): \(advice.meaning).", fix: advice.step)
        }
        switch without {
        case .success(401): return .ok("\(webhook.url) answers 200 with the secret and 401 without.")
        case .success(let status):
            return .failure(
                "\(webhook.url) answers \(status) without the secret: what is there does not look at it.",
                fix: "Let the proxy pass WEBHOOK_PATH to serve, and nothing else answer there.")
        case .failure(let error): return .unknown("With the secret it answers 200; without, nothing came: \(error).")
        }
    }
}

/// The certificate that the webhook's address shows.
enum ShownCertificate: Sendable {
    case shown(ServedCertificate)
    case failed(ServedCertificate.Failure)
    /// There is no webhook.
    case none

    @IO
    static func look(_ delivery: DoctorDelivery) async -> ShownCertificate {
        guard case .webhook(let webhook) = delivery else { return .none }
        let target = webhook.reachedAt ?? (webhook.host, webhook.port)
        do throws(ServedCertificate.Failure) {
            return .shown(
                try await ServedCertificate.shown(
                    by: target.host, port: target.port, trusting: webhook.trustedRoots,
                    milliseconds: DoctorVisit.answerMilliseconds / 2))
        } catch {
            return .failed(error)
        }
    }
}

/// An update that Telegram never sends, brought as Telegram would.
@IO
private enum OwnDelivery {
    /// Of a kind that leads to nothing: it is answered from memory, nothing is stored, nobody is told. Telegram's ids
    /// begin at 1 (bots/api#update), so that none of its updates can be taken for a repeat of this one.
    private static let body = Array(#"{"update_id":0}"#.utf8)

    /// The statuses with our secret and without any.
    static func make(
        to webhook: DoctorWebhook, trusting roots: [UInt8]?
    ) async -> (Result<Int, HTTPClientError>, Result<Int, HTTPClientError>) {
        var options = HTTPClientOptions()
        options.trustedCertificate = roots
        let client = HTTPClient(options: options)
        let name = "X-Telegram-Bot-Api-Secret-Token"
        let other = Task { @IO in await post(webhook, [], client) }
        let with = await post(webhook, [(name, webhook.secret)], client)
        let without = await other.value
        client.close()
        return (with, without)
    }

    private static func post(
        _ webhook: DoctorWebhook, _ headers: [(String, String)], _ client: HTTPClient
    ) async -> Result<Int, HTTPClientError> {
        var url = webhook.url
        if let target = webhook.reachedAt, let path = webhook.path {
            url = "https://\(target.host):\(target.port)\(path)"
        }
        let request = HTTPClientRequest(
            method: "POST", url: url, headers: [("Content-Type", "application/json")] + headers, body: body,
            timeoutMilliseconds: DoctorVisit.answerMilliseconds / 2 + 500)
        do throws(HTTPClientError) { return .success(try await client.send(request).status) } catch {
            return .failure(error)
        }
    }
}

extension DoctorWebhook {
    /// What follows the host.
    fileprivate var path: Substring? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        return url[scheme.upperBound...].firstIndex(of: "/").map { url[$0...] }
    }
}
