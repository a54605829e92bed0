// A person's own rows, on their wish.

import Domain
import EventLoop

extension DatabaseStore {
    private static let activity = Query("DELETE FROM user_activity WHERE user_id = $1::bigint RETURNING 1")
    private static let ownDecisions = GroupWalk.query("decisions", "r.user_id = $1::bigint") { selection in
        "DELETE FROM decisions WHERE id IN (\(selection)) RETURNING 1"
    }
    private static let ownVerdicts = Query(
        """
        UPDATE verification_log SET user_id = 0 WHERE id IN (SELECT id FROM verification_log
            WHERE user_id = $1::bigint LIMIT \(RetentionBatch.rows)) RETURNING 1
        """)
    /// The row stays: whether the person may be written to is learnt only when they start or block the bot.
    private static let names = [
        Query(
            """
            UPDATE users SET username = NULL, language = NULL, updated_at = {now} WHERE telegram_id = $1::bigint
                AND (username IS NOT NULL OR language IS NOT NULL)
            """),
        Query(
            """
            UPDATE owners SET username = NULL, updated_at = {now} WHERE user_id = $1::bigint AND username IS NOT NULL
            """),
        Query("DELETE FROM settings WHERE key = 'picker:' || $1::bigint"),
    ]
    /// In the order of `ForgottenRows`.
    static let forgetting = [activity, ownDecisions, ownVerdicts]

    /// Deletes a person's activity and decisions, takes their id off their verdicts and their names off the rest.
    public func forget(_ user: UserID) async throws(StoreError) -> ForgottenRows {
        let key: [SQLValue] = [.int(user.value)]
        let steps = (Self.forgetting + Self.names).map { statement($0, key) }
        var total = ForgottenRows()
        while true {
            let counts = try await database.run(steps, .command).map(\.count)
            guard counts.count == steps.count else { return total }
            total.activityDays += counts[0]
            total.decisions += counts[1]
            total.verifications += counts[2]
            guard counts.contains(RetentionBatch.rows) else { return total }
            await Loop.shared.sleep(milliseconds: RetentionBatch.pauseMilliseconds)
        }
    }
}
