// Commands of people, counted for each day before they are stored.

import Domain
import EventLoop

/// One row of `user_activity`.
struct ActivityDay {
    let user: UserID
    /// `YYYY-MM-DD`, UTC.
    let day: String
    var commands: Int64
    var lastMicroseconds: Int64

    /// What the rows say, in the order of the table's key: two replicas then lock rows in the same order.
    static func days(of rows: [LogRow]) -> [ActivityDay] {
        var days: [Key: ActivityDay] = [:]
        for case .activity(let user, let moment) in rows {
            let key = Key(user: user, day: SQLTime.day(Timestamp(microseconds: moment)))
            var entry = days[key] ?? ActivityDay(user: user, day: key.day, commands: 0, lastMicroseconds: moment)
            entry.commands += 1
            entry.lastMicroseconds = max(entry.lastMicroseconds, moment)
            days[key] = entry
        }
        return days.values.sorted { ($0.user, $0.day) < ($1.user, $1.day) }
    }

    /// A day is counted up.
    static let conflict = """
        ON CONFLICT (user_id, activity_date) DO UPDATE SET
            command_count = user_activity.command_count + excluded.command_count,
            last_activity_at = CASE WHEN excluded.last_activity_at > user_activity.last_activity_at
                THEN excluded.last_activity_at ELSE user_activity.last_activity_at END
        """

    private struct Key: Hashable {
        let user: UserID
        let day: String
    }
}
