// Ending a hold: recorded, performed, and waited for as long as somebody looks on.

import Domain
import EventLoop
import Gate
import Observability
import Storage

/// How far a release by an administrator's word came.
enum ReleaseProgress: Equatable {
    /// Telegram has given the person their rights back.
    case done
    /// Recorded; the outbox goes on trying.
    case underWay
}

extension Services {
    private static let patienceMilliseconds: Int64 = 2000

    /// Records the end of a person's hold and waits a moment for it. True: the lift is done; false: it goes on.
    func release(
        _ user: UserID, in group: ChatID, _ reason: ReleaseReason, _ row: DecisionRow?
    ) async throws(StoreError) -> Bool {
        var record = Record(update: nil)
        record.decision = row
        record.releases = [ReleaseWish(group: group, user: user, reason: reason)]
        guard case .recorded(let recorded) = try await store.record(record) else { return false }
        guard !recorded.effects.isEmpty else {
            workers.wake()
            return false
        }
        let done = workers.perform(recorded.effects)
        let limit = Completion<Bool, Never>()
        let timer = Loop.shared.schedule(afterMilliseconds: Self.patienceMilliseconds) { limit.finish(.success(false)) }
        // Owned by the attempt, which has a deadline.
        Task { @IO in
            await done.wait()
            limit.finish(.success(true))
        }
        let isPerformed = await limit.wait()
        timer.cancel()
        guard isPerformed else { return false }
        return try await store.openHold(of: user, in: group) == nil
    }

    /// An administrator frees a held person by a command or button, and has exempted them before; `hold` is the open row.
    func release(_ hold: Hold, in group: ProtectedGroup) async throws(StoreError) -> ReleaseProgress {
        // A mute on its way may land after this word: its echo is then to be looked at, not taken for ours.
        notes.restricted.release(PairOrder.Pair(chat: group.id, user: hold.user))
        guard hold.state != .lifting else {
            workers.wake()
            return .underWay
        }
        let row = AdministratorDecision.decide(.freed, about: hold, group, update: nil).1
        return try await release(hold.user, in: group.id, .admin, row) ? .done : .underWay
    }

    /// The administrator's word stands: who was freed by hand is not held again by their next message, nor for a day.
    func exemptForADay(_ user: UserID, in group: ChatID, audit: AuditRow? = nil) async throws(StoreError) {
        let until = WallClock.now.seconds + 86_400
        _ = try await store.exempt(user, in: group, untilSeconds: until, reason: "admin", audit: audit)
        caches.groups.forget(group)
        await tell("group:\(group.value)")
    }
}
