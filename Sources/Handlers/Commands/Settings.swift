// /settings: shows and changes how a group is protected.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Settings: Command {
    static let name = CommandName.settings
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.notProtected)] }
        guard let word = call.arguments.first?.lowercased() else { return [shown(group.params)] }
        if word == "reset" {
            // A pause is no setting: it ends by itself, or by its own word.
            var usual = GroupParams()
            usual.pausedUntilSeconds = group.params.pausedUntilSeconds
            try await tools.change(group, to: usual, as: .settings, by: call.user?.id)
            return [Reply(.settingsReset)]
        }
        guard let key = SettingKey(rawValue: word) else {
            return [Reply(.settingsUnknownKey(word, keys: SettingKey.list))]
        }
        var params = group.params
        let value = String(call.rest.drop { !$0.isWhitespace }.drop { $0.isWhitespace })
        guard key.set(value, in: &params, thread: call.topic) else {
            let valid = Languages.named(group.params.language).text(.settingValid(key))
            return [Reply(.settingsBadValue(key: word, valid: valid))]
        }
        if key == .mode {
            return [Reply(try await ModeButton(tools: tools).change(group, to: params, by: call.user?.id))]
        }
        try await tools.change(group, to: params, as: .settings, by: call.user?.id)
        return [Reply(.settingsSaved(key: word, value: key.value(in: params) ?? ""))]
    }

    private func shown(_ params: GroupParams) -> Reply {
        Reply(parts: [.text(.settingsTitle)] + SettingKey.allCases.map { .setting($0, $0.value(in: params)) })
    }
}
