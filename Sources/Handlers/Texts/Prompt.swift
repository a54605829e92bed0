// The prompt: who is held is told why, and gets the buttons out of it. Pure.

import Domain
import JSON
import TelegramBotAPI

/// Why a person is told.
public enum PromptOpening: Equatable, Sendable {
    /// They wrote.
    case hello
    /// They joined the group.
    case welcome
    /// They left this channel.
    case left(channel: String)
    /// They wrote, and may not be muted: the text speaks of the message alone.
    case refused
}

/// A person whom a prompt addresses.
public struct PromptPerson: Equatable, Sendable {
    /// Who.
    public var id: UserID
    /// Their name as last seen; empty: the id is shown.
    public var name: String
    /// Why they are told.
    public var opening: PromptOpening

    /// A person with the given facts.
    public init(id: UserID, name: String, opening: PromptOpening = .hello) {
        self.id = id
        self.name = name
        self.opening = opening
    }
}

/// Where a prompt stands: what its text and links are made of.
public struct PromptPlace: Equatable, Sendable {
    /// The group.
    public var group: ChatID
    /// Its title.
    public var title: String
    /// Its settings.
    public var params: GroupParams
    /// The bot's name without `@`; empty while unknown, and then there is no link to the private chat.
    public var botUsername: String

    /// A place with the given facts.
    public init(group: ChatID, title: String, params: GroupParams, botUsername: String) {
        self.group = group
        self.title = title
        self.params = params
        self.botUsername = botUsername
    }

    /// The place of a group's prompts.
    public init(_ group: ProtectedGroup, botUsername: String) {
        self.init(group: group.id, title: group.title, params: group.params, botUsername: botUsername)
    }
}

/// A message ready to be sent with `parse_mode=HTML`.
public struct ComposedMessage: Equatable, Sendable {
    /// The text.
    public var html: String
    /// The buttons under it.
    public var keyboard: InlineKeyboard

    /// A message with the given parts.
    public init(html: String, keyboard: InlineKeyboard) {
        self.html = html
        self.keyboard = keyboard
    }

    /// `reply_markup` as JSON.
    public var keyboardJSON: String {
        var writer = JSONWriter()
        keyboard.write(to: &writer)
        return writer.text
    }
}

/// Composes prompts and standing notices within Telegram's limits.
public enum Prompt {
    /// UTF-16 units of a message after its markup is read.
    static let maximumLength = 4096
    /// How many people a prompt names.
    static let maximumMentions = 10
    /// How many join buttons a prompt has.
    static let maximumJoinButtons = 8

    /// The prompt for `people`, of whom `total` wait (`people` may be the first of them).
    ///
    /// - Parameter channels: what is missing, over all people.
    public static func compose(
        people: [PromptPerson], total: Int? = nil, channels: [RequiredChannel], in place: PromptPlace
    ) -> ComposedMessage {
        let language = Languages.named(place.params.language)
        let count = max(total ?? people.count, people.count)
        let shown = people.prefix(maximumMentions)
        let mentions = Markup.joined(shown.map { HTML.mention($0.id, name: $0.name) })
        let named = names(of: channels)
        let builtIn: Markup
        let data: String
        if count == 1, let person = people.first {
            builtIn = language.text(text(for: person, mention: mentions, channels: named))
            data = "verify:\(person.id.value)"
        } else {
            builtIn = language.text(.promptMany(mentions: mentions, more: count - shown.count, channels: named))
            data = "verify_membership"
        }
        var html = builtIn
        if let own = place.params.warningText, people.first?.opening != .refused {
            let filled = fill(own, mention: mentions, channels: named, group: place.title)
            if filled.visibleLength <= maximumLength { html = filled }
        }
        return ComposedMessage(
            html: html.html,
            keyboard: keyboard(
                channels, data: data, place: place, offersPrivate: place.params.offersPrivateVerify))
    }

    /// The standing notice while `waiting` people are held.
    public static func standing(
        waiting: Int, channels: [RequiredChannel], in place: PromptPlace
    ) -> ComposedMessage {
        let text = Languages.named(place.params.language)
            .text(.standingNotice(waiting: waiting, channels: names(of: channels, separator: ", ")))
        return ComposedMessage(
            html: text.html,
            keyboard: keyboard(channels, data: "verify_membership", place: place, offersPrivate: true))
    }

    /// One row per channel that has an address, at most eight.
    public static func joinRows(
        _ channels: [RequiredChannel], params: GroupParams, language: any Catalogue
    ) -> [[InlineButton]] {
        var rows: [[InlineButton]] = []
        for channel in channels where rows.count < maximumJoinButtons {
            guard let url = channel.joinURL else { continue }
            rows.append([InlineButton(joinLabel(channel, params: params, language: language), .url(url))])
        }
        return rows
    }

    /// Channels as they are named in a text: ten of them, and how many more.
    static func names(of channels: [RequiredChannel], separator: String = "\n") -> Markup {
        let bullet = separator == "\n" ? "• " : ""
        var parts = channels.prefix(10).map { Markup(escaping: bullet + Naming.channel($0)) }
        if channels.count > 10 { parts.append("\(bullet)+\(channels.count - 10)") }
        return .joined(parts, separator: separator)
    }

    // MARK: - Parts

    private static func text(for person: PromptPerson, mention: Markup, channels: Markup) -> Text {
        switch person.opening {
        case .hello: .promptHello(mention: mention, channels: channels)
        case .welcome: .promptWelcome(mention: mention, channels: channels)
        case .left(let channel):
            .promptLeft(mention: mention, left: Naming.shown(channel, maximum: 64), channels: channels)
        case .refused: .promptRefused(mention: mention, channels: channels)
        }
    }

    /// The administrators' own text: escaped first, then its fields are replaced, each in one pass, so that a name
    /// with `{group}` in it stays a name.
    private static func fill(_ own: String, mention: Markup, channels: Markup, group: String) -> Markup {
        var html = ""
        var rest = Substring(HTML.escape(own))
        let fields = [
            ("{mention}", mention.html), ("{channels}", channels.html),
            ("{group}", HTML.escape(Naming.shown(group, maximum: 128))),
        ]
        while let brace = rest.firstIndex(of: "{") {
            html += rest[..<brace]
            rest = rest[brace...]
            if let (field, value) = fields.first(where: { rest.hasPrefix($0.0) }) {
                html += value
                rest = rest.dropFirst(field.count)
            } else {
                html += "{"
                rest = rest.dropFirst()
            }
        }
        return Markup(html: html + rest)
    }

    private static func keyboard(
        _ channels: [RequiredChannel], data: String, place: PromptPlace, offersPrivate: Bool
    ) -> InlineKeyboard {
        let language = Languages.named(place.params.language)
        var rows = joinRows(channels, params: place.params, language: language)
        let verify = place.params.verifyButton.map { Naming.clipped($0, maximum: 64) } ?? language.label(.verify)
        rows.append([InlineButton(verify, .callback(data))])
        if offersPrivate && !place.botUsername.isEmpty {
            let address = "https://t.me/\(place.botUsername)?start=v_\(place.group.value)"
            rows.append([InlineButton(language.label(.verifyInPrivate), .url(address))])
        }
        return InlineKeyboard(rows)
    }

    private static func joinLabel(
        _ channel: RequiredChannel, params: GroupParams, language: any Catalogue
    ) -> String {
        let title = Naming.shown(channel.title.isEmpty ? Naming.channel(channel) : channel.title, maximum: 48)
        guard let own = params.joinButton else { return language.label(.join(title)) }
        let parts = own.split(separator: "{title}", omittingEmptySubsequences: false)
        return Naming.clipped(parts.joined(separator: title), maximum: 64)
    }
}
