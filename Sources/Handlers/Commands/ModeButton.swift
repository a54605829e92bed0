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
        return .message(Reply(try await change(press.group, to: params, by: press.query.from.id)))
    }

    /// Stores settings with another mode. Nobody stays muted in a group that only watches.
    func change(
        _ group: ProtectedGroup, to params: GroupParams, by admin: UserID?
    ) async throws(CommandError) -> Text {
        let released = try await tools.change(
            group, to: params, as: .settings, by: admin,
            releasing: params.mode == .observe ? .unprotected(group.id) : nil)
        guard params.mode == .observe else { return .modeEnforce }
        tools.start([])
        return .modeObserve(releasing: released)
    }

    /// The button that leads to a mode.
    static func button(_ mode: GroupMode, _ group: ChatID, _ language: any Catalogue) -> InlineButton {
        let label: Label = mode == .observe ? .watchFirst : .enforce
        return InlineButton(language.label(label), .callback("mode:\(mode.rawValue):\(group.value)"))
    }
}
