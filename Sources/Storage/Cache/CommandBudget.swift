// How many commands a person may send: 20 a minute in private, 1 per 2 s (burst 3) in groups.

import EventLoop

/// Token buckets by person, and whether a refusal was said already.
@IO
public final class CommandBudget {
    /// What becomes of a command.
    public enum Verdict: Equatable, Sendable {
        /// It is handled.
        case allowed
        /// It is not, and the person is told, once.
        case firstRefusal
        /// It is dropped.
        case refused
    }

    private struct Key: Hashable {
        let spender: Int64
        let isPrivate: Bool
    }

    private struct Bucket {
        /// Milliseconds of waiting that the commands so far cost.
        var debt: Int64
        var seen: Instant
        var isTold: Bool
    }

    private var buckets = LRU<Key, Bucket>(capacity: 10_000)

    /// Nobody has sent anything.
    public init() {}

    /// Takes one command of a person from their budget.
    public func spend(_ spender: Int64, isPrivate: Bool) -> Verdict {
        let (cost, burst): (Int64, Int64) = isPrivate ? (3000, 20) : (2000, 3)
        let key = Key(spender: spender, isPrivate: isPrivate)
        let now = Loop.shared.now
        var bucket = buckets.value(key) ?? Bucket(debt: 0, seen: now, isTold: false)
        bucket.debt = max(0, bucket.debt - max(0, now.milliseconds(since: bucket.seen)))
        bucket.seen = now
        let verdict: Verdict
        if bucket.debt + cost <= cost * burst {
            bucket.debt += cost
            bucket.isTold = false
            verdict = .allowed
        } else {
            verdict = isPrivate && !bucket.isTold ? .firstRefusal : .refused
            bucket.isTold = true
        }
        buckets.set(key, bucket)
        return verdict
    }
}
