// Requests to join: subscribers are let in, others get the buttons in private. A guard bot answers within ten seconds.

import Domain
import EventLoop
import Gate
import Observability
import Storage
import TelegramBotAPI

/// Checks who asks to come into a protected group.
@IO
struct JoinRequestHandler {
    /// A guard's answer is worth nothing ten seconds after the request; the call needs its own part of that.
    private static let guardPatienceMilliseconds: Int64 = 5000
    private static let answerMilliseconds: Int64 = 4000
    let services: Services

    func handle(_ request: ChatJoinRequest, update: UpdateID) async throws(UpdateFailure) -> Handled {
        guard let group = try await services.configuration(request.chat.id), group.isProtected else {
            // Whoever is the chat's guard has to say something: administrators decide.
            guard let query = request.queryID else { return .nothing }
            _ = await answer(query, .queue, request)
            return .recorded([], group: nil)
        }
        let inquiry = Inquiry(
            services: services, group: group, user: request.from.id, source: .join, occasion: .joinRequest)
        inquiry.facts.sender = request.from.isBot ? .bot : .person
        let decision = await inquiry.decide(
            patienceMilliseconds: request.queryID == nil ? 7000 : Self.guardPatienceMilliseconds)
        inquiry.log(decision)
        inquiry.markUnreachable()
        switch decision {
        case .approve: return try await approve(request, inquiry, decision, update)
        case .wait(let missing):
            if let query = request.queryID { _ = await answer(query, .queue, request) }
            guard !missing.isEmpty else { return request.queryID == nil ? .nothing : .recorded([], group: group.id) }
            var record = Record(update: update)
            var buttons = EffectWish.joinRequestButtons(for: request, missing: missing, update: update)
            buttons.startsAtOnce = services.workers.hasRoom(for: 1)
            record.effects = [buttons]
            return try await services.record(record)
        case .ignore, .allow, .need, .hold, .delete, .release:
            guard let query = request.queryID else { return .nothing }
            _ = await answer(query, .queue, request)
            return .recorded([], group: group.id)
        }
    }

    private func approve(
        _ request: ChatJoinRequest, _ inquiry: Inquiry, _ decision: Decision, _ update: UpdateID
    ) async throws(UpdateFailure) -> Handled {
        var record = Record(update: update)
        record.decision = inquiry.row(decision, update: update)
        // Answered before it is recorded: saying it twice is harmless, saying it late is not.
        if let query = request.queryID, await answer(query, .approve, request) {
            return try await services.record(record)
        }
        var approve = EffectWish.approve(request.from.id, in: inquiry.group.id)
        approve.startsAtOnce = services.workers.hasRoom(for: 1)
        record.effects = [approve]
        return try await services.record(record)
    }

    private func answer(_ query: String, _ answer: JoinRequestAnswer, _ request: ChatJoinRequest) async -> Bool {
        let context = CallContext(
            userID: request.from.id, groupID: request.chat.id,
            deadline: Loop.shared.current().adding(milliseconds: Self.answerMilliseconds), retries: .upTo(3))
        do throws(BotAPIError) {
            try await services.api.answerChatJoinRequestQuery(query, answer, context)
            return true
        } catch {
            // Unanswered, the request waits for administrators, or for an approval by its own method.
            Log.warning(
                "join_query_unanswered", .chatID(request.chat.id.value), .error(error.errorClass.rawValue))
            return false
        }
    }
}

extension Inquiry {
    /// Channels that could not be looked into stop counting, and the administrators are told.
    func markUnreachable() {
        guard !unreachable.isEmpty else { return }
        let (services, unreachable, group) = (services, unreachable, group.id)
        // Off the answer path; each store call in it has its own deadline.
        Task { @IO in await services.markBroken(unreachable, in: group) }
    }
}
