// Small things that a replica remembers of people and groups; losing them costs a call or a repeated note.

import Domain
import EventLoop

/// Names for mentions, the newest message of each group, and what was done lately.
@IO
public final class ProcessNotes {
    /// A person as last seen.
    public struct Name: Sendable, Equatable {
        /// First and last name.
        public let name: String
        /// IETF tag of the person's language, if known.
        public let language: String?

        /// A person as seen.
        public init(name: String, language: String?) {
            self.name = name
            self.language = language
        }
    }

    private var names = LRU<UserID, Name>(capacity: 20_000)
    private var newest = LRU<ChatID, MessageID>(capacity: 20_000)
    /// Joins that were handled.
    public let joins = OncePer<PairOrder.Pair>(milliseconds: 60_000)
    /// Notes to people who speak as a channel, by channel and group.
    public let channelSpeakers = OncePer<PairOrder.Pair>(milliseconds: 60_000)
    /// Groups in which checks fail, and who was told.
    public let outages = Outages()
    /// People held for a message that came late: held again soon, they are not told again.
    public let lateHolds = OncePer<PairOrder.Pair>(milliseconds: 600_000)
    /// Texts to people whom Telegram did not let us mute.
    public let refusals = OncePer<PairOrder.Pair>(milliseconds: 60_000)
    /// Real checks for a button.
    public let presses = OncePer<PairOrder.Pair>(milliseconds: 3000)
    /// People whom this replica restricted a moment ago: their echo is ours.
    public let restricted = OncePer<PairOrder.Pair>(milliseconds: 30_000)
    /// Titles that were looked at.
    public let titles = OncePer<ChatID>(milliseconds: 3_600_000)
    /// Turns of the rechecks that events lead to.
    public let rechecks = Pace(perSecond: 20)

    /// Nothing remembered.
    public init() {}

    /// Notes a person's name.
    public func note(_ name: Name, of user: UserID) { names.set(user, name) }
    /// A person's name, if seen.
    public func name(of user: UserID) -> Name? { names.value(user) }
    /// Notes a message's number.
    public func note(_ message: MessageID, in chat: ChatID) {
        if let known = newest.value(chat), known >= message { return }
        newest.set(chat, message)
    }
    /// The highest message number seen in a chat.
    public func newestMessage(in chat: ChatID) -> MessageID? { newest.peek(chat) }
}
