// Titles and public names as they are seen: kept in the store when they changed, off the answer's path.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Stores what a chat is called now.
@IO
enum Titles {
    /// Writes title and public name where they differ, and drops the configurations that show the former ones.
    static func keep(_ chat: Chat, store: any Store, caches: Caches) async throws(StoreError) {
        guard let title = chat.title, !title.isEmpty else { return }
        for group in try await store.setTitle(title, username: chat.username, of: chat.id) {
            caches.groups.forget(group)
            try await store.tellCaches("group:\(group.value)")
        }
    }
}

extension Services {
    /// Looks at the chats that an update shows. Costs nothing while they are called as before.
    func sighted(_ update: Update) {
        switch update.kind {
        case .message(let message), .editedMessage(let message):
            if message.chat.isGroup, let group = known(message.chat.id) { sighted(message, in: group) }
        case .chatMember(let change), .myChatMember(let change): changed(change.chat)
        case .chatJoinRequest(let request): changed(request.chat)
        case .callbackQuery, .preCheckoutQuery, .subscription, .other: return
        }
    }

    /// The same for a message whose group is at hand.
    func sighted(_ message: Message, in group: ProtectedGroup) {
        if message.chat.title != group.title { keepTitle(message.chat) }
        guard let sender = message.senderChat, let channel = group.channels.first(where: { $0.id == sender.id }),
            sender.title != channel.title || sender.username != channel.username
        else { return }
        keepTitle(sender)
    }

    private func changed(_ chat: Chat) {
        switch chat.type {
        case .group, .supergroup:
            if let group = known(chat.id), group.title != chat.title { keepTitle(chat) }
        // Which groups require a channel is not in memory, so the store is asked.
        case .channel: keepTitle(chat)
        case .private, .unknown: return
        }
    }

    private func known(_ chat: ChatID) -> ProtectedGroup? {
        switch caches.groups.lookup(chat) {
        case .fresh(let group), .stale(let group): group
        case .missing: nil
        }
    }

    /// At most once an hour for a chat.
    private func keepTitle(_ chat: Chat) {
        guard notes.titles.claim(chat.id) else { return }
        // Owned by the store's call, which has a deadline.
        Task { @IO in
            do throws(StoreError) { try await Titles.keep(chat, store: store, caches: caches) } catch {
                notes.titles.release(chat.id)
                Log.debug("title_not_stored", .chatID(chat.id.value), .error("store"))
            }
        }
    }
}
