// The date. Rows, messages and certificates have dates; waits use the loop's monotonic clock.

import CLinux
import Glibc
import Synchronization

/// A date in UTC, in microseconds since 1970.
public struct Timestamp: Comparable, Hashable, Sendable {
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    public let microseconds: Int64

    /// The date that many microseconds after 1970.
    public init(microseconds: Int64) { self.microseconds = microseconds }
    /// The date that many seconds after 1970, as Telegram gives it.
    public init(seconds: Int64) { microseconds = seconds * 1_000_000 }

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 { microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000 }

    /// Whether the left date is earlier.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// The date that many seconds later.
    public func adding(seconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds + seconds * 1_000_000) }
}

/// The wall clock, which may jump. Tests move it together with the loop's clock (`Loop.advance`).
public enum WallClock {
    private static let advanced = Atomic<Int64>(0)

    /// The date now.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        return Timestamp(microseconds: microseconds + advanced.load(ordering: .relaxed))
    }

    static func advance(milliseconds: Int64) {
        advanced.add(milliseconds * 1000, ordering: .relaxed)
    }
}
