// What a command is: a name, who may send it, and one function from the call to replies.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Who may send a command, and where.
enum Audience: Sendable {
    /// Everybody, everywhere.
    case everybody
    /// Everybody in a group.
    case group
    /// Everybody in private.
    case privateChat
    /// Administrators of the group: commands that read.
    case groupAdmins
    /// The owner, and administrators who may restrict members: commands that change.
    case groupRestrictors
    /// The same in a group; in private who runs the service.
    case groupRestrictorsOrBotAdmins
    /// Owner and restricting administrators, in supergroups only, since nobody can be muted elsewhere.
    case supergroupRestrictors
}

/// Why a command came to nothing. Nothing was changed then, or asking again is harmless.
enum CommandError: Error, Equatable {
    /// The database did not do as asked.
    case store(StoreError)
    /// Telegram did not answer a question without which the command cannot go on.
    case telegram(BotAPIError)
}

/// One command: one file.
@IO
protocol Command {
    static var name: CommandName { get }
    static var audience: Audience { get }
    /// Does what is asked and says what is answered, one reply a message.
    func run(_ call: CommandCall) async throws(CommandError) -> [Reply]
}

/// A message of the bot in answer to a command; in words only when it is sent.
struct Reply: Equatable, Sendable {
    /// A line or paragraph.
    enum Part: Equatable, Sendable {
        /// From the catalogue.
        case text(Text)
        /// The outcome of a check, from the catalogue.
        case outcome(VerifyOutcome)
        /// A line of `/settings`: the key and its value, `nil` for a built-in text.
        case setting(SettingKey, String?)
    }

    var parts: [Part]
    var keyboard: InlineKeyboard?

    init(_ text: Text, keyboard: InlineKeyboard? = nil) {
        parts = [.text(text)]
        self.keyboard = keyboard
    }

    init(parts: [Part], keyboard: InlineKeyboard? = nil) {
        self.parts = parts
        self.keyboard = keyboard
    }

    /// The messages in a language, each within Telegram's length, split at line ends.
    func pages(in language: any Catalogue) -> [Markup] {
        let lines = parts.map { part -> Markup in
            switch part {
            case .text(let text): language.text(text)
            case .outcome(let outcome): Markup(escaping: outcome.line(in: language))
            case .setting(let key, let value):
                "<code>\(key.rawValue)</code> = \(value.map { Markup(escaping: $0) } ?? language.text(.settingBuiltIn))"
            }
        }
        return Self.split(Markup.joined(lines, separator: "\n"), maximum: Prompt.maximumLength)
    }

    /// Splits at line ends; our markup never spans lines. A line that is too long alone loses its markup and its end.
    static func split(_ text: Markup, maximum: Int) -> [Markup] {
        guard text.visibleLength > maximum else { return [text] }
        var pages: [Markup] = []
        var page = ""
        var length = 0
        for line in text.html.split(separator: "\n", omittingEmptySubsequences: false) {
            var part = Markup(html: String(line))
            if part.visibleLength > maximum {
                part = Markup(html: HTML.escape(Naming.clipped(HTML.plain(part.html), maximum: maximum)))
            }
            if length + part.visibleLength + 1 > maximum, !page.isEmpty {
                pages.append(Markup(html: page))
                (page, length) = ("", 0)
            }
            page += page.isEmpty ? part.html : "\n" + part.html
            length += part.visibleLength + 1
        }
        if !page.isEmpty { pages.append(Markup(html: page)) }
        return pages
    }
}

/// What a check by button or `/verify` came to.
public enum VerifyOutcome: Equatable, Sendable {
    /// These channels are missing.
    case stillMissing([RequiredChannel])
    /// Telegram did not say; the restriction stays.
    case telegramSilent
    /// Released.
    case canWriteNow
    /// Verified; the lift goes on.
    case opensInAMoment
    /// Was not held.
    case canWriteHere
    /// An administrator restricted them.
    case restrictedByAdmin
    /// The group is not protected (any more).
    case noLongerProtected
    /// The database is away.
    case unavailable

    /// As a toast, or as a line of a reply; plain text.
    public func line(in language: any Catalogue) -> String {
        switch self {
        case .stillMissing(let channels): language.stillMissing(channels)
        case .telegramSilent: language.toast(.telegramSilent)
        case .canWriteNow: language.toast(.canWriteNow)
        case .opensInAMoment: language.toast(.opensInAMoment)
        case .canWriteHere: language.toast(.canWriteHere)
        case .restrictedByAdmin: language.toast(.restrictedByAdmin)
        case .noLongerProtected: language.toast(.noLongerProtected)
        case .unavailable: language.toast(.somethingWrong)
        }
    }
}

/// The check behind the button, for `/verify` and the private chat.
@IO
public protocol Verifying: AnyObject {
    /// Checks a person afresh in a group and releases them if they are subscribed to everything.
    func verify(_ user: UserID, in group: ChatID) async -> VerifyOutcome
}

/// Runs store functions so that their errors become the command's.
@IO
func stored<Value>(_ body: @IO () async throws(StoreError) -> Value) async throws(CommandError) -> Value {
    do throws(StoreError) {
        return try await body()
    } catch {
        throw .store(error)
    }
}

/// Runs calls to Telegram so that their errors become the command's.
@IO
func asked<Value>(_ body: @IO () async throws(BotAPIError) -> Value) async throws(CommandError) -> Value {
    do throws(BotAPIError) {
        return try await body()
    } catch {
        throw .telegram(error)
    }
}
