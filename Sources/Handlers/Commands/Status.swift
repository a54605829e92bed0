// /status: how a group is protected, with counts.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Status: Command {
    static let name = CommandName.status
    static let audience = Audience.group

    let tools: CommandTools

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        let known = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        guard let group = known else { return [Reply(.statusNotProtected)] }
        let figures =
            try await stored { () async throws(StoreError) in try await tools.store.status(of: group.id) }
            ?? GroupStatus()
        let readers = try await stored { () async throws(StoreError) in
            try await tools.services.noticeReaders(of: group)
        }
        var missing: [BotRight]?
        do throws(BotAPIError) {
            missing = try await tools.missingRights(in: group.id)
        } catch {
            missing = nil  // Shown as not available.
        }

        let isObserving = group.isEnabled && group.params.mode == .observe
        var lines: [Text] = [
            .statusState(state(of: group, missing: missing ?? [])),
            .statusGroup(
                title: Naming.shown(call.chat.title ?? group.title, maximum: 128), members: figures.members,
                ageMinutes: figures.countAgeSeconds.map { $0 / 60 }),
        ]
        for channel in group.channels {
            let count = figures.channels[channel.id]
            lines.append(
                .statusChannel(
                    name: Naming.channel(channel), subscribers: count?.subscribers ?? 0,
                    ageMinutes: count?.ageSeconds.map { $0 / 60 }, isBroken: channel.health == .broken))
        }
        lines.append(.statusHeld(figures.held))
        if isObserving {
            let observed = try await stored { () async throws(StoreError) in
                try await tools.store.observedHolds(in: group.id)
            }
            lines.append(.statusObserved(observed))
        } else {
            lines.append(.statusDay(verified: figures.verified, restricted: figures.restricted))
        }
        lines.append(.statusRights(missing: missing))
        lines.append(
            .statusNotices(
                readers == [group.owner] ? .owner : readers.isEmpty ? .nobody : .administrators(readers.count)))
        let language = Languages.named(group.params.language)
        let enforce: InlineKeyboard? = isObserving ? [[ModeButton.button(.enforce, group.id, language)]] : nil
        return [Reply(parts: lines.map { .text($0) }, keyboard: enforce)]
    }

    private func state(of group: ProtectedGroup, missing: [BotRight]) -> ProtectionState {
        guard group.isEnabled else { return .disabled }
        let until = max(group.params.pausedUntilSeconds ?? 0, tools.caches.pause.untilSeconds)
        if until > WallClock.now.seconds { return .paused(until: PauseLimits.shown(untilSeconds: until)) }
        if !missing.isEmpty { return .degraded(missing) }
        guard group.isProtected else { return .allBroken }
        return group.params.mode == .observe ? .observing : .active
    }
}
