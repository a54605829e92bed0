// HTML as Telegram takes it: tags become entities, and lengths count without them.

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

    /// Reads the text in that mode. Markdown is kept as it is written (docs/simulator.md).
    init(_ text: String, mode: String?) throws(MethodError) {
        guard mode?.lowercased() == "html" else {
            plain = text
            entities = TextMarks.found(in: text)
            return
        }
        var output = ""
        var offset = 0
        var open: [(tag: String, attributes: String, offset: Int)] = []
        var marks: [(offset: Int, length: Int, value: JSONValue)] = []
        var rest = Substring(text)
        while let character = rest.first {
            if character == "<" {
                guard let end = rest.firstIndex(of: ">") else {
                    throw .badRequest("can't parse entities: Unclosed start tag at byte offset \(output.utf8.count)")
                }
                let inner = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
                if inner.hasPrefix("/") {
                    let name = inner.dropFirst().lowercased()
                    guard let last = open.popLast(), last.tag == name || name.isEmpty else {
                        throw .badRequest(
                            "can't parse entities: Unexpected end tag at byte offset \(output.utf8.count)")
                    }
                    if offset > last.offset, let mark = Self.mark(last, end: offset) {
                        marks.append((last.offset, offset - last.offset, mark))
                    }
                } else {
                    let pieces = inner.split(separator: " ", maxSplits: 1)
                    let name = pieces.first.map { $0.lowercased() } ?? ""
                    guard Self.kinds[name] != nil else {
                        throw .badRequest(
                            "can't parse entities: Unsupported start tag \"\(name)\" at byte offset \(output.utf8.count)"
                        )
                    }
                    open.append((name, pieces.count > 1 ? String(pieces[1]) : "", offset))
                }
                continue
            }
            let (piece, length) = character == "&" ? Self.reference(rest) : (String(character), 1)
            output += piece
            offset += piece.utf16.count
            rest = rest.dropFirst(length)
        }
        if let last = open.last {
            throw .badRequest("can't parse entities: Can't find end tag corresponding to start tag \"\(last.tag)\"")
        }
        plain = output
        let automatic = TextMarks.found(in: output)
        let marked = marks.sorted { ($0.offset, -$0.length) < ($1.offset, -$1.length) }.map(\.value)
        entities = (marked + automatic).sorted { ($0["offset"]?.int ?? 0) < ($1["offset"]?.int ?? 0) }
    }

    private static func mark(_ open: (tag: String, attributes: String, offset: Int), end: Int) -> JSONValue? {
        let kind = kinds[open.tag] ?? "bold"
        let length = end - open.offset
        guard kind == "text_link" else { return TextMarks.entity(kind, offset: open.offset, length: length) }
        let url = attribute("href", in: open.attributes)
        if let id = url.hasPrefix("tg://user?id=") ? Int64(url.dropFirst(13)) : nil {
            let user = JSONValue.object([("id", .int(id)), ("is_bot", .bool(false)), ("first_name", .string(""))])
            return TextMarks.entity("text_mention", offset: open.offset, length: length, extra: [("user", user)])
        }
        guard !url.isEmpty else { return nil }
        return TextMarks.entity("text_link", offset: open.offset, length: length, extra: [("url", .string(url))])
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
