// /forget: asks, and after the press deletes what is stored about the sender.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

struct Forget: Command {
    static let name = CommandName.forget
    static let audience = Audience.privateChat

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        guard let user = call.user else { return [] }
        return [Reply(.forgetAsked, keyboard: Self.keyboard(Languages.of(languageCode: user.languageCode)))]
    }

    static func keyboard(_ language: any Catalogue) -> InlineKeyboard {
        [[InlineButton(language.label(.forget), .callback(CallbackData.forgetting))]]
    }
}

/// The press that means it.
@IO
struct ForgetButton {
    let tools: CommandTools

    /// Answers a press if it is on this button; false: it is for others.
    func handle(_ query: CallbackQuery) async -> Bool {
        guard query.data.flatMap({ CallbackData($0) }) == .forget else { return false }
        let language = Languages.of(languageCode: query.from.languageCode)
        guard let message = query.message, message.chat.type == .private else {
            await tools.answer(query, language.toast(.outOfDate))
            return true
        }
        // At once: the rows may be many.
        await tools.answer(query, nil)
        let (text, keyboard) = await outcome(of: query.from.id, language)
        do throws(BotAPIError) {
            try await tools.telegram.edit(
                message.id, in: message.chat.id, to: language.text(text).html, keyboard: keyboard)
        } catch {
            Log.warning("forget_edit_failed", .error(error.errorClass.rawValue))
        }
        return true
    }

    /// What is said; the button stays when it may be pressed again.
    private func outcome(of user: UserID, _ language: any Catalogue) async -> (Text, InlineKeyboard?) {
        do throws(StoreError) {
            let rows = try await Forgetting(store: tools.store, log: tools.services.log).forget(user)
            return (
                .forgotten(days: rows.activityDays, decisions: rows.decisions, verifications: rows.verifications), nil
            )
        } catch {
            let reference = CommandFailure.report(
                .store(error), name: Forget.name.rawValue, chat: ChatID(privateWith: user))
            return (.somethingWrong(reference: reference), Forget.keyboard(language))
        }
    }
}
