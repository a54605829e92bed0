// How many messages we allow ourselves. Pure: the time is an argument.

import Domain
import EventLoop

/// So many messages in so long a time; the same number may come at once after a silence.
public struct MessageRate: Equatable, Sendable {
    /// Messages in the period; 0 for no limit.
    public let count: Int
    /// The period.
    public let periodMilliseconds: Int64

    /// A rate; a count of 0 means no limit.
    public init(_ count: Int, perMilliseconds periodMilliseconds: Int64) {
        self.count = count
        self.periodMilliseconds = periodMilliseconds
    }

    /// So many each second.
    public static func perSecond(_ count: Int) -> MessageRate { MessageRate(count, perMilliseconds: 1000) }
    /// So many each minute.
    public static func perMinute(_ count: Int) -> MessageRate { MessageRate(count, perMilliseconds: 60_000) }
    /// No limit.
    public static let unlimited = MessageRate(0, perMilliseconds: 1000)

    /// One replica's part; a part below one message in the period is one in a longer period.
    fileprivate func part(of replicas: Int) -> MessageRate {
        guard count > 0, replicas > 1 else { return self }
        if count >= replicas { return MessageRate(count / replicas, perMilliseconds: periodMilliseconds) }
        return MessageRate(1, perMilliseconds: periodMilliseconds * Int64(replicas) / Int64(count))
    }

    /// At most half at once and half in a period; one message stays one.
    fileprivate var half: MessageRate {
        count > 1 ? MessageRate(count / 2, perMilliseconds: periodMilliseconds) : self
    }
}

/// Token buckets for all messages, for each group and for each private chat.
///
/// Telegram counts a group's messages over any minute, and one too many pauses everything in the group, deletions
/// too. So a group's bucket holds half of its count and gains the other half in the period: never more together.
/// Deletions, restrictions, lifts and callback answers do not ask here.
public struct MessageBudget: Sendable {
    /// Which bucket was empty; a metric's label.
    public enum Bucket: String, CaseIterable, Sendable {
        /// All messages together.
        case global
        /// One group's.
        case group
        /// One private chat's.
        case `private`
    }

    /// What the budget says about one message.
    public enum Verdict: Equatable, Sendable {
        /// Send; the tokens are taken.
        case granted
        /// Nothing was taken; ask again then.
        case wait(milliseconds: Int64, Bucket)
    }

    private struct Tokens {
        var left: Double
        var at: Instant
    }

    private let globalRate: MessageRate
    private let groupRate: MessageRate
    private let privateRate: MessageRate
    private var global: Tokens?
    private var chats: [ChatID: Tokens] = [:]

    /// Full buckets of these sizes.
    public init(
        global: MessageRate = .perSecond(25), group: MessageRate = .perMinute(20),
        privateChat: MessageRate = .perSecond(1)
    ) {
        globalRate = global
        groupRate = group
        privateRate = privateChat
    }

    /// Asks to send one message to a chat; all budgets are shared with other replicas in equal parts.
    public mutating func take(_ chat: ChatID, at now: Instant, replicas: Int = 1) -> Verdict {
        let globalRate = globalRate.part(of: replicas)
        let (rate, bucket): (MessageRate, Bucket) =
            Self.isGroup(chat)
            ? (groupRate.part(of: replicas).half, .group) : (privateRate.part(of: replicas), .private)
        let ofChat = Self.refilled(chats[chat], rate, now)
        if let wait = Self.wait(ofChat, rate) { return .wait(milliseconds: wait, bucket) }
        let ofAll = Self.refilled(global, globalRate, now)
        if let wait = Self.wait(ofAll, globalRate) { return .wait(milliseconds: wait, .global) }
        if rate.count > 0 {
            if chats.count >= 10_000 { forgetFull(now) }
            chats[chat] = Tokens(left: ofChat.left - 1, at: now)
        }
        if globalRate.count > 0 { global = Tokens(left: ofAll.left - 1, at: now) }
        return .granted
    }

    /// Groups and channels have negative ids.
    private static func isGroup(_ chat: ChatID) -> Bool { chat.value < 0 }

    private static func refilled(_ tokens: Tokens?, _ rate: MessageRate, _ now: Instant) -> Tokens {
        let full = Double(rate.count)
        guard let tokens else { return Tokens(left: full, at: now) }
        let gained = Double(now.milliseconds(since: tokens.at)) * full / Double(rate.periodMilliseconds)
        return Tokens(left: min(full, tokens.left + max(gained, 0)), at: now)
    }

    private static func wait(_ tokens: Tokens, _ rate: MessageRate) -> Int64? {
        // A hair below one is one: thirds of a token do not add up exactly.
        guard rate.count > 0, tokens.left < 1 - 1e-9 else { return nil }
        let milliseconds = (1 - tokens.left) * Double(rate.periodMilliseconds) / Double(rate.count)
        return max(Int64((milliseconds - 1e-6).rounded(.up)), 1)
    }

    private mutating func forgetFull(_ now: Instant) {
        let (groups, privates) = (groupRate.half, privateRate)
        chats = chats.filter { chat, tokens in
            let rate = Self.isGroup(chat) ? groups : privates
            return Self.refilled(tokens, rate, now).left < Double(rate.count)
        }
    }
}
