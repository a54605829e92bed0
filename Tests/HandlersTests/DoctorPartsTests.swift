// Pure parts of the doctor: Telegram's words, addresses, several findings as one, what is printed.

import Domain
import JSON
import Testing

@testable import Handlers

@Suite("Parts of the doctor")
struct DoctorPartsTests {
    /// Texts as Telegram gives them, and a word of meaning or step.
    static let texts: [(text: String, says: String)] = [
        ("Wrong response from the webhook: 302 Found", "redirects"),
        ("Wrong response from the webhook: 401 Unauthorized", "nezuko webhook set"),
        ("Wrong response from the webhook: 403 Forbidden", "149.154.160.0/20"),
        ("Wrong response from the webhook: 404 Not Found", "WEBHOOK_PATH"),
        ("Wrong response from the webhook: 413 Payload Too Large", "1 MiB"),
        ("Wrong response from the webhook: 429 Too Many Requests", "limits requests"),
        ("Wrong response from the webhook: 500 Internal Server Error", "what answers there fails"),
        ("Wrong response from the webhook: 502 Bad Gateway", "does not reach serve"),
        ("Wrong response from the webhook: 503 Service Unavailable", "overloaded"),
        ("Wrong response from the webhook: 504 Gateway Timeout", "does not reach serve"),
        ("Read timeout expired", "60 s"),
        ("Connection timed out", "firewall"),
        ("Connection refused", "nothing listens"),
        ("Connection reset by peer", "was cut"),
        ("Host is unreachable", "no way"),
        ("Failed to resolve host: Name or service not known", "DNS"),
        ("Failed to resolve host: No address associated with hostname", "A record"),
        ("bad webhook: IP address 10.0.0.1 is reserved", "private"),
        ("IPv6-only addresses are not allowed", "no IPv4"),
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "intermediate certificate"),
        ("SSL error {error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed}", "trusted"),
        ("SSL error {error:0A00010B:SSL routines::wrong version number}", "no TLS"),
        ("SSL error {error:0A000410:SSL routines::sslv3 alert handshake failure}", "handshake failed"),
    ]

    @Test(arguments: texts)
    func `a known text has a meaning and a step`(_ row: (text: String, says: String)) {
        let advice = DeliveryAdvice(row.text)
        #expect("\(advice.meaning). \(advice.step)".contains(row.says), "\(advice)")
        #expect(advice.step.first?.isUppercase == true)
        #expect(advice != DeliveryAdvice("words that were never seen"))
    }

    static let addresses: [(text: String, kind: PublicAddress.Kind)] = [
        ("8.8.8.8", .publicIPv4), ("149.154.167.220", .publicIPv4), ("9.255.255.255", .publicIPv4),
        ("10.0.0.0", .reservedIPv4), ("10.255.255.255", .reservedIPv4), ("11.0.0.0", .publicIPv4),
        ("100.63.255.255", .publicIPv4), ("100.64.0.1", .reservedIPv4), ("100.127.255.255", .reservedIPv4),
        ("100.128.0.0", .publicIPv4), ("127.0.0.1", .reservedIPv4), ("169.254.1.1", .reservedIPv4),
        ("172.15.255.255", .publicIPv4), ("172.16.0.0", .reservedIPv4), ("172.31.255.255", .reservedIPv4),
        ("172.32.0.0", .publicIPv4), ("192.168.255.255", .reservedIPv4), ("192.169.0.0", .publicIPv4),
        ("203.0.113.9", .reservedIPv4), ("223.255.255.255", .publicIPv4), ("224.0.0.1", .reservedIPv4),
        ("255.255.255.255", .reservedIPv4), ("0.0.0.0", .reservedIPv4), ("::1", .ipv6), ("2001:db8::1", .ipv6),
        ("fe80::1%eth0", .ipv6), ("example.org", .name), ("", .name), ("8.8.8", .name),
    ]

    @Test(arguments: addresses)
    func `addresses that Telegram calls`(_ row: (text: String, kind: PublicAddress.Kind)) {
        #expect(PublicAddress.kind(of: row.text) == row.kind)
    }

    @Test func `several findings are one, the worst first`() {
        let findings: [DoctorFinding] = [
            .warning("W.", fix: "w"), .failure("A.", fix: "f"), .failure("B.", fix: "f"), .failure("C.", fix: "g"),
            .unknown("U."),
        ]
        let all = DoctorFinding.all(findings, ifNone: .ok("fine"))
        #expect(all == .failure("A. B. C. And 1 more.", fix: "f g"))
        #expect(DoctorFinding.all([.unknown("U.")], ifNone: .ok("fine")) == .ok("fine"))
    }

    @Test func `secrets are taken out, and words of ours stay`() {
        let finding = DoctorFinding.failure("it said my-database-password", fix: "Run: nezuko migrate up")
        #expect(
            finding.without(["my-database-password", "nezuko"])
                == .failure("it said [redacted]", fix: "Run: nezuko migrate up"))
    }

    private static let results = [
        DoctorResult(number: 1, check: "settings", finding: .ok("All is well.")),
        DoctorResult(
            number: 12, check: "notices reach somebody",
            finding: .failure(
                String(repeating: "many words and ", count: 20), fix: String(repeating: "x", count: 150))),
        DoctorResult(number: 13, check: "PUBLIC_URL", finding: .notApplicable("Without PUBLIC_URL the bot polls.")),
    ]

    @Test func `the table has a hundred columns at most, and says what, why and fix`() {
        let text = DoctorReport.text(Self.results, isColored: false)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.count <= 100 && $0.last != " " })
        #expect(lines[0] == " 1  ok       settings               All is well.")
        #expect(lines[1].hasPrefix("12  FAILURE  notices reach somebody many words"))
        #expect(lines.contains { $0.trimmingPrefix { $0 == " " }.hasPrefix("→ ") })
        #expect(lines.last == "1 ok, 1 failure, 1 n/a")
        #expect(!text.contains("\u{1B}"))
        #expect(DoctorReport.text(Self.results, isColored: true).contains("\u{1B}[31mFAILURE \u{1B}[0m"))
    }

    @Test func `the same as JSON`() throws {
        let list = try #require(try JSONValue(parsing: Array(DoctorReport.json(Self.results).utf8)).array)
        #expect(list.count == 3)
        #expect(
            list[0]
                == .object([
                    ("number", .int(1)), ("check", .string("settings")), ("outcome", .string("ok")),
                    ("why", .string("All is well.")), ("fix", .null),
                ]))
        #expect(list[1]["outcome"]?.string == "failure")
        #expect(list[2]["outcome"]?.string == "n/a")
    }
}
