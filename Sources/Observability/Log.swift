// The log: where lines go and which are written. What they look like is LogLine's.

import EventLoop
import Glibc

/// The process's log. Lines are written at once, so that a crash loses none.
@IO
public enum Log {
    /// Quieter lines are not written.
    public static var level = LogLevel.info

    private static var format = LogFormat.json
    private static var output: Int32 = 2
    private static var redactor = Redactor(secrets: [])
    private static var isColored = false

    /// Says what is written, how, and where to.
    ///
    /// - Parameter secrets: replaced wherever they occur in a value, as is `/bot<digits>:<token>`.
    public static func configure(
        level: LogLevel, format: LogFormat, output: Int32 = 2, secrets: [String] = [], isColored: Bool = false
    ) {
        self.level = level
        self.format = format
        self.output = output
        self.isColored = isColored
        redactor = Redactor(secrets: secrets)
    }

    /// What helps to understand one update.
    public static func debug(_ event: StaticString, _ fields: LogField...) { write(.debug, event, fields) }

    /// The service's life cycle.
    public static func info(_ event: StaticString, _ fields: LogField...) { write(.info, event, fields) }

    /// We degraded.
    public static func warning(_ event: StaticString, _ fields: LogField...) { write(.warning, event, fields) }

    /// Someone must act. Written where the error is handled, once.
    public static func error(_ event: StaticString, _ fields: LogField...) { write(.error, event, fields) }

    private static func write(_ level: LogLevel, _ event: StaticString, _ fields: [LogField]) {
        guard level >= self.level else { return }
        let line = LogLine(time: WallClock.now, level: level, event: event, fields: fields)
        let bytes = line.encoded(format, redactor, isColored: isColored)
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(output, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                // A log that cannot be written must not stop the service: the line is lost.
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
