// How much unusual behaviour an HTTP/2 peer may show before its connection is ended.

import EventLoop

/// A bucket of tokens: a burst, and a rate at which it refills.
struct TokenBucket {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var filledAt: Instant

    init(burst: Int, perSecond: Int, now: Instant) {
        self.burst = Double(burst)
        self.perSecond = Double(perSecond)
        tokens = Double(burst)
        filledAt = now
    }

    /// Takes one token; false when there is none.
    mutating func take(now: Instant) -> Bool {
        let seconds = Double(now.nanoseconds - filledAt.nanoseconds) / 1e9
        tokens = min(burst, tokens + seconds * perSecond)
        filledAt = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}

/// The budgets of one connection: what of the unusual it may do at once, and how much more each second.
struct HTTP2Budget {
    private var resets: TokenBucket
    private var errors: TokenBucket
    private var controls: TokenBucket
    private var oddities: TokenBucket
    private var continuations = 0

    init(now: Instant) {
        resets = TokenBucket(burst: 1000, perSecond: 33, now: now)
        errors = TokenBucket(burst: 100, perSecond: 10, now: now)
        controls = TokenBucket(burst: 100, perSecond: 10, now: now)
        oddities = TokenBucket(burst: 100, perSecond: 10, now: now)
    }

    /// The client reset a stream.
    mutating func resetCame(now: Instant) -> Bool { resets.take(now: now) }

    /// A stream was reset or answered with 4xx through the client's own error.
    mutating func errorMade(now: Instant) -> Bool { errors.take(now: now) }

    /// A PING or SETTINGS frame came.
    mutating func controlCame(now: Instant) -> Bool { controls.take(now: now) }

    /// A frame without use came: empty DATA, PRIORITY, or of an unknown type.
    mutating func oddityCame(now: Instant) -> Bool { oddities.take(now: now) }

    /// A header block began.
    mutating func blockBegan() { continuations = 0 }

    /// A CONTINUATION frame came; at most 8 a block, empty ones included.
    mutating func continuationCame() -> Bool {
        continuations += 1
        return continuations <= 8
    }
}
