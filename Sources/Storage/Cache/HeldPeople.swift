// Who may be held: lets a message of a subscribed person pass without a look into the ledger.

import Domain
import EventLoop

/// Open holds as last read from the ledger, and those recorded here since.
///
/// Errs on the side of "may be held": a hold that another replica recorded since the last reading is missed until
/// the next one, and is then lifted by the button or the return to the channel as every other.
@IO
public final class HeldPeople {
    /// More than these are not kept; everybody may then be held.
    static let capacity = 100_000

    private var pairs: Set<PairOrder.Pair>?
    private var sinceReading: [PairOrder.Pair] = []
    /// Noted between the last two readings: their records may be on their way when the later one begins.
    private var beforeReading: [PairOrder.Pair] = []

    init() {}

    /// Whether the ledger has to be asked.
    public func mayInclude(_ user: UserID, in group: ChatID) -> Bool {
        pairs?.contains(PairOrder.Pair(chat: group, user: user)) ?? true
    }

    func note(_ user: UserID, in group: ChatID) {
        let pair = PairOrder.Pair(chat: group, user: user)
        pairs?.insert(pair)
        sinceReading.append(pair)
    }

    /// Holds noted since the reading before stand beside those that this one finds: a record has an answer within
    /// seconds, and readings are further apart.
    func readingBegins() {
        beforeReading = sinceReading
        sinceReading = []
    }

    /// `nil`: too many, or they could not be read.
    func readingEnded(_ found: [PairOrder.Pair]?) {
        pairs = found.map { Set($0).union(beforeReading).union(sinceReading) }
    }
}
