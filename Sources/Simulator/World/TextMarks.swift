// Entities that Telegram finds in a text by itself: commands, mentions and hashtags, with offsets in UTF-16.

import JSON

enum TextMarks {
    /// The commands and mentions of a text, in order.
    static func found(in text: String) -> [JSONValue] {
        let units = Array(text.utf16)
        var marks: [JSONValue] = []
        var index = 0
        while index < units.count {
            let isStart = index == 0 || isSpace(units[index - 1])
            let kind: String? =
                switch units[index] {
                case UInt16(UInt8(ascii: "/")): "bot_command"
                case UInt16(UInt8(ascii: "@")): "mention"
                case UInt16(UInt8(ascii: "#")): "hashtag"
                default: nil
                }
            var end = index + 1
            guard isStart, let kind else {
                index = end
                continue
            }
            while end < units.count, isName(units[end]) || (kind == "bot_command" && isAt(units[end])) { end += 1 }
            if end - index > 1 { marks.append(entity(kind, offset: index, length: end - index)) }
            index = end
        }
        return marks
    }

    static func entity(
        _ kind: String, offset: Int, length: Int, extra: [(key: String, value: JSONValue)] = []
    ) -> JSONValue {
        .object([("offset", .int(Int64(offset))), ("length", .int(Int64(length))), ("type", .string(kind))] + extra)
    }

    private static func isSpace(_ unit: UInt16) -> Bool { unit == 0x20 || unit == 0x0A || unit == 0x09 }
    private static func isAt(_ unit: UInt16) -> Bool { unit == 0x40 }
    private static func isName(_ unit: UInt16) -> Bool {
        (0x30...0x39).contains(unit) || (0x41...0x5A).contains(unit) || (0x61...0x7A).contains(unit) || unit == 0x5F
    }
}
