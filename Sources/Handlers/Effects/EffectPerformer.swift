// From an effect to the file that performs its kind, and what those files share.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

/// Performs one attempt at one effect. One file per kind holds what the kind does.
@IO
final class EffectPerformer {
    private static let callMilliseconds: Int64 = 8000

    let services: Services

    init(services: Services) { self.services = services }

    /// Makes one attempt.
    func perform(_ effect: Effect) async throws(EffectFailure) -> AttemptOutcome {
        try await attempt(at: effect.kind)(effect)
    }

    /// Not a switch of calls: each branch that waits would have room of its own in that function's memory.
    private func attempt(at kind: EffectKind) -> @IO (Effect) async throws(EffectFailure) -> AttemptOutcome {
        switch kind {
        case .delete: delete
        case .restrict: restrict
        case .prompt: prompt
        case .lift: lift
        case .approve: approve
        case .edit: edit
        case .expire: expire
        case .send: send
        case .notify: notify
        case .recheck: recheck
        }
    }

    /// On whose behalf a call is made, for the log of calls. Effects call once: the outbox repeats.
    /// A call ends before its lease does.
    func context(_ effect: Effect) -> CallContext {
        CallContext(
            userID: effect.user, groupID: effect.chat,
            deadline: Loop.shared.current().adding(milliseconds: Self.callMilliseconds))
    }

    /// Before a call that comes late in an attempt, after others or after the store was asked.
    func keepLease(_ effect: Effect) async throws(EffectFailure) {
        guard await services.workers.keepsLease(effect) else { throw .leaseLost }
    }

    /// The group's configuration, or `nil` when it was never protected.
    func group(_ id: ChatID) async throws(EffectFailure) -> ProtectedGroup? {
        do throws(FetchFailed) { return try await services.group(id) } catch { throw .store(.unavailable) }
    }

    /// The word for why nothing new is enforced in a group now, also what was decided before; `nil`: it is.
    func stop(in group: ProtectedGroup) -> String? {
        switch services.enforcement(of: group) {
        case .enforced: nil
        case .paused: "Paused"
        case .observe: "Observing"
        }
    }

    /// Takes the budget of one message; `nil`: it may be sent.
    func budgetWait(_ chat: ChatID) -> AttemptOutcome? {
        switch services.budget.take(chat, at: Loop.shared.now, replicas: services.replicas()) {
        case .granted: nil
        case .wait(let milliseconds, _): .wait(milliseconds: max(1, milliseconds))
        }
    }

    /// Sends; a topic that is closed or gone is replaced by General, and that by the group's own.
    func send(
        _ message: ComposedMessage, to chat: ChatID, thread: Int64?, fallback: Int64?, _ context: CallContext
    ) async throws(EffectFailure) -> MessageID {
        var left: [Int64?] = thread == nil ? [] : [nil]
        if let fallback, fallback != thread { left.append(fallback) }
        var place = thread
        while true {
            do throws(BotAPIError) {
                return try await services.api.sendMessage(
                    to: chat, text: message.html, keyboard: message.keyboard, threadID: place, context)
            } catch {
                guard error.errorClass == .topicGone, !left.isEmpty else { throw .api(error) }
                place = left.removeFirst()
            }
        }
    }

    /// Deletes a message; what is gone already is fine.
    func remove(_ message: MessageID, in chat: ChatID, _ context: CallContext) async throws(EffectFailure) {
        do throws(BotAPIError) { try await services.api.deleteMessage(message, in: chat, context) } catch {
            guard error.errorClass != .messageGone else { return }
            throw .api(error)
        }
    }
}

extension Effect {
    /// The payload's members; what cannot be read is as if it were not there.
    @inline(never)
    func value(_ key: String) -> JSONValue? {
        do throws(JSONError) { return try JSONValue(parsing: Array(payload.utf8))[key] } catch { return nil }
    }

    /// The message that the effect is about.
    var message: MessageID? { value("message")?.int.map { MessageID($0) } }
}
