// A decision's stored facts with what stands beside them: the reason, and where each answer came from.

public import Domain
public import JSON

/// The column `decisions.facts`, read back whole.
public struct StoredFacts: Sendable {
    /// What was known. `decide` gives the stored outcome for it again.
    public let facts: Facts
    /// The stored word for why.
    public let reason: String
    /// How old each answer from memory was.
    public let cachedMilliseconds: ByChannel<Int64>
    /// How long each answer of Telegram took.
    public let askedMilliseconds: ByChannel<Int64>
    /// Whether anything was done.
    public let enforcement: Enforcement

    /// Reads the column.
    ///
    /// - Throws: `JSONError` for what this version did not write.
    public init(_ stored: String) throws(JSONError) {
        let value = try JSONValue(parsing: Array(stored.utf8))
        facts = try Facts(stored: value)
        reason = value["reason"]?.string ?? ""
        cachedMilliseconds = Self.times(value["cached_ms"], facts.group.channels)
        askedMilliseconds = Self.times(value["asked_ms"], facts.group.channels)
        enforcement = value["mode"]?.string.flatMap(Enforcement.init(rawValue:)) ?? .enforced
    }

    private static func times(_ value: JSONValue?, _ channels: [ChatID]) -> ByChannel<Int64> {
        var times = ByChannel<Int64>()
        for (channel, item) in zip(channels, value?.array ?? []) { times[channel] = item.int }
        return times
    }
}
