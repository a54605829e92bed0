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
        if let group = Self.group(in: call.arguments.first) {
            return [try await privateChat.screen(of: group, for: user)]
        }
        if let group = Self.group(in: call.arguments.first, after: "p_") {
            return try await ChannelPicker(tools: tools).open(group, for: user)
        }
        if call.arguments.first == "notify" { return [Reply(.noticesOn)] }
        let language = Languages.of(languageCode: user.languageCode)
        let menu = Reply(.welcome, keyboard: Menu.main(in: language, botUsername: tools.botUsername))
        return try await privateChat.heldGroups(of: user, verifies: false) + [menu]
    }

    /// The group of `v_{group_id}` or the like.
    static func group(in payload: String?, after prefix: String = "v_") -> ChatID? {
        guard let payload, payload.hasPrefix(prefix), let id = Int64(payload.dropFirst(2)), id < 0, id > -(1 << 52)
        else {
            return nil
        }
        return ChatID(id)
    }
}
