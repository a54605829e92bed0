// Durations as people write them: a number and one letter.

/// Reads `30s`, `15m`, `2h`, `7d`.
public enum DurationArgument {
    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// The seconds of a duration in one of these units, at most `maximum`; `nil` for anything else.
    public static func seconds(_ word: String, units allowed: String, maximum: Int64) -> Int64? {
        guard let letter = word.last?.lowercased().first, allowed.contains(letter), let unit = units[letter],
            let number = Int64(word.dropLast()), number > 0, number <= maximum / unit
        else { return nil }
        return number * unit
    }
}
