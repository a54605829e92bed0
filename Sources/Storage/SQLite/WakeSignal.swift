// How the loop wakes a thread of SQLite's.

import Glibc

/// Wakes one sleeping thread; a wake before the sleep is not lost.
final class WakeSignal: Sendable {
    // Written once; a POSIX semaphore may be used from any thread.
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func raise() { sem_post(semaphore) }

    /// Sleeps until raised, and takes all raises that came before.
    func wait() {
        while sem_wait(semaphore) != 0 {}
        while sem_trywait(semaphore) == 0 {}
    }
}
