// A whole number's decimal digits as bytes. Its own, since the library's `description` makes a string first.

/// Writes whole numbers as ASCII.
public enum Digits {
    /// The bytes that the longest number needs: 19 digits and a sign.
    public static let maximumBytes = 20

    /// All pairs of digits, so that one division gives two of them.
    private static let pairs: StaticString =
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// Writes the digits of `number`, after a minus if it is negative.
    ///
    /// - Precondition: `place` has room for `maximumBytes`.
    /// - Returns: how many bytes were written.
    public static func write(_ number: Int64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        let sign = number < 0 ? 1 : 0
        if sign == 1 { place[0] = UInt8(ascii: "-") }
        var rest = number.magnitude
        let count = sign + count(rest)
        var end = place + count
        while rest >= 100 {
            let pair = Int(truncatingIfNeeded: rest % 100)
            rest /= 100
            end -= 2
            put(pair, at: end)
        }
        if rest >= 10 {
            put(Int(truncatingIfNeeded: rest), at: end - 2)
        } else {
            end[-1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
        }
        return count
    }

    private static func put(_ pair: Int, at place: UnsafeMutablePointer<UInt8>) {
        place.update(from: pairs.utf8Start + 2 * pair, count: 2)
    }

    private static func count(_ magnitude: UInt64) -> Int {
        var (count, rest) = (1, magnitude)
        while rest >= 10_000 {
            count += 4
            rest /= 10_000
        }
        return rest < 10 ? count : rest < 100 ? count + 1 : rest < 1000 ? count + 2 : count + 3
    }
}
