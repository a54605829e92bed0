// Changes by administrators: one transaction with the row that says who made them.

import Domain
import EventLoop
import Observability

/// The texts; `$1`–`$5` are an audit's columns, `$6` the group.
enum AuditText {
    private static let columns =
        "INSERT INTO admin_audit_log (admin_id, action, target_type, target_id, details, created_at)"
    private static let values = "$1::bigint, $2::text, $3::text, $4::text, $5::text, {now}"

    static let always = Query("\(columns) VALUES (\(values))")
    /// Before it goes: a channel that is not linked is not unlinked. `$7` is the channel.
    static let ifLinked = Query(
        """
        \(columns) SELECT \(values) WHERE EXISTS (
            SELECT 1 FROM group_channel_links WHERE group_id = $6::bigint AND channel_id = $7::bigint)
        """)
    /// Afterwards: there is none when the list was full. `$7` is the person.
    static let ifExempt = Query(
        """
        \(columns) SELECT \(values) WHERE EXISTS (
            SELECT 1 FROM exemptions WHERE group_id = $6::bigint AND user_id = $7::bigint)
        """)
}

extension DatabaseStore {
    /// Runs the steps that change a group, and stores the audit with them. Returns the rows of the steps.
    func changeGroup(_ steps: [SQLStatement], audit: AuditRow?) async throws(StoreError) -> [[SQLRow]] {
        guard let audit else { return try await changeGroup(steps) }
        return try await changeGroup(steps + [statement(AuditText.always, audit.values)]).dropLast()
    }

    /// Runs steps of one transaction, around which tests let the process die.
    func changeGroup(_ steps: [SQLStatement]) async throws(StoreError) -> [[SQLRow]] {
        CrashPoint.reached("store change before")
        let results = try await database.run(steps, .command)
        CrashPoint.reached("store change after")
        return results
    }
}
