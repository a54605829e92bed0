// What Telegram's words about a failed delivery mean, and what to do. Pure.
//
// Source of the words: tdlib/telegram-bot-api `WebhookActor.cpp` ("Wrong response from the webhook", "Read timeout
// expired", addresses), tdlib/td `SslStream.cpp` ("SSL error {…}") and the system's words for sockets; as they are met:
// taimast/AiogramTemplate#2, irazasyed/telegram-bot-sdk#822, php-telegram-bot/core#609.

/// Meaning and step for one text of `last_error_message`.
struct DeliveryAdvice: Equatable {
    /// What happened, as a part of a sentence.
    let meaning: String
    /// What to do, as a sentence.
    let step: String

    init(_ meaning: String, _ step: String) {
        self.meaning = meaning
        self.step = step
    }

    /// The advice for a text; for an unknown one the advice to look.
    init(_ text: String) {
        let words = text.lowercased()
        if let status = Self.status(words) {
            self = Self.ofStatus(status)
        } else if let known = Self.known.first(where: { words.contains($0.part) }) {
            self = known.advice
        } else {
            self.init("a text that is not known here", "See 13, 15 and 16.")
        }
    }

    /// `wrong response from the webhook: 502 bad gateway` → 502
    private static func status(_ words: String) -> Int? {
        guard let prefix = words.firstRange(of: "wrong response from the webhook: ") else { return nil }
        return Int(words[prefix.upperBound...].prefix { $0.isNumber })
    }

    private static func ofStatus(_ status: Int) -> DeliveryAdvice {
        switch status {
        case 300..<400:
            DeliveryAdvice("the address redirects, and Telegram does not follow", "Set PUBLIC_URL to where it leads.")
        case 400: DeliveryAdvice("the body arrived broken", "Let the proxy pass bodies as they are.")
        case 401:
            DeliveryAdvice(
                "the secret did not arrive, or is another one",
                "Let the proxy pass X-Telegram-Bot-Api-Secret-Token, then run: nezuko webhook set")
        case 403:
            DeliveryAdvice(
                "a firewall or proxy turns Telegram away", "Let in 149.154.160.0/20 and 91.108.4.0/22 there.")
        case 404, 405:
            DeliveryAdvice("something else answers at that path", "Let the proxy pass WEBHOOK_PATH to serve.")
        case 413: DeliveryAdvice("the proxy takes no bodies of that size", "Allow 1 MiB in the proxy.")
        case 429: DeliveryAdvice("the proxy limits requests", "Take the limit off for WEBHOOK_PATH.")
        case 502, 504: DeliveryAdvice("the proxy does not reach serve", "Start serve, or correct the proxy's target.")
        case 503: DeliveryAdvice("serve is overloaded, ends, or has no database", "See 2, and the log of serve.")
        case 500..<600: DeliveryAdvice("what answers there fails", "See 16, and the log of serve.")
        default: DeliveryAdvice("what answers there is not serve", "Let the proxy pass WEBHOOK_PATH to serve.")
        }
    }

    /// Parts of the other texts; the first that fits counts, so special ones come before general ones.
    private static let known: [(part: String, advice: DeliveryAdvice)] = [
        (
            "read timeout expired",
            DeliveryAdvice("no answer came within 60 s", "See 2, and the log of serve; a proxy must not buffer.")
        ),
        (
            "connection timed out",
            DeliveryAdvice("nobody answers at that address", "Open the port of PUBLIC_URL in the firewall.")
        ),
        (
            "connection refused",
            DeliveryAdvice("nothing listens at that port", "Start serve or the proxy, on the port of PUBLIC_URL.")
        ),
        (
            "unreachable", DeliveryAdvice("there is no way to that address", "Correct the A record of PUBLIC_URL.")
        ),
        (
            "ipv6", DeliveryAdvice("the name has no IPv4 address", "Add an A record for the host of PUBLIC_URL.")
        ),
        (
            "reserved", DeliveryAdvice("the name leads to a private address", "Let its A record name a public one.")
        ),
        (
            "resolve host", DeliveryAdvice("DNS does not know the name", "Add an A record for the host of PUBLIC_URL.")
        ),
        (
            "wrong version number",
            DeliveryAdvice("that port speaks no TLS", "Listen with https there, or let a proxy end TLS.")
        ),
        (
            "certificate has expired", DeliveryAdvice("the certificate has ended", "Renew it; see 15.")
        ),
        (
            "certificate verify failed",
            DeliveryAdvice(
                "the certificate is not trusted",
                "Add the intermediate certificate, or run: nezuko webhook set for a self-signed one. See 15.")
        ),
        (
            "ssl error", DeliveryAdvice("the TLS handshake failed", "See 15; TLS 1.2 must be allowed.")
        ),
        (
            "connection reset",
            DeliveryAdvice("the connection was cut", "See 16; a proxy or firewall ends connections of Telegram.")
        ),
        (
            "connection closed",
            DeliveryAdvice("the connection was cut", "See 16; a proxy or firewall ends connections of Telegram.")
        ),
    ]
}
