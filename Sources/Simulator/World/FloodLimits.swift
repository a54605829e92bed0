// Telegram's flood limits for messages (docs/simulator.md, facts L1–L3): per group, per private chat, for the whole bot.

import EventLoop

/// Remembers when messages were sent, and says how long the next has to wait.
struct FloodLimits: Sendable {
    static let perGroupAndMinute = 20
    static let privateBurst = 5
    static let perSecond = 30

    var isOff = false
    private var groups: [Int64: [Int64]] = [:]
    /// Tokens of private chats: how many are left, and when that was counted.
    private var privates: [Int64: (tokens: Double, at: Int64)] = [:]
    private var all: [Int64] = []

    init() {}

    /// Counts a message to the chat. Gives the seconds to wait instead if it is one too many.
    mutating func admit(_ chat: Int64, kind: ChatKind, now: Timestamp) -> Int64? {
        guard !isOff else { return nil }
        let moment = now.microseconds
        all.removeAll { $0 <= moment - 1_000_000 }
        if all.count >= Self.perSecond { return 1 }
        if kind == .private {
            var (tokens, at) = privates[chat] ?? (Double(Self.privateBurst), moment)
            tokens = min(Double(Self.privateBurst), tokens + Double(moment - at) / 1_000_000)
            guard tokens >= 1 else { return 1 }
            privates[chat] = (tokens - 1, moment)
        } else {
            var sent = groups[chat, default: []]
            sent.removeAll { $0 <= moment - 60_000_000 }
            if sent.count >= Self.perGroupAndMinute, let oldest = sent.first {
                groups[chat] = sent
                return max(1, (oldest + 60_000_000 - moment + 999_999) / 1_000_000)
            }
            sent.append(moment)
            groups[chat] = sent
        }
        all.append(moment)
        return nil
    }
}
