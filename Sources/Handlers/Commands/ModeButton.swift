// Watching instead of enforcing: by `/settings mode`, or by a button under other answers.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// `mode:{enforce|observe}:{group}`.
struct ModeButton: CommandButton {
    static let name = "mode"
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome {
        guard press.arguments.count == 1, let mode = GroupMode(rawValue: press.arguments[0]) else {
            return .toast(.outOfDate)
        }
        var params = press.group.params
        params.mode = mode
        return .message(Reply(try await change(params, of: press.group, by: press.query.from.id)))
    }

    /// Stores settings with another mode. Nobody stays muted in a group that only watches.
    func change(
        _ params: GroupParams, of group: ProtectedGroup, by admin: UserID?
    ) async throws(CommandError) -> Text {
        try await stored { () async throws(StoreError) in try await tools.store.setParams(params, of: group.id) }
        await tools.forget(group.id)
        await tools.audit("mode_\(params.mode.rawValue)", by: admin, "group", String(group.id.value), in: group.id)
        guard params.mode == .observe else { return .modeEnforce }
        let released = try await stored { () async throws(StoreError) in
            try await tools.store.releaseAll(as: .unprotected(group.id))
        }
        tools.start([])
        return .modeObserve(releasing: released)
    }

    /// The button that leads to a mode.
    static func button(_ mode: GroupMode, _ group: ChatID, _ language: any Catalogue) -> InlineButton {
        let label: Label = mode == .observe ? .watchFirst : .enforce
        return InlineButton(language.label(label), .callback("mode:\(mode.rawValue):\(group.value)"))
    }
}
