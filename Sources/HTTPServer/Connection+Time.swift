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
        guard var target = sessionDeadline ?? stallDeadline else { return }
        if let stallDeadline, stallDeadline < target { target = stallDeadline }
        let now = Loop.shared.now
        // The timer looks no further ahead than the shorter limits, so that a body after an idle time only
        // moves it: a timer that had to come earlier would be a new one each time, and the old one would stay.
        let horizon = now.adding(milliseconds: server.limits.headMilliseconds)
        if horizon < target { target = horizon }
        if let timer, timer.isPending, target >= timerDeadline {
            timer.postpone(toMilliseconds: target.milliseconds(since: now))
        } else {
            timer?.cancel()
            let wait = max(0, target.milliseconds(since: now))
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
