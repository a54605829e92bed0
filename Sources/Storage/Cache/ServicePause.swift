// Whether somebody stopped enforcement everywhere for a while.

import EventLoop

/// The service-wide pause, as this replica last heard of it.
@IO
public final class ServicePause {
    /// Until when nothing is enforced, in seconds since 1970; 0: no pause.
    public var untilSeconds: Int64 = 0

    /// No pause.
    public init() {}

    /// Whether it lasts still.
    public var isOn: Bool { untilSeconds > WallClock.now.seconds }
}
