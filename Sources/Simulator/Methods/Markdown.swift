// MarkdownV2 and the older Markdown as Telegram takes them (bots/api#formatting-options), over bytes.

import JSON

/// Reads one text; what is marked becomes entities with offsets in UTF-16.
struct Markdown {
    private struct Open {
        let kind: String
        /// What ends it.
        let end: [UInt8]
        /// Where it begins, in UTF-16 of the plain text and in bytes of the source.
        let offset: Int
        let byte: Int
        var language = ""
    }

    private let source: [UInt8]
    private let isV2: Bool
    private var index = 0
    private var output: [UInt8] = []
    /// The length of `output` in UTF-16.
    private var length = 0
    private var open: [Open] = []
    private var isQuote = false
    private var found: [FormattedText.Mark] = []

    private static let reserved = Set("_*[]()~`>#+-=|{}.!".utf8)
    private static let names = [
        "bold": "Bold", "italic": "Italic", "underline": "Underline", "strikethrough": "Strikethrough",
        "spoiler": "Spoiler", "code": "Code", "pre": "Pre", "text_link": "TextUrl", "blockquote": "BlockQuote",
    ]

    init(_ text: String, isV2: Bool) {
        source = Array(text.utf8)
        self.isV2 = isV2
    }

    /// The plain text and its marks.
    mutating func parse() throws(MethodError) -> (plain: String, marks: [FormattedText.Mark]) {
        while index < source.count { try step() }
        if isQuote { closeQuote() }
        if let unclosed = open.last {
            let place = "at byte offset \(unclosed.byte)"
            let name = Self.names[unclosed.kind] ?? ""
            throw .badRequest(
                isV2
                    ? "can't parse entities: Can't find end of \(name) entity \(place)"
                    : "can't parse entities: Can't find end of the entity starting \(place)")
        }
        return (String(decoding: output, as: UTF8.self), found)
    }

    private mutating func step() throws(MethodError) {
        let byte = source[index]
        let isLiteral = open.last?.kind == "code" || open.last?.kind == "pre"
        if byte == UInt8(ascii: "\\"), index + 1 < source.count, isEscapable(source[index + 1]) {
            put(source[index + 1])
            index += 2
        } else if isV2, !isLiteral, isQuote, byte == UInt8(ascii: "\n") {
            // A quote goes on while the next line begins with its sign.
            if at(index + 1, ">") {
                put(byte)
                index += 2
            } else {
                closeQuote()
                put(byte)
                index += 1
            }
        } else if let last = open.last, source[index...].starts(with: last.end) {
            index += last.end.count
            open.removeLast()
            try close(last)
        } else if isLiteral {
            put(byte)
            index += 1
        } else if try !begin(byte) {
            guard !isV2 || !Self.reserved.contains(byte) else {
                throw .badRequest(
                    "can't parse entities: Character '\(Character(Unicode.Scalar(byte)))' is reserved and must be "
                        + "escaped with the preceding '\\'")
            }
            put(byte)
            index += 1
        }
    }

    /// Opens what the byte opens; false if it opens nothing.
    private mutating func begin(_ byte: UInt8) throws(MethodError) -> Bool {
        let start: (kind: String, sign: String, end: String)
        switch byte {
        case UInt8(ascii: "`"): start = isAt("```") ? ("pre", "```", "```") : ("code", "`", "`")
        case UInt8(ascii: "*"): start = ("bold", "*", "*")
        case UInt8(ascii: "_"): start = isV2 && isAt("__") ? ("underline", "__", "__") : ("italic", "_", "_")
        case UInt8(ascii: "["): start = ("text_link", "[", "]")
        case UInt8(ascii: "~") where isV2: start = ("strikethrough", "~", "~")
        case UInt8(ascii: "|") where isV2 && isAt("||"): start = ("spoiler", "||", "||")
        case UInt8(ascii: "!") where isV2 && isAt("!["): start = ("text_link", "![", "]")
        case UInt8(ascii: ">") where isV2 && (index == 0 || source[index - 1] == UInt8(ascii: "\n")):
            isQuote = true
            open.insert(Open(kind: "blockquote", end: [0], offset: length, byte: index), at: 0)
            index += 1
            return true
        default: return false
        }
        var opened = Open(kind: start.kind, end: Array(start.end.utf8), offset: length, byte: index)
        index += start.sign.utf8.count
        if start.kind == "pre" {
            opened.language = language()
            if at(index, "\n") { index += 1 }
        }
        open.append(opened)
        return true
    }

    /// The word between the signs of a block of code and the end of their line.
    private mutating func language() -> String {
        guard let end = source[index...].firstIndex(where: { $0 == 0x0A || $0 == 0x20 || $0 == UInt8(ascii: "`") }),
            source[end] == 0x0A
        else { return "" }
        defer { index = end }
        return String(decoding: source[index..<end], as: UTF8.self)
    }

    private mutating func close(_ ended: Open) throws(MethodError) {
        var target = ""
        if ended.kind == "text_link" {
            guard at(index, "(") else { return }
            var bytes: [UInt8] = []
            index += 1
            while index < source.count, source[index] != UInt8(ascii: ")") {
                if source[index] == UInt8(ascii: "\\"), index + 1 < source.count { index += 1 }
                bytes.append(source[index])
                index += 1
            }
            guard index < source.count else {
                throw .badRequest("can't parse entities: Can't find end of a URL at byte offset \(ended.byte)")
            }
            index += 1
            target = String(decoding: bytes, as: UTF8.self)
        }
        guard length > ended.offset else { return }
        let language = ended.language
        found.append(
            FormattedText.Mark(
                kind: ended.kind, offset: ended.offset, length: length - ended.offset, target: target,
                language: language))
    }

    private mutating func closeQuote() {
        isQuote = false
        guard let index = open.firstIndex(where: { $0.kind == "blockquote" }) else { return }
        let quote = open.remove(at: index)
        guard length > quote.offset else { return }
        found.append(
            FormattedText.Mark(kind: "blockquote", offset: quote.offset, length: length - quote.offset, target: ""))
    }

    private func isEscapable(_ byte: UInt8) -> Bool {
        isV2 ? (1...126).contains(byte) : "_*`[".utf8.contains(byte)
    }

    private func at(_ place: Int, _ sign: StaticString) -> Bool {
        place < source.count && source[place] == sign.utf8Start[0]
    }

    private func isAt(_ sign: String) -> Bool { source[index...].starts(with: sign.utf8) }

    private mutating func put(_ byte: UInt8) {
        output.append(byte)
        // A lead byte of four is two units, a continuation byte none.
        length += byte >= 0xF0 ? 2 : byte & 0xC0 == 0x80 ? 0 : 1
    }
}
