// The press that means it: a group's rows are deleted for good.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// `purge:ok:{group}` under the question of `/unprotect purge`.
struct PurgeButton: CommandButton {
    static let name = "purge"
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    /// The question, with the button.
    static func question(_ group: ProtectedGroup) -> Reply {
        let language = Languages.named(group.params.language)
        let button = InlineButton(language.label(.purge), .callback("\(name):ok:\(group.id.value)"))
        return Reply(.purgeAsked, keyboard: [[button]])
    }

    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome {
        guard press.arguments == ["ok"] else { return .toast(.outOfDate) }
        let group = press.group
        let released = try await stored { () async throws(StoreError) in
            try await tools.store.beginPurge(
                as: .unprotected(group.id), audit: AuditRow(.purge, by: press.query.from.id, .group(group.id)))
        }
        await tools.forget(group.id)
        tools.start([])
        return .message(Reply(.purgeBegun(releasing: released)))
    }
}
