// The webhook as Telegram has it: whose it is, what it brings, how deliveries go.

import EventLoop
import TelegramBotAPI

extension DoctorCheck {
    static let webhook = DoctorCheck(11, "webhook is ours") { (visit) throws(DoctorFinding) in
        if case .polling = visit.settings.delivery {
            guard try await visit.knownWebhook().url.isEmpty else {
                return .failure(
                    "A webhook is set, so polling gets nothing.",
                    fix: "Run: nezuko webhook delete, or set PUBLIC_URL if it is meant to be used.")
            }
        }
        let webhook = try visit.webhook()
        let known = try await visit.knownWebhook()
        if known.url == webhook.url { return .ok("Telegram delivers to \(webhook.url).") }
        guard !known.url.isEmpty else {
            return .failure(
                "No webhook is set: it was never set, or what polls with this token took it away.",
                fix: "Stop another deployment if there is one, then run: nezuko webhook set")
        }
        return .failure(
            "Telegram delivers to \(shown(known.url)) and not to \(webhook.url).",
            fix: "Another deployment uses this token; stop it, then: nezuko webhook set")
    }

    static let updateKinds = DoctorCheck(12, "kinds of updates") { (visit) throws(DoctorFinding) in
        _ = try visit.webhook()
        let known = try await visit.knownWebhook()
        guard !known.url.isEmpty else { throw .unknown("No webhook is set: see 11.") }
        let fix = "Run: nezuko webhook set"
        guard !known.allowedUpdates.isEmpty else {
            return .failure("Telegram's default kinds come: chat_member is not among them.", fix: fix)
        }
        let missing = Update.allowedKinds.filter { !known.allowedUpdates.contains($0) }
        guard missing.isEmpty else {
            return .failure("Not delivered: \(missing.joined(separator: ", ")).", fix: fix)
        }
        return .ok("All \(Update.allowedKinds.count) kinds are delivered.")
    }

    private static let pendingLimit: Int64 = 100
    private static let errorSeconds: Int64 = 600

    static let deliveries = DoctorCheck(14, "deliveries") { (visit) throws(DoctorFinding) in
        _ = try visit.webhook()
        let known = try await visit.knownWebhook()
        guard !known.url.isEmpty else { throw .unknown("No webhook is set: see 11.") }
        var findings: [DoctorFinding] = []
        if let text = known.lastErrorMessage, let date = known.lastErrorDate {
            let age = visit.settings.clock().seconds - date
            if age < errorSeconds {
                let advice = DeliveryAdvice(text)
                findings.append(
                    .failure(
                        "A delivery failed \(max(0, age) / 60) min ago.",
                        fix: "Telegram says \"\(shown(text))\": \(advice.meaning). \(advice.step)"))
            }
        }
        if known.pendingUpdates >= pendingLimit {
            findings.append(
                .failure(
                    "\(known.pendingUpdates) updates wait at Telegram.",
                    fix: findings.first?.fix
                        ?? "See 11 and 16; if both are well, serve is too slow: its log and metrics say why."))
        }
        return .all(findings, ifNone: .ok("\(known.pendingUpdates) updates wait, and none failed in 10 min."))
    }

    /// Another's words for a terminal: cut, and without what would move its cursor.
    private static func shown(_ text: String) -> String { DoctorReport.plain(text, maximum: 120) }
}
