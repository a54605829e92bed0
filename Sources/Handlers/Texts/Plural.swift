// Forms of words and signs that several languages use.

/// Which form of a word goes with a number.
enum Plural {
    /// One, many.
    static func english(_ number: Int, _ one: String, _ many: String) -> String { number == 1 ? one : many }

    /// 1, 21 … / 2–4, 22–24 … / 0, 5–20, 25 …
    static func russian(_ number: Int, _ one: String, _ few: String, _ many: String) -> String {
        let tens = number % 100
        let ones = number % 10
        if (11...14).contains(tens) { return many }
        if ones == 1 { return one }
        return (2...4).contains(ones) ? few : many
    }
}

/// Hours of the day.
enum Hour {
    /// `09:00`.
    static func name(_ hour: Int) -> String { hour < 10 ? "0\(hour):00" : "\(hour):00" }
}

/// Subscribed or not, at a glance.
enum Tick {
    /// A tick, a cross, or a question mark when Telegram did not say.
    static func mark(_ isMember: Bool?) -> String { isMember.map { $0 ? "✅" : "❌" } ?? "❔" }
}
