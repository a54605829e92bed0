// Log lines byte for byte, and what redaction leaves.

import EventLoop
import Foundation
import JSON
import Testing

@testable import Observability

@Suite("Log")
struct LogTests {
    private static let time = Timestamp(microseconds: 1_700_000_000_123_456)

    private func line(_ fields: [LogField], _ format: LogFormat = .json, secrets: [String] = []) -> String {
        let line = LogLine(time: Self.time, level: .warning, event: "call failed", fields: fields)
        return String(decoding: line.encoded(format, Redactor(secrets: secrets), isColored: false), as: UTF8.self)
    }

    @Test func `a JSON line has time, level, event and its fields`() {
        let fields: [LogField] = [
            .updateID(7), .chatID(-100), .method("sendMessage"), .milliseconds(12), .error("a\n\"b\"\u{1B}[2J\u{9B}"),
            .traceID("t1"),
        ]
        #expect(
            line(fields)
                == #"{"ts":"2023-11-14T22:13:20.123Z","level":"warning","msg":"call failed","update_id":7,"chat_id":-100,"#
                + #""method":"sendMessage","ms":12,"error":"a\n\"b\"\u001b[2J\\u{9b}","trace_id":"t1"}"# + "\n")
    }

    @Test func `a pretty line cannot move the cursor`() {
        #expect(
            line([.count(3), .error("a b\u{1B}[2J\n\u{202E}x"), .name("job")], .pretty)
                == "22:13:20.123 WARNING call failed count=3 error=\"a b\\u{1b}[2J\\u{a}\\u{202e}x\" name=job\n")
    }

    static let redactions = [
        ("https://h/bot123:AAE_x-9/getMe", "https://h[redacted]/getMe"),
        ("https://h/bot123%3AAAE/getMe", "https://h[redacted]/getMe"),
        ("/bot:x /bots /bot12 /bot12:", "/bot:x /bots /bot12 /bot12:"),
        ("t=123456:TEST.", "t=[redacted]."), ("only TEST here", "only [redacted] here"),
        ("987654321:AAabcdefghijklmnopqrstuvwxyz01234567 x", "[redacted] x"),
        ("at 12:30 or 2023-11-14T22:13:20", "at 12:30 or 2023-11-14T22:13:20"),
        ("hunter2-longer hunter2 hunter", "[redacted] [redacted] hunter"), ("abc", "abc"), ("", ""),
    ]

    @Test(arguments: redactions)
    func `secrets and tokens are taken out`(_ text: String, _ expected: String) {
        #expect(Redactor(secrets: ["123456:TEST", "hunter2", "hunter2-longer", "abc", ""]).redact(text) == expected)
    }

    @Test @IO func `the sink writes what the level lets through`() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        Log.configure(level: .info, format: .json, output: ends[1], secrets: ["sentinel"])
        defer { Log.configure(level: .info, format: .json) }
        Log.debug("quiet")
        Log.info("started", .text("with sentinel"))
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &buffer, buffer.count)
        close(ends[0])
        let value = try JSONValue(parsing: Array(buffer[..<count]))
        #expect(value["msg"] == .string("started"))
        #expect(value["text"] == .string("with [redacted]"))
    }
}

@Suite("Timestamp as text")
struct RFC3339Tests {
    static let dates: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000Z"), (1_700_000_000_123_999, "2023-11-14T22:13:20.123Z"),
        (951_782_399_999_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399_000_000, "2100-02-28T23:59:59.000Z"), (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_000_000, "9999-12-31T23:59:59.000Z"),
    ]

    @Test(arguments: dates)
    func `known dates`(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test func `every day of four centuries agrees with Foundation`() {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in stride(from: -80_000, through: 80_000, by: 17) {
            let seconds = Int64(day) * 86_400 + Int64(abs(day) % 86_400)
            let theirs = Date(timeIntervalSince1970: Double(seconds)).formatted(style)
            #expect(Timestamp(seconds: seconds).rfc3339 == theirs)
        }
    }
}
