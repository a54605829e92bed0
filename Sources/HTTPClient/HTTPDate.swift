// The `Date` of HTTP heads (RFC 9110 §5.6.7), both ways, in its one preferred form: `Sun, 06 Nov 1994 08:49:37 GMT`.

import EventLoop
import Observability

extension Timestamp {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The date as a head carries it, in whole seconds.
    public var httpDate: String {
        let date = CivilDate(self)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = "\(two(date.hour)):\(two(date.minute)):\(two(date.second))"
        let days = (seconds - Int64(date.hour * 3600 + date.minute * 60 + date.second)) / 86_400
        let name = Self.days[Int((days % 7 + 7) % 7)]
        return "\(name), \(two(date.day)) \(Self.months[date.month - 1]) \(date.year) \(time) GMT"
    }

    /// Reads such a date; `nil` for any other text.
    public init?(httpDate text: String) {
        let parts = text.split { $0 == " " || $0 == ":" || $0 == "," }
        guard parts.count == 8, parts[7] == "GMT", let month = Self.months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let numbers = [1, 3, 4, 5, 6].compactMap { Int64(parts[$0]) }
        guard numbers.count == 5, (1...31).contains(numbers[0]), (1970...9999).contains(numbers[1]),
            (0...23).contains(numbers[2]), (0...59).contains(numbers[3]), (0...60).contains(numbers[4])
        else { return nil }
        let day = Self.day(year: numbers[1], month: Int64(month) + 1, day: numbers[0])
        self.init(seconds: day * 86_400 + numbers[2] * 3600 + numbers[3] * 60 + numbers[4])
    }

    /// Days since 1970 of a date of the Gregorian calendar. Years begin in March here, so that the leap day is last.
    private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let monthOfYear = (month + 9) % 12
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (monthOfYear * 306 + 5) / 10 + day - 1
            - 719_468
    }
}
