// Mass work is spread over time: each piece takes the next free turn.

import EventLoop

/// Turns at a steady rate, one after another.
@IO
public final class Pace {
    private let intervalMilliseconds: Int64
    private var next: Instant?

    /// At most that many turns a second.
    public init(perSecond: Int64) { intervalMilliseconds = 1000 / max(1, perSecond) }

    /// Takes the next turn; how many milliseconds it is away.
    public func takeTurn() -> Int64 {
        let now = Loop.shared.current()
        let turn = max(now, next ?? now)
        next = turn.adding(milliseconds: intervalMilliseconds)
        return turn.milliseconds(since: now)
    }
}
