// /help: requirements and common problems.

import Domain
import EventLoop
import TelegramBotAPI

struct Help: Command {
    static let name = CommandName.help
    static let audience = Audience.everybody

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        guard call.isPrivate else { return [Reply(.menuHelp)] }
        return [Reply(.menuHelp, keyboard: Menu.back(in: Languages.of(languageCode: call.user?.languageCode)))]
    }
}
