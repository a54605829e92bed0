// Text → value for the plain kinds: numbers, truth, words, sizes, lists, rates.

/// Why a text is not a value: what is wrong and what to write, without the name in front.
struct Malformed: Error {
    let text: String
}

/// Reads one kind of value. Gets the text and how it may be shown in a problem.
struct Parser<Value>: Sendable {
    let parse: @Sendable (_ text: String, _ shown: String) throws(Malformed) -> Value

    init(_ parse: @escaping @Sendable (_ text: String, _ shown: String) throws(Malformed) -> Value) {
        self.parse = parse
    }

    /// The same for a field that may be unset.
    var optional: Parser<Value?> {
        Parser<Value?> { (text, shown) throws(Malformed) in try parse(text, shown) }
    }
}

extension Parser where Value == Int {
    /// A whole number in a range.
    static func whole(_ range: ClosedRange<Int>) -> Parser {
        Parser { (text, shown) throws(Malformed) in
            guard let value = decimal(text), range.contains(value) else {
                let limits = "from \(range.lowerBound) to \(range.upperBound)"
                throw Malformed(text: "\(shown) is not a whole number \(limits).")
            }
            return value
        }
    }

    /// Bytes, plain or with KiB, MiB, GiB.
    static func size(_ range: ClosedRange<Int>) -> Parser {
        Parser { (text, shown) throws(Malformed) in
            var digits = text[...]
            var factor = 1
            for (unit, bytes) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] where digits.hasSuffix(unit) {
                digits = digits.dropLast(3)
                factor = bytes
                break
            }
            let number = decimal(String(digits.last == " " ? digits.dropLast() : digits))
            let value = number.map { $0.multipliedReportingOverflow(by: factor) }
            guard let value, !value.overflow, range.contains(value.partialValue) else {
                throw Malformed(
                    text: "\(shown) is not a size from \(sizeText(range.lowerBound)) to \(sizeText(range.upperBound)). "
                        + "Use bytes, or a number with KiB, MiB or GiB.")
            }
            return value.partialValue
        }
    }
}

extension Parser where Value == Bool {
    /// `true` or `false`, also as 1 and 0.
    static var truth: Parser {
        Parser { (text, shown) throws(Malformed) in
            switch text.lowercased() {
            case "true", "1": return true
            case "false", "0": return false
            default: throw Malformed(text: "\(shown) is neither true nor false.")
            }
        }
    }
}

extension Parser where Value == String {
    /// Any text.
    static var text: Parser { Parser { (text, _) throws(Malformed) in text } }

    /// A path of a URL.
    static var urlPath: Parser {
        Parser { (text, shown) throws(Malformed) in
            let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\"<>\\".utf8.contains($0) }
            guard text.hasPrefix("/"), text.utf8.count > 1, isPlain, !text.hasPrefix("//") else {
                throw Malformed(text: "\(shown) is not a path of a URL. Use one as /webhook.")
            }
            return text
        }
    }

    /// A secret that travels in a header.
    static func token(atLeast minimum: Int) -> Parser {
        Parser { (text, _) throws(Malformed) in
            guard text.utf8.count >= minimum else {
                let want = "we want at least \(minimum). Try: openssl rand -hex 24"
                throw Malformed(text: "\(text.count) characters; \(want)")
            }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw Malformed(text: "has a blank or a character beyond ASCII. Try: openssl rand -hex 24")
            }
            return text
        }
    }
}

extension Parser where Value: RawRepresentable & CaseIterable & Sendable, Value.RawValue == String {
    /// One of the enum's words.
    static var word: Parser {
        let all = Value.allCases.map { (name: $0.rawValue, value: $0) }
        return Parser { (text, shown) throws(Malformed) in
            guard let found = all.first(where: { $0.name == text.lowercased() }) else {
                throw Malformed(text: "\(shown) is not one of \(all.map(\.name).joined(separator: ", ")).")
            }
            return found.value
        }
    }
}

extension Parser where Value == [Int64] {
    /// Ids of people.
    static var userIDs: Parser {
        Parser { (text, shown) throws(Malformed) in
            var ids: [Int64] = []
            for part in text.split(separator: ",") {
                guard let id = decimal(trimmed(part)), id > 0 else {
                    throw Malformed(
                        text: "\(shown) is not a list of user ids. Use numbers with commas between: 123,456.")
                }
                ids.append(Int64(id))
            }
            return ids
        }
    }
}

extension Parser where Value == Rate {
    /// `25/s`, `20/min`, or 0.
    static var rate: Parser {
        Parser { (text, shown) throws(Malformed) in
            if text == "0" { return .unlimited }
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let seconds = ["s": 1, "min": 60, "h": 3600]
            guard parts.count == 2, let count = decimal(String(parts[0])), (1...1_000_000).contains(count),
                let perSeconds = seconds[String(parts[1])]
            else { throw Malformed(text: "\(shown) is not a rate. Use one as 25/s or 20/min, or 0 for none.") }
            return Rate(count: count, perSeconds: perSeconds)
        }
    }
}

/// A whole number in plain digits; no sign, no blank.
func decimal(_ text: String) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return Int(text)
}

/// The text without blanks at its ends.
func trimmed(_ text: some StringProtocol) -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
    var rest = Substring(text)
    while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
    while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
    return String(rest)
}

private func sizeText(_ bytes: Int) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes % size == 0 && bytes > 0 {
        return "\(bytes / size) \(unit)"
    }
    return "\(bytes) bytes"
}
