// Signals as events of the loop. There is no signal handler in the process.

import CLinux
import Glibc

/// Signals that the service answers to, read from a descriptor.
public enum Signals {
    /// Blocks the signals that `onSignal` reads, and ignores SIGPIPE.
    ///
    /// - Precondition: called first thing in `main`, so that every later thread inherits it.
    public static func block() {
        var set = handled()
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handler` with the number of each SIGTERM, SIGINT and SIGHUP, for the life of the process.
    @IO
    public static func onSignal(_ handler: @escaping @IO (Int32) -> Void) {
        var set = handled()
        let descriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
        precondition(descriptor >= 0, "signalfd failed: raise the limit of open files")
        _ = Loop.shared.watch(descriptor, .read) { _ in
            var entry = signalfd_siginfo()
            while read(descriptor, &entry, MemoryLayout<signalfd_siginfo>.size) > 0 {
                handler(Int32(entry.ssi_signo))
            }
        }
    }

    private static func handled() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
        return set
    }
}
