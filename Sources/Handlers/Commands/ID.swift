// /id: the ids of the chat and of the sender.

import Domain
import EventLoop
import TelegramBotAPI

struct ID: Command {
    static let name = CommandName.id
    static let audience = Audience.everybody

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        [Reply(.ids(chat: call.chat.id, user: call.user?.id))]
    }
}
