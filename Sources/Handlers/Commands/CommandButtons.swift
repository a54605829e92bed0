// Buttons that do what a command does: the presser's right is looked at again at each press.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// A press of such a button, its data taken apart.
struct ButtonPress {
    /// The press.
    let query: CallbackQuery
    /// The group that the button is about.
    let group: ProtectedGroup
    /// What is between the first and the last part of the data.
    let arguments: [String]

    /// A person among the arguments.
    func person(_ index: Int) -> UserID? {
        index < arguments.count ? CallbackData.user(arguments[index]) : nil
    }
}

/// What becomes of the message with the button.
enum ButtonOutcome {
    /// It becomes this reply.
    case message(Reply)
    /// It stays; the presser reads this.
    case toast(Toast)
}

/// One kind of button; its data is `name:…:{group}`.
@IO
protocol CommandButton {
    /// The first part of the data.
    static var name: String { get }
    /// Who may press it.
    static var audience: Audience { get }
    /// Does what the button says.
    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome
}

/// The buttons that exist, and how a press is answered.
@IO
struct CommandButtons {
    private let tools: CommandTools
    private let list: [String: any CommandButton]

    init(tools: CommandTools) {
        self.tools = tools
        let all: [any CommandButton] = [
            ReleaseButton(tools: tools), ExemptButton(tools: tools), ModeButton(tools: tools),
            EndPauseButton(tools: tools),
            PurgeButton(tools: tools),
        ]
        list = Dictionary(uniqueKeysWithValues: all.map { (type(of: $0).name, $0) })
    }

    /// Answers a press if its data is that of one of the buttons; false: it is for others.
    func handle(_ query: CallbackQuery) async -> Bool {
        // Data made up by hand names a group too: whoever sends it needs the right there.
        guard case .command(let name, let arguments, let id)? = query.data.flatMap({ CallbackData($0) }),
            let button = list[name], let message = query.message
        else { return false }
        let language = Languages.of(languageCode: query.from.languageCode)
        do throws(CommandError) {
            let known = try await stored { () async throws(StoreError) in try await tools.store.group(id) }
            guard let group = known else {
                await answer(query, language.toast(.outOfDate), isAlert: false)
                return true
            }
            if let refusal = await CommandRights(tools: tools).refusal(
                of: type(of: button).audience, in: id, message.chat.id == id ? message.chat.type : nil,
                user: query.from.id)
            {
                await answer(query, HTML.plain(language.text(refusal).html))
                return true
            }
            let press = ButtonPress(query: query, group: group, arguments: arguments)
            switch try await button.press(press) {
            case .toast(let toast): await answer(query, language.toast(toast))
            case .message(let reply):
                await answer(query, nil)
                await show(reply, message, query, group)
            }
        } catch {
            _ = CommandFailure.report(error, name: "button_\(name)", chat: id)
            await answer(query, language.toast(.somethingWrong))
        }
        return true
    }

    /// In the group's language where others read it, else in the presser's, which is how the message was written.
    private func show(_ reply: Reply, _ message: Message, _ query: CallbackQuery, _ group: ProtectedGroup) async {
        let isPrivate = message.chat.type == .private
        let language =
            isPrivate ? Languages.of(languageCode: query.from.languageCode) : Languages.named(group.params.language)
        guard let page = reply.pages(in: language).first else { return }
        do throws(BotAPIError) {
            try await tools.telegram.edit(
                message.id, in: message.chat.id, to: page.html, keyboard: reply.keyboard ?? InlineKeyboard([]))
        } catch {
            // What was pressed is done; the message may be gone by now.
            Log.warning("button_edit_failed", .chatID(message.chat.id.value), .error(error.errorClass.rawValue))
        }
    }

    private func answer(_ query: CallbackQuery, _ text: String?, isAlert: Bool = true) async {
        do throws(BotAPIError) {
            try await tools.telegram.answer(
                query.id, text.map { Naming.clipped($0, maximum: 200) }, isAlert: isAlert && text != nil)
        } catch {
            // The spinner ends by itself; the deed matters more.
            Log.debug("callback_answer_failed", .error(error.errorClass.rawValue))
        }
    }
}

/// `release:{user}:{group}` under an answer to `/why`.
struct ReleaseButton: CommandButton {
    static let name = "release"
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome {
        guard let person = press.person(0) else { return .toast(.outOfDate) }
        let user = User(id: person, firstName: tools.services.notes.name(of: person)?.name ?? "")
        let release = Release(tools: tools)
        return .message(Reply(try await release.release(user, in: press.group, by: press.query.from.id)))
    }
}

/// `exempt:{user}:{group}` under an answer to `/why`.
struct ExemptButton: CommandButton {
    static let name = "exempt"
    static let audience = Audience.groupRestrictors

    let tools: CommandTools

    func press(_ press: ButtonPress) async throws(CommandError) -> ButtonOutcome {
        guard let person = press.person(0) else { return .toast(.outOfDate) }
        let name = tools.services.notes.name(of: person)?.name ?? ""
        guard try await Exempt(tools: tools).exempt(person, in: press.group, by: press.query.from.id) else {
            return .message(Reply(.exemptionsFull))
        }
        return .message(Reply(.exempted(HTML.mention(person, name: name))))
    }
}
