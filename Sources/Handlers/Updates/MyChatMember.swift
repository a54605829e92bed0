// What happens to the bot itself: blocked, removed, rights lost (verification.md 12).

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Handles the bot's own changes.
@IO
struct MyChatMember {
    let services: Services

    func handle(_ change: ChatMemberUpdated, update: UpdateID) async throws(UpdateFailure) -> Handled {
        let chat = change.chat.id
        switch change.chat.type {
        case .private:
            let canMessage = change.new.isMember
            try await services.reading { () async throws(StoreError) in
                try await services.store.setCanMessage(
                    canMessage, user: change.from.id, username: change.from.username,
                    language: change.from.languageCode)
            }
            return .recorded([], group: nil)
        case .channel:
            guard !change.new.isAdministrator else { return .nothing }
            let groups = try await services.reading { () async throws(StoreError) in
                try await services.store.botRemoved(fromChannel: chat)
            }
            var record = Record(update: update)
            record.effects = groups.map { .notice(.brokenLink(chat), in: $0) }
            for group in groups {
                services.caches.groups.forget(group)
                await services.tell("group:\(group.value)")
            }
            return try await services.record(record)
        case .group, .supergroup: return try await groupChanged(change, update)
        case .unknown: return .nothing
        }
    }

    private func groupChanged(_ change: ChatMemberUpdated, _ update: UpdateID) async throws(UpdateFailure) -> Handled {
        let chat = change.chat.id
        services.caches.admins.forget(chat)
        await services.tell("admins:\(chat.value)")
        if !change.new.isMember {
            try await services.reading { () async throws(StoreError) in try await services.store.botRemoved(from: chat)
            }
            services.caches.groups.forget(chat)
            await services.tell("group:\(chat.value)")
            return .recorded([], group: chat)
        }
        guard let group = try await services.configuration(chat), group.isProtected else { return .nothing }
        var missing: [BotRight] = []
        if !change.new.canRestrictMembers { missing.append(.restrictMembers) }
        if !change.new.canDeleteMessages { missing.append(.deleteMessages) }
        guard !missing.isEmpty else { return .nothing }
        var record = Record(update: update)
        record.effects = [.notice(.rightLost(missing), in: chat)]
        return try await services.record(record)
    }
}
