// How one log line looks: JSON for machines, short words for a terminal. Pure.

import EventLoop
import JSON

/// How lines are written.
public enum LogFormat: Equatable, Sendable {
    /// One JSON object a line.
    case json
    /// Time, level, event and `name=value`.
    case pretty
}

/// Everything of one line before it is text.
struct LogLine {
    let time: Timestamp
    let level: LogLevel
    let event: StaticString
    let fields: [LogField]

    /// Longer values are cut: a line must stay a line.
    private static let longestText = 2000

    func encoded(_ format: LogFormat, _ redactor: Redactor, isColored: Bool) -> [UInt8] {
        switch format {
        case .json: json(redactor)
        case .pretty: pretty(redactor, isColored: isColored)
        }
    }

    private func json(_ redactor: Redactor) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("ts")
            writer.string(time.rfc3339)
            writer.key("level")
            writer.string(level.name)
            writer.key("msg")
            writer.string(event.description)
            for field in fields {
                writer.key(field.key)
                switch field.value {
                case .number(let number): writer.int(number)
                case .text(let text): writer.string(visible(redactor.redact(text), keepsASCIIControls: true))
                }
            }
        }
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private func pretty(_ redactor: Redactor, isColored: Bool) -> [UInt8] {
        let stamp = time.rfc3339
        let clock = stamp.dropFirst(stamp.utf8.count - 13).dropLast()
        let word = level.name.uppercased()
        let padded = word + String(repeating: " ", count: 7 - word.utf8.count)
        var line = "\(clock) \(isColored ? color + padded + "\u{1B}[0m" : padded) \(event)"
        for field in fields {
            switch field.value {
            case .number(let number): line += " \(field.key)=\(number)"
            case .text(let text):
                let shown = visible(redactor.redact(text), keepsASCIIControls: false)
                line += shown.contains(" ") ? " \(field.key)=\"\(shown)\"" : " \(field.key)=\(shown)"
            }
        }
        return Array(line.utf8) + [UInt8(ascii: "\n")]
    }

    private var color: String {
        switch level {
        case .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        }
    }

    /// Writes out what could move a terminal's cursor or turn its text around.
    private func visible(_ text: String, keepsASCIIControls: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if result.utf8.count >= Self.longestText { return result + "…" }
            let isControl: Bool
            switch scalar.value {
            case 0..<0x20: isControl = !keepsASCIIControls
            case 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: isControl = true
            default: isControl = false
            }
            if isControl {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
