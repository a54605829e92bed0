// /verify: as pressing the button; in private, all groups where the sender is held.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Verify: Command {
    static let name = CommandName.verify
    static let audience = Audience.everybody

    let tools: CommandTools
    let privateChat: PrivateVerification

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        guard let user = call.user else { return [Reply(parts: [.outcome(.canWriteHere)])] }
        if !call.isPrivate {
            return [Reply(parts: [.outcome(await tools.verifying.verify(user.id, in: call.chat.id))])]
        }
        let screens = try await privateChat.heldGroups(of: user, verifies: true)
        return screens.isEmpty ? [Reply(.heldNowhere)] : screens
    }
}
