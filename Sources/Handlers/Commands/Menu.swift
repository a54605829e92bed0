// The private menu: its screens and buttons, edited in place.

import Domain
import EventLoop
import Observability
import TelegramBotAPI

/// The menu's keyboards.
enum Menu {
    /// The first screen's buttons.
    static func main(in language: any Catalogue, botUsername: String) -> InlineKeyboard {
        var rows: [[InlineButton]] = [
            [
                InlineButton(language.label(.setup), .callback("menu_setup")),
                InlineButton(language.label(.howItWorks), .callback("menu_how_it_works")),
            ],
            [
                InlineButton(language.label(.commands), .callback("menu_commands")),
                InlineButton(language.label(.help), .callback("menu_help")),
            ],
        ]
        if let add = addToGroup(in: language, botUsername: botUsername) { rows.append([add]) }
        return InlineKeyboard(rows)
    }

    /// The way back to the first screen.
    static func back(in language: any Catalogue) -> InlineKeyboard {
        [[InlineButton(language.label(.back), .callback("menu_back"))]]
    }

    /// Opens Telegram's choice of a group with the rights that the bot needs; `nil` while its name is unknown.
    static func addToGroup(in language: any Catalogue, botUsername: String) -> InlineButton? {
        guard !botUsername.isEmpty else { return nil }
        let rights = "delete_messages+restrict_members+invite_users"
        return InlineButton(
            language.label(.addToGroup), .url("https://t.me/\(botUsername)?startgroup=true&admin=\(rights)"))
    }
}

/// Presses on buttons of the private chat.
@IO
public struct MenuButtons {
    private let tools: CommandTools

    /// Buttons that use these parts.
    public init(tools: CommandTools) { self.tools = tools }

    /// Answers a press if its data belongs to the private chat; false: it is for others.
    public func handle(_ query: CallbackQuery) async -> Bool {
        if await ForgetButton(tools: tools).handle(query) { return true }
        guard case .menu(let data)? = query.data.flatMap({ CallbackData($0) }) else { return false }
        let language = Languages.of(languageCode: query.from.languageCode)
        guard let message = query.message, message.chat.type == .private, let screen = screen(data, language) else {
            await tools.answer(query, language.toast(.outOfDate))
            return true
        }
        await tools.answer(query, nil)
        do throws(BotAPIError) {
            try await tools.telegram.edit(
                message.id, in: message.chat.id, to: language.text(screen.text).html, keyboard: screen.keyboard)
        } catch {
            Log.warning("menu_edit_failed", .error(error.errorClass.rawValue))
        }
        return true
    }

    private func screen(_ data: String, _ language: any Catalogue) -> (text: Text, keyboard: InlineKeyboard)? {
        let back = Menu.back(in: language)
        switch data {
        case "menu_setup": return (.menuSetup, back)
        case "menu_how_it_works": return (.menuHowItWorks, back)
        case "menu_commands": return (.menuCommands, back)
        case "menu_help": return (.menuHelp, back)
        case "menu_add_to_group":
            let add = Menu.addToGroup(in: language, botUsername: tools.botUsername)
            return (.menuAddToGroup, InlineKeyboard((add.map { [[$0]] } ?? []) + back.rows))
        case "menu_back": return (.welcome, Menu.main(in: language, botUsername: tools.botUsername))
        default: return nil
        }
    }
}
