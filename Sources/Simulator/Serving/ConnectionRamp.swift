// How fast connections to the webhook are opened (W15). Pure: moments come in.

import EventLoop

/// Counts the connections of one webhook, and says when the next may be opened.
struct ConnectionRamp {
    /// In good times that many are opened within the window.
    static let perWindow = 10
    static let windowMilliseconds: Int64 = 500
    /// Times are bad when nothing has succeeded for so long.
    static let patienceMilliseconds: Int64 = 10_000
    /// In bad times one is tried in that time.
    static let slowMilliseconds: Int64 = 2000

    /// Connections that are kept, busy or idle.
    private(set) var open = 0
    private var recent: [Instant] = []
    private var lastTry: Instant?
    private var lastGood: Instant

    init(now: Instant) { lastGood = now }

    /// The milliseconds until another connection may be opened; 0: now.
    func wait(at now: Instant) -> Int64 {
        guard now.milliseconds(since: lastGood) <= Self.patienceMilliseconds else {
            return lastTry.map { max(0, Self.slowMilliseconds - now.milliseconds(since: $0)) } ?? 0
        }
        let inWindow = recent.filter { now.milliseconds(since: $0) < Self.windowMilliseconds }
        guard inWindow.count >= Self.perWindow, let oldest = inWindow.first else { return 0 }
        return max(1, Self.windowMilliseconds - now.milliseconds(since: oldest))
    }

    mutating func opened(at now: Instant) {
        recent.removeAll { now.milliseconds(since: $0) >= Self.windowMilliseconds }
        recent.append(now)
        lastTry = now
        open += 1
    }

    mutating func closed() { open = max(0, open - 1) }

    mutating func succeeded(at now: Instant) { lastGood = now }
}
