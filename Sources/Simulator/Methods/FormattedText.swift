// Marked text as Telegram takes it: tags and signs become entities, and lengths count without them.

import JSON

/// A text without its markup, and the marked parts.
struct FormattedText {
    private(set) var plain: String
    var entities: [JSONValue]

    private static let kinds: [String: String] = [
        "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
        "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
        "tg-spoiler": "spoiler", "blockquote": "blockquote", "a": "text_link", "span": "spoiler",
        "tg-emoji": "custom_emoji",
    ]

    /// A marked part, before it becomes an entity.
    struct Mark {
        let kind: String
        /// In UTF-16.
        let offset: Int
        let length: Int
        /// The address of a link.
        let target: String
        var language = ""

        /// The entity; nothing if a link leads nowhere.
        var entity: JSONValue? {
            guard kind == "text_link" else {
                let extra: [(key: String, value: JSONValue)] = language.isEmpty ? [] : [("language", .string(language))]
                return TextMarks.entity(kind, offset: offset, length: length, extra: extra)
            }
            if let id = target.hasPrefix("tg://user?id=") ? Int64(target.dropFirst(13)) : nil {
                let user = JSONValue.object([("id", .int(id)), ("is_bot", .bool(false)), ("first_name", .string(""))])
                return TextMarks.entity("text_mention", offset: offset, length: length, extra: [("user", user)])
            }
            guard !target.isEmpty else { return nil }
            return TextMarks.entity("text_link", offset: offset, length: length, extra: [("url", .string(target))])
        }
    }

    /// Reads the text in that mode.
    init(_ text: String, mode: String?) throws(MethodError) {
        let marks: [Mark]
        switch mode?.lowercased() {
        case nil, "":
            plain = text
            entities = TextMarks.found(in: text)
            return
        case "html": (plain, marks) = try Self.html(text)
        case "markdownv2", "markdown":
            var markdown = Markdown(text, isV2: mode?.lowercased() == "markdownv2")
            (plain, marks) = try markdown.parse()
        default: throw .badRequest("unsupported parse_mode")
        }
        // What looks like a command is none inside of code or a link.
        let closed = marks.filter { ["code", "pre", "text_link"].contains($0.kind) }
        let automatic = TextMarks.found(in: plain).filter { mark in
            let offset = Int(mark["offset"]?.int ?? 0)
            return !closed.contains { $0.offset <= offset && offset < $0.offset + $0.length }
        }
        let marked = marks.sorted { ($0.offset, -$0.length) < ($1.offset, -$1.length) }.compactMap(\.entity)
        entities = (marked + automatic).sorted { ($0["offset"]?.int ?? 0) < ($1["offset"]?.int ?? 0) }
    }

    private static func html(_ text: String) throws(MethodError) -> (plain: String, marks: [Mark]) {
        var output = ""
        var offset = 0
        var open: [(tag: String, attributes: String, offset: Int)] = []
        var marks: [Mark] = []
        var rest = Substring(text)
        while let character = rest.first {
            if character == "<" {
                let place = "at byte offset \(text.utf8.count - rest.utf8.count)"
                guard let end = rest.firstIndex(of: ">") else {
                    throw .badRequest("can't parse entities: Unclosed start tag \(place)")
                }
                let inner = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
                if inner.hasPrefix("/") {
                    let name = inner.dropFirst().lowercased()
                    guard let last = open.popLast(), last.tag == name || name.isEmpty else {
                        throw .badRequest("can't parse entities: Unexpected end tag \(place)")
                    }
                    if offset > last.offset { marks.append(mark(last, end: offset)) }
                } else {
                    let pieces = inner.split(separator: " ", maxSplits: 1)
                    let name = pieces.first.map { $0.lowercased() } ?? ""
                    guard kinds[name] != nil else {
                        throw .badRequest("can't parse entities: Unsupported start tag \"\(name)\" \(place)")
                    }
                    open.append((name, pieces.count > 1 ? String(pieces[1]) : "", offset))
                }
                continue
            }
            let (piece, length) = character == "&" ? reference(rest) : (String(character), 1)
            output += piece
            offset += piece.utf16.count
            rest = rest.dropFirst(length)
        }
        if let last = open.last {
            throw .badRequest("can't parse entities: Can't find end tag corresponding to start tag \"\(last.tag)\"")
        }
        return (output, marks)
    }

    private static func mark(_ open: (tag: String, attributes: String, offset: Int), end: Int) -> Mark {
        let kind = kinds[open.tag] ?? "bold"
        let target = kind == "text_link" ? attribute("href", in: open.attributes) : ""
        return Mark(kind: kind, offset: open.offset, length: end - open.offset, target: target)
    }

    private static func attribute(_ name: String, in text: String) -> String {
        guard text.hasPrefix(name + "=") else { return "" }
        let value = text.dropFirst(name.count + 1)
        let quote = value.first
        guard quote == "\"" || quote == "'" else { return decoded(value) }
        return decoded(value.dropFirst().prefix { $0 != quote })
    }

    private static func decoded(_ text: Substring) -> String {
        var result = ""
        var rest = text
        while let character = rest.first {
            let (piece, length) = character == "&" ? reference(rest) : (String(character), 1)
            result += piece
            rest = rest.dropFirst(length)
        }
        return result
    }

    /// What a reference such as `&lt;` at the start stands for, and its length in characters.
    private static func reference(_ text: Substring) -> (String, Int) {
        for (name, value) in [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\"")] where text.hasPrefix(name)
        {
            return (value, name.count)
        }
        if text.hasPrefix("&#"), let end = text.prefix(10).firstIndex(of: ";") {
            let digits = text[text.index(text.startIndex, offsetBy: 2)..<end]
            let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            if let code, let scalar = Unicode.Scalar(code) { return (String(Character(scalar)), digits.count + 3) }
        }
        return ("&", 1)
    }
}
