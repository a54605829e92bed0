// Whole numbers as digits: every length, both signs, the ends of the range.

import JSON
import Testing

@Suite("Digits")
struct DigitsTests {
    private func written(_ number: Int64) -> String {
        var bytes = [UInt8](repeating: 0, count: Digits.maximumBytes)
        let count = Digits.write(number, to: &bytes)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    @Test func `numbers of every length read as the library writes them`() {
        var numbers: [Int64] = [0, .max, .min]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            numbers += [power - 1, power, power + 1, power / 7 * 3]
        }
        for number in numbers + numbers.map({ 0 &- $0 }) { #expect(written(number) == number.description) }
    }
}
