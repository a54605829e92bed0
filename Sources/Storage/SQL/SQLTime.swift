// Moments as text: SQLite's fixed form and what PostgreSQL prints. Text order is time order.

import EventLoop

/// Moments in the form `YYYY-MM-DDTHH:MM:SS.mmmZ`.
public enum SQLTime {
    /// The moment in SQLite's form, cut to milliseconds.
    public static func text(_ moment: Timestamp) -> String {
        let seconds = moment.seconds
        let milliseconds = (moment.microseconds - seconds * 1_000_000) / 1000
        let days = floorDivide(seconds, 86_400)
        let rest = seconds - days * 86_400
        let (year, month, day) = civil(days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(year, 4, &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(month, 2, &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(day, 2, &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(rest / 3600, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(rest / 60 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(rest % 60, 2, &bytes)
        bytes.append(UInt8(ascii: "."))
        append(milliseconds, 3, &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The UTC day as `YYYY-MM-DD`.
    public static func day(_ moment: Timestamp) -> String { String(text(moment).prefix(10)) }

    /// Reads both engines' forms: `T` or a blank, any number of digits after the point, `Z`, `+00` or nothing.
    public static func parse(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var micros: Int64 = 0
        var index = 19
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            var scale: Int64 = 100_000
            while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
                micros += Int64(bytes[index] - UInt8(ascii: "0")) * scale
                scale /= 10
                index += 1
            }
        }
        let zone = bytes[index...]
        guard
            zone.isEmpty || zone.elementsEqual("Z".utf8) || zone.elementsEqual("+00".utf8)
                || zone.elementsEqual("+00:00".utf8)
        else { return nil }
        let seconds = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        return Timestamp(microseconds: seconds * 1_000_000 + micros)
    }

    // MARK: - The calendar

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
    }

    /// Year, month and day of a day number; the months of a year beginning in March make leap days the last ones.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func append(_ value: Int64, _ digits: Int, _ bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }
}

extension SQLValue {
    /// The moment in a column of a moment: SQLite gives text, PostgreSQL `.time`.
    public var timestamp: Timestamp? {
        switch self {
        case .time(let moment): moment
        case .text(let text): SQLTime.parse(text)
        default: nil
        }
    }
}
