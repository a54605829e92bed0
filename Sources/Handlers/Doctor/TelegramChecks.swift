// Telegram itself: reachable, on time, and whose the token is.

import EventLoop
import Storage

extension DoctorCheck {
    /// How far clocks may be apart.
    private static let clockSeconds = 5.0

    static let clock = DoctorCheck(6, "clock") { (visit) throws(DoctorFinding) in
        try visit.needSettings()
        var offsets: [(other: String, aheadSeconds: Double)] = []
        if case .success(let contact) = await visit.contact(),
            let milliseconds = contact.clockAheadMilliseconds
        {
            offsets.append(("the database", -Double(milliseconds) / 1000))
        }
        if visit.settings.token != nil, let ahead = try await visit.telegram().times?.aheadSeconds {
            offsets.append(("Telegram", ahead))
        }
        guard !offsets.isEmpty else {
            throw visit.settings.token == nil
                ? .notApplicable("There is no other clock to compare with.")
                : .unknown("No other clock answered: see 2 and 8.")
        }
        let wrong = offsets.filter { abs($0.aheadSeconds) > clockSeconds }
        guard !wrong.isEmpty else {
            return .ok("Within \(Int(clockSeconds)) s of \(offsets.map(\.other).joined(separator: " and ")).")
        }
        let words = wrong.map { offset in
            "\(Int(abs(offset.aheadSeconds).rounded())) s \(offset.aheadSeconds > 0 ? "ahead of" : "behind") \(offset.other)"
        }
        return .failure(
            "This machine's clock is \(words.joined(separator: " and ")).",
            fix: "Turn time synchronisation on: timedatectl set-ntp true")
    }

    static let telegram = DoctorCheck(8, "Bot API") { (visit) throws(DoctorFinding) in
        let base = visit.settings.telegramBaseURL
        let answer = try await visit.telegram()
        guard case .unreachable(let cause) = answer else {
            let took = answer.times.map { ($0.received.microseconds - $0.sent.microseconds) / 1000 } ?? 0
            return .ok("\(base) answers in \(took) ms.")
        }
        let host = base.split(separator: "/").dropFirst().first.map(String.init) ?? base
        return .failure(
            "\(base) did not answer within \(DoctorVisit.answerMilliseconds / 1000) s.",
            fix: "Allow outgoing HTTPS to \(host) (\(cause)).")
    }

    static let token = DoctorCheck(9, "token") { (visit) throws(DoctorFinding) in
        if case .refused = try await visit.telegram() {
            return .failure(
                "Telegram does not know this token.", fix: "Get the token from BotFather: /mybots, API Token.")
        }
        return .ok("It belongs to @\(try await visit.bot().username).")
    }

    static let joining = DoctorCheck(10, "bot may join groups") { (visit) throws(DoctorFinding) in
        guard try await visit.bot().mayJoinGroups else {
            return .failure(
                "BotFather was told that nobody may add the bot to a group.", fix: "BotFather: /setjoingroups, Enable.")
        }
        return .ok("The bot can be added to groups.")
    }
}
