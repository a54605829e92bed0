// Whom notices about a group reach, and the way to get them.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

extension Services {
    /// Who is told about a group in private: the owner, else every administrator who can be; empty: nobody.
    func noticeReaders(of group: ProtectedGroup) async throws(StoreError) -> [UserID] {
        if try await store.canMessage(group.owner) { return [group.owner] }
        guard let admins = await administrators(of: group.id) else { return [] }
        return try await store.reachable(
            among: admins.ids.filter { $0 != settings.botID }.sorted { $0.value < $1.value })
    }
}

/// The offer to get notices in private.
enum Notices {
    /// `t.me/bot?start=notify`; `nil` while the bot's name is unknown.
    static func button(_ settings: HandlerSettings, _ language: any Catalogue) -> InlineButton? {
        guard !settings.botUsername.isEmpty else { return nil }
        return InlineButton(language.label(.notices), .url("https://t.me/\(settings.botUsername)?start=notify"))
    }

    /// A keyboard of that button alone.
    static func keyboard(_ settings: HandlerSettings, _ language: any Catalogue) -> InlineKeyboard {
        InlineKeyboard(button(settings, language).map { [[$0]] } ?? [])
    }
}
