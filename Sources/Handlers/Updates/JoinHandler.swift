// New members of a protected group: checked once, by whichever update tells of them first.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

/// Checks who comes into a protected group.
@IO
struct JoinHandler {
    let services: Services

    /// Somebody became a member, as `chat_member` shows it: with their state, so what others restricted is known.
    func joined(
        _ user: User, in chat: ChatID, state: ChatMember?, update: UpdateID
    ) async throws(UpdateFailure) -> Handled {
        services.caches.presence.set(PairOrder.Pair(chat: chat, user: user.id), true)
        guard !user.isBot, let group = try await services.configuration(chat), group.isProtected else {
            return .nothing
        }
        // The update and the service message tell the same; the first one counts.
        let pair = PairOrder.Pair(chat: chat, user: user.id)
        guard services.notes.joins.claim(pair) else { return .nothing }
        do throws(UpdateFailure) {
            return try await check(user, group, state, update)
        } catch {
            services.notes.joins.release(pair)
            throw error
        }
    }

    /// The service message of people who joined or were added.
    func joined(_ message: Message, update: UpdateID) async throws(UpdateFailure) -> Handled {
        var effects: [Effect] = []
        for user in message.newChatMembers {
            if case .recorded(let own, _) = try await joined(user, in: message.chat.id, state: nil, update: update) {
                effects += own
            }
        }
        guard let group = try await services.configuration(message.chat.id), group.isProtected,
            group.params.deletesJoins
        else { return effects.isEmpty ? .nothing : .recorded(effects, group: message.chat.id) }
        var record = Record(update: nil)
        record.effects = [.delete(message.id, in: message.chat.id)]
        if case .recorded(let own, _) = try await services.record(record) { effects += own }
        return .recorded(effects, group: message.chat.id)
    }

    private func check(
        _ user: User, _ group: ProtectedGroup, _ state: ChatMember?, _ update: UpdateID
    ) async throws(UpdateFailure) -> Handled {
        services.notes.note(ProcessNotes.Name(name: user.fullName, language: user.languageCode), of: user.id)
        let inquiry = Inquiry(services: services, group: group, user: user.id, source: .join, occasion: .join)
        let decision = await inquiry.decide(patienceMilliseconds: 7000)
        inquiry.log(decision)
        inquiry.markUnreachable()
        guard case .hold(let missing) = decision else { return .nothing }
        guard services.enforcement(of: group) == .enforced else {
            services.log.offer(.decision(inquiry.row(decision, update: update)))
            return .nothing
        }
        guard !services.workers.isOverloaded else { throw .overloaded }
        // Without the person's state (service message) a recheck asks for it before anything is set.
        guard let state else {
            var record = Record(update: nil)
            record.effects = [.recheck(user.id, in: group.id, source: .join)]
            return try await services.record(record)
        }
        var record = Record(update: update)
        record.decision = inquiry.row(decision, update: update)
        record.hold = HoldWish(
            group: group.id, user: user.id, channels: missing, source: .join,
            priorPermissions: PriorPermissions(state)?.json)
        var restrict = EffectWish.restrict(user.id, in: group.id)
        restrict.startsAtOnce = services.workers.hasRoom(for: 1)
        record.effects = [restrict, .prompt(in: group.id)]
        services.events?.held(
            user.id, name: user.fullName, in: group.id, reason: "joined",
            milliseconds: Loop.shared.current().milliseconds(since: inquiry.began))
        return try await services.record(record)
    }
}
