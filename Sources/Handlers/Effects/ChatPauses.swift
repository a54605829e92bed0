// Pauses that Telegram asked for by chat; when one ends, a single call goes first as a probe.

import Domain
import EventLoop

/// Which chats wait.
@IO
final class ChatPauses {
    private struct Pause {
        var end: Instant
        var probe: Instant?
    }

    private var pauses: [ChatID: Pause] = [:]

    /// Milliseconds of the pause that are left.
    func remainingMilliseconds(_ chat: ChatID) -> Int64 {
        guard let pause = pauses[chat] else { return 0 }
        return max(0, pause.end.milliseconds(since: Loop.shared.current()))
    }

    /// Begins or prolongs a pause.
    func pause(_ chat: ChatID, milliseconds: Int64) {
        let end = Loop.shared.current().adding(milliseconds: milliseconds)
        if pauses.count >= 10_000 { pauses = pauses.filter { $0.value.end > Loop.shared.current() } }
        pauses[chat] = Pause(end: max(end, pauses[chat]?.end ?? end), probe: nil)
    }

    /// `nil`: a call may be made, perhaps as the probe; else the milliseconds to wait.
    func claim(_ chat: ChatID) -> Int64? {
        guard let pause = pauses[chat] else { return nil }
        let now = Loop.shared.current()
        if pause.end > now { return pause.end.milliseconds(since: now) + 1 }
        // A probe that never came back does not block the chat for ever.
        if let probe = pause.probe, now.milliseconds(since: probe) < 10_000 { return 300 }
        pauses[chat]?.probe = now
        return nil
    }

    /// The probe got no answer: another one goes.
    func failed(_ chat: ChatID) { pauses[chat]?.probe = nil }

    /// A call was answered: a pause that has ended is over. One that lasts stays: the call was on its way before it.
    func succeeded(_ chat: ChatID) {
        guard let pause = pauses[chat], pause.end <= Loop.shared.current() else { return }
        pauses[chat] = nil
    }
}
