// SQLite: the rows' moments are the wall clock's, and follow it when it is set anew.

import Domain
import EventLoop

extension DatabaseStore {
    /// More than this is no slewing but a jump.
    private static let jumpMilliseconds: Int64 = 5000

    private static let shift = Query(
        postgreSQL: "SELECT 1",
        sqlite: """
            UPDATE effects SET due_at = strftime('%Y-%m-%dT%H:%M:%fZ', due_at, ($1 / 1000.0) || ' seconds'),
                lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', lease_until, ($1 / 1000.0) || ' seconds')
            """)

    /// Moves what waits along with a wall clock that jumped against the monotonic one: without this, a clock that is
    /// set back would stop the outbox, and one that is set forward would let everything be due.
    ///
    /// Called before every write, so that nothing is stored by the new clock before the old rows were moved:
    /// writes are done in the order of asking.
    func followClock() async throws(StoreError) {
        guard database.dialect == .sqlite else { return }
        let offset = WallClock.now.microseconds - Loop.shared.current().nanoseconds / 1000
        guard let known = clockOffset else {
            clockOffset = offset
            return
        }
        let jump = (offset - known) / 1000
        guard abs(jump) > Self.jumpMilliseconds else { return }
        clockOffset = offset
        let formerLease = lastLease
        lastLease = Timestamp(microseconds: lastLease.microseconds + jump * 1000)
        do throws(StoreError) { try await execute(Self.shift, [.int(jump)], .record) } catch {
            clockOffset = known
            lastLease = formerLease
            throw error
        }
    }
}
