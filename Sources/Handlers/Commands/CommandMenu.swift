// The menus of commands in Telegram's clients, set by `nezuko setup`.

import Domain
import EventLoop
import Observability
import TelegramBotAPI

/// Who sees which commands.
@IO
public enum CommandMenu {
    private static let inPrivate: [CommandName] = [.start, .help, .verify, .id, .privacy, .forget]
    private static let forBotAdmins: [CommandName] = [.pause]
    private static let inGroups: [CommandName] = [.status, .verify, .help, .id]
    private static let forAdministrators: [CommandName] = [
        .protect, .unprotect, .status, .settings, .why, .release, .pause, .exempt, .stats, .verify, .help, .id,
    ]

    /// Sets every menu in every language. A bot admin who never wrote to the bot has no chat to set one in; those
    /// are skipped and counted in the result.
    public static func install(
        _ telegram: any CommandTelegram, botAdmins: [UserID]
    ) async throws(BotAPIError) -> Int {
        for (index, language) in Languages.all.enumerated() {
            // The default language serves everybody who has no menu of their own.
            let code = index == 0 ? nil : language.code
            try await telegram.setCommands(lines(inPrivate, language), for: .privateChats, language: code)
            try await telegram.setCommands(lines(inGroups, language), for: .groups, language: code)
            try await telegram.setCommands(
                lines(forAdministrators, language), for: .groupAdministrators, language: code)
        }
        var skipped = 0
        for admin in botAdmins where !(await install(telegram, for: admin)) { skipped += 1 }
        return skipped
    }

    private static func install(_ telegram: any CommandTelegram, for admin: UserID) async -> Bool {
        do throws(BotAPIError) {
            for (index, language) in Languages.all.enumerated() {
                try await telegram.setCommands(
                    lines(inPrivate + forBotAdmins, language), for: .person(admin),
                    language: index == 0 ? nil : language.code)
            }
            return true
        } catch {
            Log.warning("menu_skipped", .userID(admin.value), .error(error.errorClass.rawValue))
            return false
        }
    }

    private static func lines(
        _ names: [CommandName], _ language: any Catalogue
    ) -> [(name: CommandName, line: String)] {
        names.map { ($0, language.menuLine($0)) }
    }
}
