// What leaves the database: rows that are old, groups that are gone, people who want to be forgotten.

import Domain
import EventLoop

/// Tables whose rows leave by age; the raw value is the table's name. In the order of a run: small ones first, so that
/// the raw logs, which may take all of its time, starve nobody.
public enum AgingTable: String, CaseIterable, Sendable {
    /// Ids of written batches.
    case logBatches = "log_batches"
    /// Updates that were recorded, or failed.
    case processedUpdates = "processed_updates"
    /// Exemptions, counted from their end; those for good stay.
    case exemptions
    /// Minutes in which the service ran.
    case uptimeTicks = "uptime_ticks"
    /// Raids, counted from their start.
    case incidents
    /// Commands of people by day.
    case userActivity = "user_activity"
    /// Traces of decisions.
    case decisions
    /// Holds, counted from their end; open ones stay.
    case restrictions = "user_restrictions"
    /// Verdicts.
    case verificationLog = "verification_log"
    /// Calls to Telegram.
    case apiCallLog = "api_call_log"
}

/// What a person's wish to be forgotten changed.
public struct ForgottenRows: Sendable, Equatable {
    /// Days of activity that were deleted.
    public var activityDays = 0
    /// Decisions that were deleted.
    public var decisions = 0
    /// Verdicts that belong to nobody now.
    public var verifications = 0

    /// Nothing yet.
    public init() {}
}

/// Deletions. Each takes at most 5 000 rows a transaction, on SQLite when nobody else waits.
@IO
public protocol RetentionStore: AnyObject {
    /// Deletes the oldest rows of `table` that are older than that, at most `RetentionBatch.rows`. Returns how many;
    /// fewer than that: none is left.
    func deleteAged(_ table: AgingTable, olderThanDays days: Int) async throws(StoreError) -> Int
    /// Groups that the bot was removed from at least so many days ago and that were not protected since.
    func groupsLeft(olderThanDays days: Int) async throws(StoreError) -> [ChatID]
    /// The bot is in a group again: what was kept of it is kept on.
    func botReturned(to group: ChatID) async throws(StoreError)
    /// Marked groups that are not enabled and in which nobody is held. A hold that cannot be lifted, since the bot is
    /// out of the group, is nobody's any more.
    func groupsToPurge() async throws(StoreError) -> [ChatID]
    /// Deletes the next rows of a group that is not enabled, its logs first and itself last, with channels and owners
    /// that no group uses any more. Returns how many; 0: none is left, or the group is protected again.
    func purgeBatch(_ group: ChatID) async throws(StoreError) -> Int
    /// Deletes a person's activity and decisions and takes their id off their verdicts and their names off
    /// `users` and `owners`. Their holds, exemptions and whether they may be written to stay.
    func forget(_ user: UserID) async throws(StoreError) -> ForgottenRows
}

/// How much is deleted at once.
public enum RetentionBatch {
    /// Rows of one transaction.
    public static let rows = 5000
    /// Between two transactions: writers go first.
    public static let pauseMilliseconds: Int64 = 50
}

extension RetentionStore {
    /// Deletes every row of a group that is not enabled, in as many transactions as it takes. Dying in between loses
    /// nothing: called again, it goes on. Open holds go with the rest, so whoever calls has released them before.
    ///
    /// Log rows that wait in a writer's queue come after it; flush it first.
    ///
    /// - Returns: how many rows; whether none is left. False: `mayContinue` said no.
    @discardableResult
    public func purge(
        _ group: ChatID, while mayContinue: @IO () -> Bool = { true }
    ) async throws(StoreError) -> (rows: Int, isDone: Bool) {
        var total = 0
        while mayContinue() {
            let count = try await purgeBatch(group)
            guard count > 0 else { return (total, true) }
            total += count
            await Loop.shared.sleep(milliseconds: RetentionBatch.pauseMilliseconds)
        }
        return (total, false)
    }
}
