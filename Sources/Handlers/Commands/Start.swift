// /start: in private the groups where the sender is held, then the menu; in a group a hint.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Start: Command {
    static let name = CommandName.start
    static let audience = Audience.everybody

    let tools: CommandTools
    let privateChat: PrivateVerification

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        guard call.isPrivate else { return [Reply(.groupHint)] }
        guard let user = call.user else { return [] }
        try await stored { () async throws(StoreError) in
            try await tools.store.setCanMessage(
                true, user: user.id, username: user.username, language: user.languageCode)
        }
        switch call.arguments.first.flatMap({ DeepLink($0) }) {
        case .picker(let group): return try await ChannelPicker(tools: tools).open(group, for: user)
        case .notices: return [Reply(.noticesOn)]
        case .verify(let group): return [try await privateChat.screen(of: group, for: user)]
        case nil: break
        }
        let language = Languages.of(languageCode: user.languageCode)
        let menu = Reply(.welcome, keyboard: Menu.main(in: language, botUsername: tools.botUsername))
        return try await privateChat.heldGroups(of: user, verifies: false) + [menu]
    }
}
