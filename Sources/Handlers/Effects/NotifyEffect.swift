// Telling the administrators: the owner in private, else one line in the group; each once in a while.

import Domain
import EventLoop
import JSON
import Observability
import Storage
import TelegramBotAPI

/// What administrators are told.
enum AdminNotice: Equatable {
    /// A channel cannot be checked.
    case brokenLink(ChatID)
    /// The bot lacks these rights.
    case rightLost([BotRight])

    fileprivate var kind: String {
        switch self {
        case .brokenLink: "broken_link"
        case .rightLost: "right_lost"
        }
    }
}

extension EffectWish {
    /// A notice; those of one group and kind that wait are one.
    static func notice(_ notice: AdminNotice, in group: ChatID) -> EffectWish {
        let slot = WallClock.now.seconds / 21_600
        let payload: String
        switch notice {
        case .brokenLink(let channel): payload = #"{"say":"\#(notice.kind)","channel":\#(channel.value)}"#
        case .rightLost(let rights):
            let list = rights.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
            payload = #"{"say":"\#(notice.kind)","rights":[\#(list)]}"#
        }
        return EffectWish(
            .notify, key: "notify:\(group.value):\(notice.kind):\(slot)", chat: group, payload: payload)
    }
}

extension EffectPerformer {
    func notify(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        guard let group = try await group(effect.chat), let text = text(effect, group) else { return .done() }
        if effect.isPerhapsSentTwice { return .done() }
        let language = Languages.named(group.params.language)
        let kind = effect.value("say")?.string ?? ""
        let people = try await fromStore { () async throws(StoreError) in try await services.noticeReaders(of: group) }
        if !people.isEmpty {
            guard try await mayTell(kind, group.id, everySeconds: 6 * 3600) else { return .done() }
            if try await tell(people, language.text(text).html, effect) {
                await noteTold(kind, group.id)
                return .done()
            }
        }
        // One line for all kinds together: it is seen by everybody.
        guard try await mayTell("line", group.id, everySeconds: 24 * 3600) else { return .done() }
        if let wait = budgetWait(group.id) { return wait }
        let mention = HTML.mention(group.owner, name: await name(of: group.owner, in: group.id))
        try await keepLease(effect)
        let line = language.text(.noticeInGroup(owner: mention, notice: language.text(text)))
        _ = try await send(
            ComposedMessage(html: line.html, keyboard: Notices.keyboard(services.settings, language)), to: group.id,
            thread: nil,
            fallback: group.params.noticeTopic, context(effect))
        await noteTold("line", group.id)
        return .done()
    }

    /// Kept in the database, so that a restart repeats no notice.
    private func mayTell(_ kind: String, _ group: ChatID, everySeconds: Int64) async throws(EffectFailure) -> Bool {
        let last = try await fromStore { () async throws(StoreError) in
            try await services.store.setting("notice:\(kind):\(group.value)")
        }
        guard let last = last.flatMap({ Int64($0) }) else { return true }
        return WallClock.now.seconds - last >= everySeconds
    }

    private func noteTold(_ kind: String, _ group: ChatID) async {
        do throws(StoreError) {
            try await services.store.setSetting("notice:\(kind):\(group.value)", String(WallClock.now.seconds))
        } catch {
            Log.warning("notice_not_noted", .chatID(group.value))  // at worst it is said once more
        }
    }

    /// False: none of them can be written to (any more). Once one is told, the others are not worth telling that one twice.
    private func tell(_ people: [UserID], _ html: String, _ effect: Effect) async throws(EffectFailure) -> Bool {
        var isTold = false
        for person in people {
            do throws(EffectFailure) {
                if try await tell(person, html, effect) { isTold = true }
            } catch {
                guard isTold else { throw error }
                Log.debug("notice_not_sent", .chatID(effect.chat.value), .userID(person.value))
            }
        }
        return isTold
    }

    /// False: the person cannot be written to (any more).
    private func tell(_ person: UserID, _ html: String, _ effect: Effect) async throws(EffectFailure) -> Bool {
        do throws(BotAPIError) {
            _ = try await services.api.sendMessage(to: ChatID(privateWith: person), text: html, context(effect))
            return true
        } catch {
            switch error.errorClass {
            case .botBlocked, .chatNotFound, .userUnknown, .badRequest, .adminRightsMissing:
                try await fromStore { () async throws(StoreError) in
                    try await services.store.setCanMessage(false, user: person, username: nil, language: nil)
                }
                return false
            case .retryAfter:
                // The person's chat is paused, not the group.
                throw .later(milliseconds: (error.retryAfterSeconds ?? 1) * 1000)
            default: throw .api(error)
            }
        }
    }

    private func text(_ effect: Effect, _ group: ProtectedGroup) -> Text? {
        switch effect.value("say")?.string {
        case "broken_link":
            guard let id = effect.value("channel")?.int else { return nil }
            let channel = group.channels.first { $0.id.value == id }
            return .noticeBrokenLink(channel: channel.map(Naming.channel) ?? String(id), group: group.title)
        case "right_lost":
            let rights = (effect.value("rights")?.array ?? []).compactMap {
                $0.string.flatMap(BotRight.init(rawValue:))
            }
            return .noticeRightLost(rights, group: group.title)
        default: return nil
        }
    }
}
