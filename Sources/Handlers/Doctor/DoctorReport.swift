// The results as people read them, in at most 100 columns, and as JSON. Pure.

import JSON

/// Writes results.
public enum DoctorReport {
    private static let width = 100
    private static let indent = 36

    /// A table with what, why and fix, and a line that counts.
    public static func text(_ results: [DoctorResult], isColored: Bool) -> String {
        var lines: [String] = []
        for result in results {
            let finding = result.finding
            let head = "\(padded("\(result.number)", 2, isRight: true))  "
            let word = padded(word(finding.outcome), 8)
            let painted = isColored ? "\u{1B}[\(color(finding.outcome))m\(word)\u{1B}[0m" : word
            let why = wrapped(finding.why)
            lines.append("\(head)\(painted) \(padded(result.check, indent - 14)) \(why.first ?? "")".trimmedEnd)
            let rest = why.dropFirst() + (finding.fix.map { wrapped("→ \($0)") } ?? [])
            lines += rest.map { String(repeating: " ", count: indent) + $0 }
        }
        let counts = DoctorOutcome.allCases.compactMap { outcome in
            let count = results.count { $0.finding.outcome == outcome }
            let isCounted = outcome == .failure || outcome == .warning
            return count == 0 ? nil : "\(count) \(outcome.rawValue)\(isCounted && count > 1 ? "s" : "")"
        }
        return (lines + ["", counts.joined(separator: ", ")]).joined(separator: "\n")
    }

    /// `[{"number","check","outcome","why","fix"}]`; `fix` is `null` where there is nothing to do.
    public static func json(_ results: [DoctorResult]) -> String {
        var writer = JSONWriter()
        writer.array { writer in
            for result in results {
                writer.object { writer in
                    writer.key("number")
                    writer.int(result.number)
                    writer.key("check")
                    writer.string(result.check)
                    writer.key("outcome")
                    writer.string(result.finding.outcome.rawValue)
                    writer.key("why")
                    writer.string(result.finding.why)
                    writer.key("fix")
                    if let fix = result.finding.fix { writer.string(fix) } else { writer.null() }
                }
            }
        }
        return writer.text
    }

    /// Another's words for a terminal: one line, cut, and nothing in them that moves its cursor or turns text around.
    static func plain(_ text: String, maximum: Int) -> String {
        let clean = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: " "
            default: scalar
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: clean)
        return Naming.clipped(String(view), maximum: maximum)
    }

    private static func word(_ outcome: DoctorOutcome) -> String {
        switch outcome {
        case .failure: "FAILURE"
        case .ok, .warning, .notApplicable, .unknown: outcome.rawValue
        }
    }

    private static func color(_ outcome: DoctorOutcome) -> Int {
        switch outcome {
        case .ok: 32
        case .warning: 33
        case .failure: 31
        case .notApplicable, .unknown: 2
        }
    }

    private static func padded(_ text: String, _ width: Int, isRight: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - text.count))
        return isRight ? blanks + text : text + blanks
    }

    /// Lines that fit beside the names; a word that is too long for any is broken.
    private static func wrapped(_ text: String) -> [String] {
        let room = width - indent
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var rest = word
            while !rest.isEmpty {
                let left = line.isEmpty ? room : room - line.count - 1
                if rest.count <= left || (word.count > room && left > 0) {
                    line += (line.isEmpty ? "" : " ") + rest.prefix(left)
                    rest = rest.dropFirst(left)
                }
                guard !rest.isEmpty else { break }
                lines.append(line)
                line = ""
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
