// Rows of the ledger as holds.

import Domain
import EventLoop
import JSON

/// Columns and reading shared by all that reads `user_restrictions`.
enum HoldRows {
    /// The columns of a `Hold`, in order, of the table with that name before its columns.
    static func columns(_ table: String = "") -> String {
        """
        \(table)id, \(table)group_id, \(table)user_id, \(table)state, \(table)channel_ids::text, \(table)source, \
        \(table)prior_permissions::text, \(table)warning_message_id, {epoch:\(table)held_at}, \
        (\(table)told_at IS NOT NULL)::int, \(table)presses
        """
    }

    /// The hold of a row with `columns`, from the given column on; `nil` for NULLs of an outer join.
    static func hold(_ row: SQLRow, from start: Int = 0) -> Hold? {
        guard start + 10 < row.count, let id = row.optionalInt(start),
            let state = HoldState(rawValue: row.text(start + 3))
        else { return nil }
        return Hold(
            id: LedgerID(id), group: ChatID(row.int(start + 1)), user: UserID(row.int(start + 2)), state: state,
            channels: channels(row.text(start + 4)),
            source: VerificationSource(rawValue: row.text(start + 5)) ?? .message,
            priorPermissions: row.optionalText(start + 6), warning: row.optionalInt(start + 7).map { MessageID($0) },
            heldAtSeconds: row.int(start + 8), isTold: row.flag(start + 9), presses: Int(row.int(start + 10)))
    }

    private static func channels(_ text: String) -> [ChatID] {
        do {
            return try JSONValue(parsing: Array(text.utf8)).array?.compactMap { $0.int.map { ChatID($0) } } ?? []
        } catch {
            // NULL in rows of older shapes: no channel is known.
            return []
        }
    }
}
