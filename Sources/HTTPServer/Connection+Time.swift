// The one timer of a connection: the session's deadline and that of a write which the peer does not take.

import EventLoop

extension Connection {
    /// Calls the session's `deadlinePassed` that much later, instead of at any moment set before.
    func setDeadline(milliseconds: Int64) {
        sessionDeadline = Loop.shared.now.adding(milliseconds: milliseconds)
        armTimer()
    }

    /// No deadline of the session's, as while its request is handled.
    func clearDeadline() { sessionDeadline = nil }

    func armTimer() {
        guard let target = [sessionDeadline, stallDeadline].compactMap({ $0 }).min() else { return }
        if let timer, timer.isPending, target >= timerDeadline {
            timer.postpone(toMilliseconds: target.milliseconds(since: Loop.shared.now))
        } else {
            timer?.cancel()
            let wait = max(0, target.milliseconds(since: Loop.shared.now))
            timer = Loop.shared.schedule(afterMilliseconds: wait) { [weak self] in self?.timerFired() }
        }
        timerDeadline = target
    }

    private func timerFired() {
        let now = Loop.shared.now
        if let stallDeadline, stallDeadline <= now {
            server.reject(.timeout)
            close()
            return
        }
        if let deadline = sessionDeadline, deadline <= now {
            sessionDeadline = nil
            if let session, case .open = phase {
                session.deadlinePassed()
                settle()
            } else {
                if !isLingering { server.reject(.timeout) }
                close()
            }
        }
        if !isClosed { armTimer() }
    }
}
