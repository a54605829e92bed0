// /pause: the emergency stop, for one group or for all.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// How long a pause may last, and how it is written.
public enum PauseLimits {
    /// An hour, unless something else is said.
    public static let usualSeconds: Int64 = 3600
    static let usual = "1h"
    private static let longestSeconds: Int64 = 7 * 86_400

    /// The seconds of a word (`off`: 0), or `nil` for what is no duration of a pause.
    public static func seconds(_ word: String) -> Int64? {
        word.lowercased() == "off" ? 0 : DurationArgument.seconds(word, units: "mhd", maximum: longestSeconds)
    }

    /// A pause's end as people read it.
    public static func shown(untilSeconds: Int64) -> String { UTC.shown(untilSeconds * 1_000_000) }
}

struct Pause: Command {
    static let name = CommandName.pause
    static let audience = Audience.groupRestrictorsOrBotAdmins
    let tools: CommandTools

    /// What is to be paused.
    private enum Scope {
        case group(ChatID)
        case all
    }

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        var words = call.arguments
        let scope: Scope
        if call.isPrivate {
            guard let word = words.first else { return [Reply(.pauseUsage(isPrivate: true))] }
            words.removeFirst()
            if word.lowercased() == "all" {
                scope = .all
            } else if let id = Int64(word), id < 0, id > -(1 << 52) {
                scope = .group(ChatID(id))
            } else {
                return [Reply(.pauseUsage(isPrivate: true))]
            }
        } else {
            scope = .group(call.chat.id)
        }
        guard words.count <= 1 else { return [Reply(.pauseUsage(isPrivate: call.isPrivate))] }
        guard let seconds = PauseLimits.seconds(words.first ?? PauseLimits.usual) else { return [Reply(.badDuration)] }
        switch scope {
        case .all: return [Reply(try await pauseAll(seconds, by: call.user?.id))]
        case .group(let id):
            let known = try await stored { () async throws(StoreError) in try await tools.store.group(id) }
            guard let group = known else { return [Reply(.notProtected)] }
            return [try await pause(group, seconds: seconds, by: call.user?.id)]
        }
    }

    /// Pauses a group for that long, or ends its pause (0).
    func pause(_ group: ProtectedGroup, seconds: Int64, by admin: UserID?) async throws(CommandError) -> Reply {
        let until = WallClock.now.seconds + seconds
        var params = group.params
        params.pausedUntilSeconds = seconds == 0 ? nil : until
        try await tools.change(group, to: params, as: seconds == 0 ? .pauseOff : .pause, by: admin)
        guard seconds > 0 else { return Reply(.pauseEnded(isAll: false)) }
        let language = Languages.named(group.params.language)
        let end = InlineButton(language.label(.endPause), .callback("pause:off:\(group.id.value)"))
        return Reply(.paused(until: PauseLimits.shown(untilSeconds: until), isAll: false), keyboard: [[end]])
    }

    private func pauseAll(_ seconds: Int64, by admin: UserID?) async throws(CommandError) -> Text {
        let until = seconds == 0 ? 0 : WallClock.now.seconds + seconds
        try await stored { () async throws(StoreError) in
            try await tools.store.pause(
                untilSeconds: until, audit: AuditRow(seconds == 0 ? .pauseOff : .pause, by: admin, .service))
            try await tools.store.tellCaches("pause:\(until)")
        }
        tools.caches.pause.untilSeconds = until
        return seconds == 0
            ? .pauseEnded(isAll: true) : .paused(until: PauseLimits.shown(untilSeconds: until), isAll: true)
    }
}

/// `pause:off:{group}` under the answer to `/pause`.
struct EndPauseButton: CommandButton {
    static let name = "pause"
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome {
        guard press.arguments == ["off"] else { return .toast(.outOfDate) }
        return .message(
            try await Pause(tools: tools).pause(press.group, seconds: 0, by: press.query.from.id))
    }
}
