// What the bot called and what it got: for tests and for the state page.

import EventLoop

/// One method call and its outcome.
public struct CallRecord: Sendable {
    /// The method's name as called.
    public let method: String
    /// `chat_id`, if it is a number.
    public let chatID: Int64?
    /// `user_id`, if there is one.
    public let userID: Int64?
    /// `message_id`, if there is one.
    public let messageID: Int64?
    /// `text`, if there is one.
    public let text: String?
    /// The HTTP status that was meant; 0 if nothing was answered.
    public let status: Int
    /// The description of an error.
    public let description: String?
    /// Whether a fault on purpose had a hand in it.
    public let isFault: Bool
    /// When it came.
    public let at: Timestamp
}

/// The latest calls, and counts of all.
struct CallLog {
    private static let kept = 50_000

    private(set) var records: [CallRecord] = []
    /// Counts by method, and by method and status as `deleteMessage 200`.
    private(set) var counts: [String: Int] = [:]
    private(set) var total = 0

    /// Counts a call of which nothing else is kept.
    mutating func tally(_ method: String) {
        total += 1
        counts[method, default: 0] += 1
    }

    mutating func add(_ record: CallRecord) {
        total += 1
        counts[record.method, default: 0] += 1
        counts["\(record.method) \(record.status)", default: 0] += 1
        records.append(record)
        if records.count >= 2 * Self.kept { records.removeFirst(Self.kept) }
    }

    mutating func clear() { self = CallLog() }
}
