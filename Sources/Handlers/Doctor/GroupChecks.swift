// Groups, channels, and the people who are to be told: as Telegram has them now.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

extension DoctorCheck {
    static let groups = DoctorCheck(17, "groups") { (visit) throws(DoctorFinding) in
        let survey = try await visit.groups()
        let findings = survey.groups.compactMap { finding($0, survey.botID) }
        return conclude(
            findings, looked: survey.groups.count, of: survey.groupCount, "group",
            ok: "the bot may do its work in each")
    }

    static let channels = DoctorCheck(18, "channels") { (visit) throws(DoctorFinding) in
        let survey = try await visit.groups()
        let findings = survey.channels.compactMap { finding($0) }
        return conclude(
            findings, looked: survey.channels.count, of: survey.channelCount, "channel",
            ok: "the bot is administrator of each, and their links lead there")
    }

    static let notices = DoctorCheck(19, "notices reach somebody") { (visit) throws(DoctorFinding) in
        let bot = try await visit.bot()
        let survey = try await visit.groups()
        let store = try await visit.store()
        let fix = "Press Start in the private chat with @\(bot.username)."
        let admins = visit.settings.adminIDs
        do throws(StoreError) {
            let people = Set(survey.groups.flatMap { $0.people } + admins)
            let reachable = Set(try await store.reachable(among: people.sorted()))
            var findings: [DoctorFinding] = []
            for admin in admins where !reachable.contains(admin) {
                findings.append(.warning("\(admin) of ADMIN_IDS cannot be written to.", fix: fix))
            }
            for group in survey.groups where reachable.isDisjoint(with: group.people) {
                findings.append(
                    .warning("Neither owner nor administrators of \(group.name) can be written to.", fix: fix))
            }
            return conclude(
                findings, looked: survey.groups.count, of: survey.groupCount, "group",
                ok: "somebody of each can be told")
        } catch {
            return .unknown("People were not read from the database: see 2 and 4.")
        }
    }

    /// One finding for all; that some were not looked at is said only when nothing worse is known.
    private static func conclude(
        _ findings: [DoctorFinding], looked: Int, of count: Int, _ noun: String, ok words: String
    ) -> DoctorFinding {
        let good: DoctorFinding =
            looked < count
            ? .unknown("\(looked) of \(count) \(noun)s were looked at in the time there was, without a finding.")
            : count == 0 ? .ok("There is no \(noun) yet.") : .ok("\(count) \(noun)\(count == 1 ? "" : "s"): \(words).")
        return .all(findings, ifNone: good)
    }

    // MARK: - One group, one channel

    private static func finding(_ survey: GroupSurvey.Group, _ botID: UserID) -> DoctorFinding? {
        let name = survey.name
        switch survey.answer {
        case .failure(let error): return finding(error, name)
        case .success(let members):
            guard !survey.isBasic else {
                return .failure(
                    "\(name) is a basic group, in which nobody can be muted.",
                    fix: "Convert \(name) into a supergroup: make its history visible to new members.")
            }
            let bot = members.first { $0.user.id == botID }
            var rights: [String] = []
            if bot?.canRestrictMembers != true { rights.append("Ban users") }
            if bot?.canDeleteMessages != true { rights.append("Delete messages") }
            guard rights.isEmpty else {
                let list = rights.map { "\"\($0)\"" }.joined(separator: " and ")
                return .failure("In \(name) the bot lacks a right.", fix: "In \(name) give the bot \(list).")
            }
            let others = members.filter { $0.user.isBot && $0.user.id != botID && $0.canRestrictMembers }
            guard let other = others.first else { return nil }
            let title = other.user.username.map { "@\($0)" } ?? DoctorReport.plain(other.user.fullName, maximum: 40)
            return .warning(
                "In \(name) \(title) mutes too: two bots free each other's people.",
                fix: "In \(name) take the right \"Ban users\" from \(title).")
        }
    }

    private static func finding(_ error: BotAPIError, _ name: String) -> DoctorFinding {
        switch error.errorClass {
        case .chatMigrated:
            .warning(
                "\(name) became a supergroup with another id.", fix: "Write something in \(name): the bot learns it.")
        case .botKicked, .chatNotFound, .adminRightsMissing:
            .failure("The bot is not in \(name).", fix: "Add the bot to \(name) as administrator.")
        case .retryAfter, .unauthorized, .botBlocked, .userIsAdmin, .userUnknown, .messageGone, .queryExpired,
            .topicGone, .badRequest, .conflict, .serverError, .networkError, .unknownError:
            .warning(
                "Telegram refuses to show \(name): \(DoctorReport.plain(error.text, maximum: 80)).",
                fix: "Add the bot to \(name) as administrator.")
        }
    }

    private static func finding(_ survey: GroupSurvey.Channel) -> DoctorFinding? {
        let known = survey.channel.channel
        let name = DoctorReport.plain(Naming.channel(known), maximum: 60)
        let fix = "Add the bot to \(name) as administrator, then /protect again."
        guard case .success(let bot) = survey.bot, bot.isAdministrator else {
            return .failure("The bot is not administrator of \(name).", fix: fix)
        }
        guard case .success(let chat) = survey.chat else {
            return .failure("Telegram does not show \(name) to the bot.", fix: fix)
        }
        guard known.inviteLink != nil || known.username != nil else {
            return .failure("There is no link by which people could join \(name).", fix: fix)
        }
        // An invite link cannot be tried without joining; a public name can be compared.
        if known.inviteLink == nil, let stored = known.username, stored.lowercased() != chat.username?.lowercased() {
            return .failure("@\(stored) does not lead to \(name) any more.", fix: fix)
        }
        return known.health == .ok ? nil : .warning("A link to \(name) is still marked broken.", fix: fix)
    }
}

extension GroupSurvey.Group {
    /// Its title for a sentence, or its id.
    fileprivate var name: String {
        group.title.isEmpty ? "\(group.id)" : "\"\(DoctorReport.plain(group.title, maximum: 40))\""
    }

    /// Owner and human administrators.
    fileprivate var people: [UserID] {
        guard case .success(let members) = answer else { return [group.owner] }
        return [group.owner] + members.filter { $0.isAdministrator && !$0.user.isBot }.map(\.user.id)
    }

    /// Ids of supergroups and channels begin below this (core.telegram.org/api/bots/ids).
    fileprivate var isBasic: Bool { group.id.value > -1_000_000_000_000 }
}
