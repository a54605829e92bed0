// Updates of one person in one chat are handled one after another within a replica.

import Domain
import EventLoop

/// Turns by (chat, user).
@IO
public final class PairOrder {
    /// A person in a chat.
    public struct Pair: Hashable, Sendable {
        let chat: ChatID
        let user: UserID

        /// The pair of both.
        public init(chat: ChatID, user: UserID) {
            self.chat = chat
            self.user = user
        }
    }

    private var waiting: [Pair: [Completion<Void, Never>]] = [:]

    /// No turns taken.
    public init() {}

    /// Whether somebody has the pair's turn. If not, a caller that does not await needs no turn.
    public func isTaken(_ pair: Pair) -> Bool { waiting[pair] != nil }

    /// Waits for the pair's turn, in order of arrival. Owes `leave`.
    public func enter(_ pair: Pair) async {
        guard waiting[pair] != nil else {
            waiting[pair] = []
            return
        }
        let turn = Completion<Void, Never>()
        waiting[pair]?.append(turn)
        await turn.wait()
    }

    /// Passes the turn on.
    public func leave(_ pair: Pair) {
        guard var queue = waiting[pair] else { return }
        guard !queue.isEmpty else {
            waiting[pair] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[pair] = queue
        next.finish(.success(()))
    }
}
