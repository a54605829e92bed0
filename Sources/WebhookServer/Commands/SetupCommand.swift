// setup: tells Telegram the menus of commands, at deploy.

import Configuration
import Domain
import Handlers
import TelegramBotAPI

enum SetupCommand: Subcommand {
    static let name = "setup"
    static let summary = "tells Telegram the menus of commands"
    static let usage = """
        Usage: nezuko setup

        Sets the command menus in all scopes and languages. At deploy, beside
        `nezuko webhook set`; not needed at each start.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard arguments.isEmpty else {
            Terminal.error("nezuko setup: takes no arguments.")
            return .usage
        }
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        guard let api = BotAPIs.forCommand(name, configuration) else { return .usage }
        do throws(BotAPIError) {
            let skipped = try await CommandMenu.install(
                BotCommandTelegram(api), botAdmins: configuration.adminIDs.map { UserID($0) })
            Terminal.print("The menus are set.")
            if skipped > 0 {
                Terminal.print("\(skipped) of ADMIN_IDS never wrote to the bot: no menu of their own yet.")
            }
            return .ok
        } catch {
            Terminal.error("nezuko setup: \(error.advice)")
            return error.errorClass == .networkError ? .failed : .telegram
        }
    }
}
