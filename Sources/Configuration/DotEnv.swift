// `.env`: lines of NAME=value, for local runs. No expansion, no multi-line values.

/// The names and values of one file, and the lines that have none.
struct DotEnv {
    private(set) var values: [String: String] = [:]
    private(set) var problems: [String] = []

    init(_ bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, rawLine) in lines.enumerated() {
            var line = trimmed(rawLine)
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = trimmed(line.dropFirst(7)) }
            let name = trimmed(line.prefix { $0 != "=" })
            guard line.contains("="), Self.isName(name) else {
                problems.append(".env: line \(index + 1) is not NAME=value.")
                continue
            }
            guard let value = Self.value(trimmed(line.drop { $0 != "=" }.dropFirst())) else {
                problems.append(".env: line \(index + 1): \(name) has a quote that is not closed.")
                continue
            }
            values[name] = value
        }
    }

    /// In quotes as it stands, else up to ` #`. Nil if a quote is open.
    private static func value(_ text: String) -> String? {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            let end = text.firstRange(of: " #")?.lowerBound ?? text.endIndex
            return trimmed(text.hasPrefix("#") ? "" : text[..<end])
        }
        let inner = text.dropFirst()
        guard let end = inner.firstIndex(of: quote) else { return nil }
        let rest = trimmed(inner[inner.index(after: end)...])
        return rest.isEmpty || rest.hasPrefix("#") ? String(inner[..<end]) : nil
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == UInt8(ascii: "_") }
    }
}
