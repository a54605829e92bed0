// Dates as text, by arithmetic: Foundation is not in the server and its formatters cost 0.5 µs and more.

public import EventLoop

extension Timestamp {
    /// The date as RFC 3339 in UTC with milliseconds: `2026-11-21T14:31:27.250Z`.
    public var rfc3339: String {
        let date = CivilDate(self)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(date.year, digits: 4, to: &bytes)
        for (mark, value) in [
            ("-", date.month), ("-", date.day), ("T", date.hour), (":", date.minute), (":", date.second),
        ] {
            bytes.append(contentsOf: mark.utf8)
            append(value, digits: 2, to: &bytes)
        }
        bytes.append(UInt8(ascii: "."))
        append(date.millisecond, digits: 3, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A date of the Gregorian calendar in UTC, taken apart.
public struct CivilDate: Equatable, Sendable {
    /// The year; 1 BC is 0.
    public let year: Int
    /// 1…12
    public let month: Int
    /// 1…31
    public let day: Int
    /// 0…23
    public let hour: Int
    /// 0…59; there are no leap seconds in UNIX time.
    public let minute: Int
    /// 0…59
    public let second: Int
    /// 0…999, rounded down.
    public let millisecond: Int

    /// The parts of a moment.
    public init(_ moment: Timestamp) {
        let seconds = Int(moment.seconds)
        millisecond = (Int(moment.microseconds) - seconds * 1_000_000) / 1000
        let days = Self.floorDivide(seconds, 86_400)
        let rest = seconds - days * 86_400
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        // Days from 0000-03-01, in eras of 400 years: the leap day is then the last of its year.
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }
}

private func append(_ value: Int, digits: Int, to bytes: inout [UInt8]) {
    let text = String(value)
    for _ in 0..<max(0, digits - text.utf8.count) { bytes.append(UInt8(ascii: "0")) }
    bytes.append(contentsOf: text.utf8)
}
