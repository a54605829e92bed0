// From an update to the file that handles its kind.

import Domain
import EventLoop
import Gate
import Storage
import TelegramBotAPI

/// Knows which handler is for what.
@IO
struct UpdateRouter {
    let services: Services
    let commands: Commands
    let menu: MenuButtons
    let buttons: ButtonHandler

    func handle(_ update: Update) async throws(UpdateFailure) -> Handled {
        // Each task holds what its functions hold while they wait: messages, most of all, go a way of their own.
        switch update.kind {
        case .message: return try await handleMessage(of: update)
        case .editedMessage: return try await handleEdit(of: update)
        case .callbackQuery, .chatMember, .myChatMember, .chatJoinRequest, .preCheckoutQuery, .subscription, .other:
            return try await handleOther(update)
        }
    }

    @inline(never)
    private func handleMessage(of update: Update) async throws(UpdateFailure) -> Handled {
        guard case .message(let message) = update.kind else { return .nothing }
        return try await handle(message, update.id)
    }

    @inline(never)
    private func handleEdit(of update: Update) async throws(UpdateFailure) -> Handled {
        guard case .editedMessage(let message) = update.kind else { return .nothing }
        return try await MessageHandler(services: services).handle(message, occasion: .edit, update: update.id)
    }

    @inline(never)
    private func handleOther(_ update: Update) async throws(UpdateFailure) -> Handled {
        switch update.kind {
        case .callbackQuery(let query):
            services.log.offer(.activity(query.from.id, atMicroseconds: WallClock.now.microseconds))
            if await menu.handle(query) { return .recorded([], group: nil) }
            if await commands.pressed(query) { return .recorded([], group: nil) }
            return await buttons.pressed(query)
        case .chatMember(let change):
            return try await ChatMemberHandler(services: services).handle(change, update: update.id)
        case .myChatMember(let change):
            return try await MyChatMember(services: services).handle(change, update: update.id)
        case .chatJoinRequest(let request):
            return try await JoinRequestHandler(services: services).handle(request, update: update.id)
        case .preCheckoutQuery(let query):
            await refuse(query)
            return .recorded([], group: nil)
        case .message, .editedMessage, .subscription, .other: return .nothing
        }
    }

    private func handle(_ message: Message, _ update: UpdateID) async throws(UpdateFailure) -> Handled {
        if let new = message.migrateToChatID {
            guard await Migration(services: services).move(message.chat.id, to: new) else { throw .storeAway }
            return .recorded([], group: new)
        }
        if !message.newChatMembers.isEmpty, message.chat.isGroup {
            return try await JoinHandler(services: services).joined(message, update: update)
        }
        guard !message.isService, message.mayBeCommand else {
            guard message.chat.isGroup else { return await handlePrivate(message) }
            return try await MessageHandler(services: services).handle(message, occasion: .message, update: update)
        }
        return try await handleCommand(message, update)
    }

    /// No command, in private: a channel that was asked for, or nothing to us.
    @inline(never)
    private func handlePrivate(_ message: Message) async -> Handled {
        guard message.chat.type == .private, message.sharedChat != nil || message.forwardOrigin != nil,
            await commands.chosen(message)
        else { return .nothing }
        return .recorded([], group: nil)
    }

    /// A message that begins like a command.
    @inline(never)
    private func handleCommand(_ message: Message, _ update: UpdateID) async throws(UpdateFailure) -> Handled {
        let call = CommandCall(message, botUsername: services.settings.botUsername)
        guard message.chat.isGroup else {
            guard message.chat.type == .private, let call else { return .nothing }
            return await answer(call)
        }
        guard let call else {
            return try await MessageHandler(services: services).handle(message, occasion: .message, update: update)
        }
        // An administrator's command goes before the rules; others' is answered if the message stands, /verify always.
        if await isAdministrator(call) { return await answer(call) }
        let (handled, stands) = try await MessageHandler(services: services).judge(
            message, occasion: .message, update: update)
        switch handled {
        case .nothing: return await answer(call)
        case .repeated: return handled
        case .recorded:
            if stands || call.name == .verify { _ = await answer(call) }
            return handled
        }
    }

    private func isAdministrator(_ call: CommandCall) async -> Bool {
        if call.isAnonymousAdmin { return true }
        guard call.name != nil, let user = call.user else { return false }
        return await services.administrators(of: call.chat.id)?.ids.contains(user.id) == true
    }

    /// Commands are not recorded: a repeat of the delivery in this process is answered by the recent ids.
    private func answer(_ call: CommandCall) async -> Handled {
        await commands.handle(call)
        return .recorded([], group: nil)
    }

    /// There are no plans to pay for.
    private func refuse(_ query: PreCheckoutQuery) async {
        let context = CallContext(
            userID: query.from.id, deadline: Loop.shared.current().adding(milliseconds: 8000), retries: .upTo(2))
        do throws(BotAPIError) {
            try await services.api.answerPreCheckoutQuery(
                query.id, refusal: Languages.of(languageCode: query.from.languageCode).toast(.noPayments), context)
        } catch {
            return  // an unanswered query fails by itself after 10 s
        }
    }
}

extension Update {
    /// The person and chat whose updates keep their order.
    var pair: PairOrder.Pair? {
        switch kind {
        case .message(let message), .editedMessage(let message):
            message.from.map { PairOrder.Pair(chat: message.chat.id, user: $0.id) }
        case .callbackQuery(let query):
            PairOrder.Pair(chat: query.message?.chat.id ?? ChatID(privateWith: query.from.id), user: query.from.id)
        case .chatMember(let change): PairOrder.Pair(chat: change.chat.id, user: change.new.user.id)
        case .myChatMember(let change): PairOrder.Pair(chat: change.chat.id, user: change.from.id)
        case .chatJoinRequest(let request): PairOrder.Pair(chat: request.chat.id, user: request.from.id)
        case .preCheckoutQuery, .subscription, .other: nil
        }
    }
}
