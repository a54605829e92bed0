// What happens to the bot itself: blocked, removed, rights lost.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Handles the bot's own changes.
@IO
struct MyChatMember {
    let services: Services

    func handle(_ change: ChatMemberUpdated, update: UpdateID) async throws(UpdateFailure) -> Handled {
        switch change.chat.type {
        case .private:
            let canMessage = change.new.isMember
            try await services.reading { () async throws(StoreError) in
                try await services.store.setCanMessage(
                    canMessage, user: change.from.id, username: change.from.username,
                    language: change.from.languageCode)
            }
            return .recorded([], group: nil)
        case .channel: return try await requiredChatChanged(change, update, [])
        case .group, .supergroup: return try await groupChanged(change, update)
        case .unknown: return .nothing
        }
    }

    /// A chat whose members are asked for: without being its administrator the bot cannot look into it.
    private func requiredChatChanged(
        _ change: ChatMemberUpdated, _ update: UpdateID, _ others: [EffectWish]
    ) async throws(UpdateFailure) -> Handled {
        let chat = change.chat.id
        var groups: [ChatID] = []
        var record = Record(update: update)
        record.effects = others
        if change.new.isAdministrator {
            groups = try await healed(chat)
        } else {
            groups = try await services.reading { () async throws(StoreError) in
                try await services.store.botRemoved(fromChannel: chat)
            }
            record.effects += groups.map { .notice(.brokenLink(chat), in: $0) }
        }
        for group in groups {
            services.caches.groups.forget(group)
            await services.tell("group:\(group.value)")
        }
        guard !record.effects.isEmpty else { return groups.isEmpty ? .nothing : .recorded([], group: nil) }
        return try await services.record(record)
    }

    /// The bot is administrator (again): broken links of the chat count from now on.
    private func healed(_ chat: ChatID) async throws(UpdateFailure) -> [ChatID] {
        try await services.reading { () async throws(StoreError) in
            var healed: [ChatID] = []
            for group in try await services.store.groups(requiring: chat)
            where try await services.store.setHealth(.ok, of: chat, in: group) { healed.append(group) }
            return healed
        }
    }

    /// Holds that could not be lifted without the right: taken on where the gate is on, else lifted now.
    private func resume(_ group: ProtectedGroup) async throws(UpdateFailure) {
        let isHolding = group.isEnabled && group.params.mode == .enforce
        try await services.reading { () async throws(StoreError) in
            try await services.store.resume(group.id, releasing: isHolding ? nil : .unprotected(group.id))
        }
        services.workers.wake()
    }

    /// A group may be required by other groups too.
    private func groupChanged(_ change: ChatMemberUpdated, _ update: UpdateID) async throws(UpdateFailure) -> Handled {
        let chat = change.chat.id
        services.caches.admins.forget(chat)
        await services.tell("admins:\(chat.value)")
        var effects: [EffectWish] = []
        if !change.new.isMember {
            try await services.reading { () async throws(StoreError) in try await services.store.botRemoved(from: chat)
            }
            services.caches.groups.forget(chat)
            await services.tell("group:\(chat.value)")
        } else {
            try await services.reading { () async throws(StoreError) in
                try await services.store.botReturned(to: chat)
            }
            let group = try await services.configuration(chat)
            if let group, group.isProtected {
                var missing: [BotRight] = []
                if !change.new.canRestrictMembers { missing.append(.restrictMembers) }
                if !change.new.canDeleteMessages { missing.append(.deleteMessages) }
                if !missing.isEmpty { effects.append(.notice(.rightLost(missing), in: chat)) }
            } else if !change.old.isMember {
                effects.append(.greeting(in: chat, languageCode: change.from.languageCode, update: update))
            }
            if let group, change.new.canRestrictMembers { try await resume(group) }
        }
        let handled = try await requiredChatChanged(change, update, effects)
        if case .nothing = handled, !change.new.isMember { return .recorded([], group: chat) }
        return handled
    }
}
