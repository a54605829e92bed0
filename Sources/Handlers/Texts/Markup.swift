// Text in Telegram's HTML: what is put into a literal is escaped, so that no title can break a message.

import Domain

/// Text for `parse_mode=HTML`.
///
/// Literals are markup; interpolated strings are escaped, interpolated markup is not.
public struct Markup: Equatable, Sendable, ExpressibleByStringInterpolation {
    /// The markup as it is sent.
    public let html: String

    /// Markup that is known to be sound.
    public init(html: String) { self.html = html }
    /// A literal of ours.
    public init(stringLiteral value: String) { html = value }
    /// Plain text, escaped.
    public init(escaping text: String) { html = HTML.escape(text) }
    /// The end of a literal with values in it.
    public init(stringInterpolation: Interpolation) { html = stringInterpolation.html }

    /// How many UTF-16 units Telegram counts: entities count as what they show, tags as nothing.
    public var visibleLength: Int { HTML.visibleLength(html) }

    /// Literal and values of a text.
    public struct Interpolation: StringInterpolationProtocol {
        var html = ""

        /// An empty text.
        public init(literalCapacity: Int, interpolationCount: Int) { html.reserveCapacity(literalCapacity + 64) }
        /// A part of ours.
        public mutating func appendLiteral(_ literal: String) { html += literal }
        /// A name, title or argument: escaped.
        public mutating func appendInterpolation(_ text: String) { html += HTML.escape(text) }
        /// A number.
        public mutating func appendInterpolation(_ number: Int) { html += String(number) }
        /// A number.
        public mutating func appendInterpolation(_ number: Int64) { html += String(number) }
        /// Markup made before.
        public mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    }

    /// The parts with `separator` between them.
    static func joined(_ parts: [Markup], separator: String = ", ") -> Markup {
        Markup(html: parts.map(\.html).joined(separator: separator))
    }
}

/// What Telegram's HTML asks of us.
public enum HTML {
    /// Plain text as markup.
    public static func escape(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x26 || $0 == 0x3C || $0 == 0x3E || $0 == 0x22 }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A link to a person that notifies them; the name is cut, and never empty.
    public static func mention(_ user: UserID, name: String) -> Markup {
        let shown = Naming.shown(name, maximum: 64)
        return #"<a href="tg://user?id=\#(user.value)">\#(shown.isEmpty ? String(user.value) : shown)</a>"#
    }

    /// Markup without its tags, its entities read: our own four.
    public static func plain(_ html: String) -> String {
        var text = ""
        var isInTag = false
        var entity: String?
        for scalar in html.unicodeScalars {
            switch scalar {
            case "<": isInTag = true
            case ">" where isInTag: isInTag = false
            case "&" where !isInTag: entity = ""
            case ";" where entity != nil:
                text += ["amp": "&", "lt": "<", "gt": ">", "quot": "\""][entity ?? ""] ?? ""
                entity = nil
            default:
                if isInTag { continue }
                if entity != nil { entity?.unicodeScalars.append(scalar) } else { text.unicodeScalars.append(scalar) }
            }
        }
        return text
    }

    /// UTF-16 units that remain when tags are dropped and entities are read.
    static func visibleLength(_ html: String) -> Int {
        var length = 0
        var isInTag = false
        var isInEntity = false
        for unit in html.utf16 {
            switch unit {
            case 0x3C: isInTag = true
            case 0x3E where isInTag: isInTag = false
            case 0x26 where !isInTag: isInEntity = true
            case 0x3B where isInEntity:
                isInEntity = false
                length += 1
            default: if !isInTag && !isInEntity { length += 1 }
            }
        }
        return length
    }
}
