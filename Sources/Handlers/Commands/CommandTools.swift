// What commands are given: the lower rooms, and the few things that several commands do alike.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// The parts that commands use; made by the wiring.
@IO
public final class CommandTools {
    /// Store, log, settings.
    public let services: Services
    /// The caches that commands read and empty.
    public let caches: Caches
    /// Telegram.
    public let telegram: any CommandTelegram
    /// The check behind the button.
    public let verifying: any Verifying
    /// Starts effects that a record leased to this replica; with none, wakes the workers.
    let start: @IO ([Effect]) -> Void
    /// Counts members of these chats soon, off the answer.
    let countSoon: @IO ([SyncChat]) -> Void

    /// Puts the parts together.
    public init(
        services: Services, caches: Caches, telegram: any CommandTelegram, verifying: any Verifying,
        start: @escaping @IO ([Effect]) -> Void, countSoon: @escaping @IO ([SyncChat]) -> Void
    ) {
        self.services = services
        self.caches = caches
        self.telegram = telegram
        self.verifying = verifying
        self.start = start
        self.countSoon = countSoon
    }

    var store: any Store { services.store }
    var botID: UserID { services.settings.botID }
    var botUsername: String { services.settings.botUsername }

    /// The administrators of a group, or `nil` when they cannot be read.
    func administrators(of chat: ChatID) async -> AdminList? { await services.administrators(of: chat) }

    /// The rights that the bot lacks in a group.
    func missingRights(in group: ChatID) async throws(BotAPIError) -> [BotRight] {
        let bot = try await telegram.member(botID, of: group, for: group)
        guard bot.isAdministrator else { return [.restrictMembers, .deleteMessages] }
        var missing: [BotRight] = []
        if !bot.canRestrictMembers { missing.append(.restrictMembers) }
        if !bot.canDeleteMessages { missing.append(.deleteMessages) }
        return missing
    }

    /// Stores what differs from the group's present settings; `releasing` ends all its holds with that decision. Returns
    /// the number of those who are released. `admin` nil: an anonymous administrator.
    @discardableResult
    func change(
        _ group: ProtectedGroup, to params: GroupParams, as action: AuditRow.Action, by admin: UserID?,
        releasing: DecisionRow? = nil
    ) async throws(CommandError) -> Int {
        let released = try await stored { () async throws(StoreError) in
            try await store.changeParams(
                from: group.params, to: params, of: group.id, releasing: releasing,
                audit: AuditRow(action, by: admin, .group(group.id)))
        }
        await forget(group.id)
        return released
    }

    /// A group's configuration changed: no replica goes on with the old one.
    func forget(_ group: ChatID) async {
        caches.groups.forget(group)
        do throws(StoreError) {
            try await store.tellCaches("group:\(group.value)")
        } catch {
            // The change is stored; the others learn it when their copy ages (30 s).
            Log.warning("cache_message_failed", .chatID(group.value), .error("\(error)"))
        }
    }

    /// Answers a press without an alert; `nil`: the spinner ends.
    func answer(_ query: CallbackQuery, _ text: String?) async {
        do throws(BotAPIError) {
            try await telegram.answer(query.id, text, isAlert: false)
        } catch {
            // The spinner ends by itself; the screen matters more.
            Log.debug("callback_answer_failed", .error(error.errorClass.rawValue))
        }
    }

    /// Whether a person is subscribed to each channel: from memory, else asked; `nil` where Telegram did not say.
    func check(_ user: UserID, in channels: [RequiredChannel], for group: ChatID) async -> [CheckedChannel] {
        var checked: [CheckedChannel] = []
        for channel in channels {
            var membership = caches.verdicts.verdict(user, in: channel.id)?.membership
            if membership != .member {
                do throws(BotAPIError) {
                    membership = try await telegram.member(user, of: channel.id, for: group).membership
                    if let membership { caches.verdicts.note(membership, of: user, in: channel.id) }
                } catch {
                    membership = error.errorClass == .userUnknown ? .notMember : nil
                }
            }
            checked.append(
                CheckedChannel(name: Naming.channel(channel), isMember: membership.map { $0 == .member }))
        }
        return checked
    }
}
