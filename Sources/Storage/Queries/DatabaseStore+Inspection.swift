// What a look at a whole deployment asks: groups with their channels, who can be told, how jobs went. Reads only.

import Domain
import EventLoop
import JSON

/// A group under protection, as far as its standing at Telegram can be looked at.
public struct InspectedGroup: Sendable, Equatable {
    /// The group.
    public var id: ChatID
    /// Its title as stored.
    public var title: String
    /// Who protects it.
    public var owner: UserID
}

/// A channel that some group requires.
public struct InspectedChannel: Sendable, Equatable {
    /// The channel; its `health` is the worst of its links.
    public var channel: RequiredChannel
    /// How many groups require it.
    public var groupCount: Int
}

/// How a job went lately.
public struct JobHistory: Sendable, Equatable {
    /// Its name, without `job:`.
    public var name: String
    /// Seconds since its last run ended; `nil`: none ever did.
    public var endedSecondsAgo: Int64?
    /// Whether that run succeeded.
    public var isSuccess: Bool
}

extension DatabaseStore {
    private static let enabledGroups = Query(
        """
        SELECT group_id, title, owner_id FROM protected_groups WHERE enabled ORDER BY group_id LIMIT $1::int
        """)
    private static let requiredChannels = Query(
        """
        SELECT c.channel_id, c.title, c.username, c.invite_link, count(*),
            sum(CASE WHEN l.health = 'broken' THEN 1 ELSE 0 END)
        FROM group_channel_links l JOIN enforced_channels c ON c.channel_id = l.channel_id
        JOIN protected_groups g ON g.group_id = l.group_id
        WHERE g.enabled GROUP BY c.channel_id, c.title, c.username, c.invite_link ORDER BY c.channel_id LIMIT $1::int
        """)
    private static let jobs = Query("SELECT name, {since:last_finished_at} / 1000, last_result::text FROM job_leases")
    private static let firstMigration = Query("SELECT {since:min(applied_at)} / 1000 FROM schema_migrations")

    /// At most so many enabled groups, and the channels that enabled groups require.
    public func inspection(
        limit: Int
    ) async throws(StoreError) -> (groups: [InspectedGroup], channels: [InspectedChannel]) {
        let steps = [Self.enabledGroups, Self.requiredChannels].map { statement($0, [.int(Int64(limit))]) }
        let results = try await database.run(steps, .read)
        guard results.count == 2 else { return ([], []) }
        let groups = results[0].map { row in
            InspectedGroup(id: ChatID(row.int(0)), title: row.text(1), owner: UserID(row.int(2)))
        }
        let channels = results[1].map { row in
            InspectedChannel(
                channel: RequiredChannel(
                    id: ChatID(row.int(0)), title: row.text(1), username: row.optionalText(2),
                    inviteLink: row.optionalText(3), health: row.int(5) > 0 ? .broken : .ok),
                groupCount: Int(row.int(4)))
        }
        return (groups, channels)
    }

    /// How the jobs that ever ran went.
    public func jobHistories() async throws(StoreError) -> [JobHistory] {
        try await rows(Self.jobs, [], .read).map { row in
            JobHistory(
                name: String(row.text(0).drop { $0 != ":" }.dropFirst()), endedSecondsAgo: row.optionalInt(1),
                isSuccess: Self.isSuccess(row.text(2)))
        }
    }

    /// Seconds since the first migration of this database.
    public func ageSeconds() async throws(StoreError) -> Int64 {
        try await rows(Self.firstMigration, [], .read).first?.int(0) ?? 0
    }
}
