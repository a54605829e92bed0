// Named places at which a test ends the process, as a loss of power would. There are none in a release build.
//
// They stand around each transaction that records, leases or ends effects, and around each call to Telegram: nothing
// else that the service awaits while it records and performs changes anything outside of the process, so that dying
// beside it is dying after what came before.

import EventLoop
import Glibc

/// A place in the order of what a process does: `telegram restrictChatMember after #1`.
public enum CrashPoint {
    #if DEBUG
        /// `NEZUKO_CRASH_AT`: the name of the point, or `list` to have all of them logged.
        private static let wanted = getenv("NEZUKO_CRASH_AT").map { String(cString: $0) }
        @IO private static var counts: [String: Int] = [:]

        /// The process has come to the point; a name that comes again has the next number.
        @IO
        public static func reached(_ place: @autoclosure () -> String) {
            guard let wanted else { return }
            let place = place()
            counts[place, default: 0] += 1
            let name = "\(place) #\(counts[place] ?? 0)"
            if wanted == "list" { Log.info("crash_point", .text(name)) }
            if wanted == name { kill(getpid(), SIGKILL) }
        }
    #else
        /// Nothing.
        @IO
        @inline(__always)
        public static func reached(_ place: @autoclosure () -> String) {}
    #endif
}
