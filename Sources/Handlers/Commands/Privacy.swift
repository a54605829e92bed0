// /privacy: what is stored about people, and for how long.

import Domain
import EventLoop
import TelegramBotAPI

struct Privacy: Command {
    static let name = CommandName.privacy
    static let audience = Audience.privateChat

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        [Reply(.privacy(logDays: tools.services.settings.retentionDays))]
    }
}
