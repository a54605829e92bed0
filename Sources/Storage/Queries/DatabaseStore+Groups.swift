// Groups, channels, links and exemptions.

import Domain
import EventLoop
import JSON

extension DatabaseStore {
    private static let groupRow = Query(
        """
        SELECT owner_id, title, enabled::int, params::text, notice_message_id, notice_thread_id FROM protected_groups
        WHERE group_id = $1::bigint
        """)
    private static let groupChannels = Query(
        """
        SELECT c.channel_id, c.title, c.username, c.invite_link, l.health
        FROM group_channel_links l JOIN enforced_channels c ON c.channel_id = l.channel_id
        WHERE l.group_id = $1::bigint ORDER BY l.id
        """)
    private static let groupExemptions = Query(
        """
        SELECT user_id, {epoch:until} FROM exemptions
        WHERE group_id = $1::bigint AND (until IS NULL OR until > {now})
        """)
    private static let requiring = Query(
        """
        SELECT l.group_id FROM group_channel_links l JOIN protected_groups g ON g.group_id = l.group_id
        WHERE l.channel_id = $1::bigint AND g.enabled ORDER BY l.group_id
        """)
    private static let upsertOwner = Query(
        """
        INSERT INTO owners (user_id, username, created_at, updated_at) VALUES ($1::bigint, $2::text, {now}, {now})
        ON CONFLICT (user_id) DO UPDATE SET username = COALESCE(excluded.username, owners.username),
            updated_at = excluded.updated_at
        """)
    private static let upsertGroup = Query(
        """
        INSERT INTO protected_groups (group_id, owner_id, title, enabled, params, created_at, updated_at)
        VALUES ($1::bigint, $2::bigint, $3::text, TRUE, '{}', {now}, {now})
        ON CONFLICT (group_id) DO UPDATE SET title = excluded.title, enabled = TRUE,
            owner_id = CASE WHEN $4::int = 1 THEN excluded.owner_id ELSE protected_groups.owner_id END,
            updated_at = excluded.updated_at
        """)
    private static let upsertChannel = Query(
        """
        INSERT INTO enforced_channels (channel_id, title, username, invite_link, created_at, updated_at)
        VALUES ($1::bigint, $2::text, $3::text, $4::text, {now}, {now})
        ON CONFLICT (channel_id) DO UPDATE SET title = excluded.title, username = excluded.username,
            invite_link = COALESCE(excluded.invite_link, enforced_channels.invite_link),
            updated_at = excluded.updated_at
        """)
    private static let upsertLink = Query(
        """
        INSERT INTO group_channel_links (group_id, channel_id, created_at, health, health_since)
        VALUES ($1::bigint, $2::bigint, {now}, 'ok', {now})
        ON CONFLICT (group_id, channel_id) DO UPDATE SET health = 'ok', health_since = excluded.health_since
        """)
    /// `$2` is a merge patch (RFC 7396).
    private static let patchParams = Query(
        postgreSQL: patch("jsonb_strip_nulls(COALESCE(params, '{}') || $2::jsonb)"),
        sqlite: patch("json_patch(COALESCE(params, '{}'), $2)"))
    private static func patch(_ merged: String) -> String {
        "UPDATE protected_groups SET params = \(merged), updated_at = {now} WHERE group_id = $1::bigint"
    }
    /// An exemption for good is never shortened; at most 200 of them in a group.
    private static let exempt = Query(
        """
        INSERT INTO exemptions (group_id, user_id, until, reason, created_at)
        SELECT $1::bigint, $2::bigint, $3::timestamptz, $4::text, {now}
        WHERE $3::timestamptz IS NOT NULL OR (SELECT count(*) FROM exemptions
            WHERE group_id = $1::bigint AND until IS NULL AND user_id <> $2::bigint) < 200
        ON CONFLICT (group_id, user_id) DO UPDATE SET reason = excluded.reason,
            until = CASE WHEN exemptions.until IS NULL THEN NULL ELSE excluded.until END
        RETURNING 1
        """)
    private static let endExemption = Query(
        "DELETE FROM exemptions WHERE group_id = $1::bigint AND user_id = $2::bigint")
    private static let changeHealth = Query(
        """
        UPDATE group_channel_links SET health = $3::text, health_since = {now}
        WHERE group_id = $1::bigint AND channel_id = $2::bigint AND health <> $3::text RETURNING 1
        """)
    /// Before the change. A notice that waits already says the same.
    private static let tellHealth = Query(
        """
        INSERT INTO effects (dedup_key, kind, lane, chat_id, payload, due_at, created_at)
        SELECT $4::text, $5::text, $6::int, $7::bigint, $8::jsonb, {now}, {now} FROM group_channel_links l
        WHERE l.group_id = $1::bigint AND l.channel_id = $2::bigint AND l.health <> $3::text
        ON CONFLICT (dedup_key) DO NOTHING
        """)
    /// A link that is still broken was tried just now.
    private static let triedHealth = Query(
        """
        UPDATE group_channel_links SET health_since = {now}
        WHERE group_id = $1::bigint AND channel_id = $2::bigint AND health = 'broken'
        """)
    private static let broken = Query(
        """
        SELECT l.group_id, l.channel_id FROM group_channel_links l
        JOIN protected_groups g ON g.group_id = l.group_id
        WHERE g.enabled AND l.health = 'broken' AND (l.health_since IS NULL OR l.health_since <= {after:-3600000})
        ORDER BY l.health_since, l.id LIMIT $1::int
        """)
    private static let groupTitle = Query(
        """
        UPDATE protected_groups SET title = $2::text, updated_at = {now}
        WHERE group_id = $1::bigint AND title IS DISTINCT FROM $2::text RETURNING group_id
        """)
    private static let channelTitle = Query(
        """
        UPDATE enforced_channels SET title = $2::text, username = $3::text, updated_at = {now}
        WHERE channel_id = $1::bigint
            AND (title IS DISTINCT FROM $2::text OR username IS DISTINCT FROM $3::text) RETURNING 1
        """)
    private static let notice = Query(
        """
        UPDATE protected_groups SET notice_message_id = $2::bigint, notice_thread_id = $3::bigint,
            notice_sent_at = CASE WHEN $2::bigint IS NULL THEN NULL ELSE {now} END, updated_at = {now}
        WHERE group_id = $1::bigint
        """)
    private static let noticeSent = Query(
        "SELECT {epoch:notice_sent_at} FROM protected_groups WHERE group_id = $1::bigint")

    /// The group with channels and valid exemptions, or `nil` if it was never protected.
    public func group(_ id: ChatID) async throws(StoreError) -> ProtectedGroup? {
        let key: [SQLValue] = [.int(id.value)]
        let steps = [
            statement(Self.groupRow, key), statement(Self.groupChannels, key), statement(Self.groupExemptions, key),
        ]
        let results = try await database.run(steps, .read)
        guard results.count == 3, let row = results[0].first else { return nil }
        let channels = results[1].map { row in
            RequiredChannel(
                id: ChatID(row.int(0)), title: row.text(1), username: row.optionalText(2),
                inviteLink: row.optionalText(3), health: LinkHealth(rawValue: row.text(4)) ?? .ok)
        }
        var exemptions: [UserID: Int64?] = [:]
        for row in results[2] { exemptions.updateValue(row.optionalInt(1), forKey: UserID(row.int(0))) }
        return ProtectedGroup(
            id: id, owner: UserID(row.int(0)), title: row.text(1), isEnabled: row.flag(2),
            params: GroupParams(json: row.optionalText(3)), channels: channels, exemptions: exemptions,
            notice: row.optionalInt(4).map { MessageID($0) }, noticeThread: row.optionalInt(5))
    }

    /// Enabled groups that require `channel`, whatever the link's health.
    public func groups(requiring channel: ChatID) async throws(StoreError) -> [ChatID] {
        try await rows(Self.requiring, [.int(channel.value)], .read).map { ChatID($0.int(0)) }
    }

    /// Upserts owner, group (enabled), channels (health ok) and links; what was left open goes on.
    public func protect(_ protection: Protection) async throws(StoreError) {
        let owner = SQLValue.int(protection.owner.value)
        let group = SQLValue.int(protection.group.value)
        // Holds and effects are locked before the group, as by whoever ends an effect.
        var steps = resumeSteps(protection.group, releasing: protection.watching)
        steps += [
            statement(Self.upsertOwner, [owner, .optional(protection.ownerUsername)]),
            statement(
                Self.upsertGroup,
                [group, owner, .text(protection.title.cut(255)), .flag(protection.replacesOwner)]),
        ]
        // In the order of ids, as all who lock channels; links keep the order of the wish.
        for channel in protection.channels.sorted(by: { $0.id < $1.id }) {
            let values: [SQLValue] = [
                .int(channel.id.value), .text(channel.title.cut(255)), .optional(channel.username),
                .optional(channel.inviteLink),
            ]
            steps.append(statement(Self.upsertChannel, values))
        }
        for channel in protection.channels {
            steps.append(statement(Self.upsertLink, [group, .int(channel.id.value)]))
        }
        steps += [PurgeText.forgetRemoved, PurgeText.unmark].map { statement($0, [group]) }
        if protection.watching != nil {
            steps.append(statement(Self.patchParams, [group, .text(#"{"mode":"observe"}"#)]))
        }
        _ = try await changeGroup(steps, audit: protection.audit)
    }

    /// Stores those settings in which `new` differs from `old`, and ends all holds if that is wanted.
    public func changeParams(
        from old: GroupParams, to new: GroupParams, of group: ChatID, releasing: DecisionRow?, audit: AuditRow?
    ) async throws(StoreError) -> Int {
        let changes = new.changes(from: old)
        var audit = changes.isEmpty ? nil : audit
        audit?.details += changes
        let patch = String(decoding: JSONValue.object(changes).encoded(), as: UTF8.self)
        let steps =
            [statement(Self.patchParams, [.int(group.value), .text(patch)])]
            + (releasing.map { releaseSteps($0, heldFor: nil) } ?? [])
        let results = try await changeGroup(steps, audit: audit)
        return releasing == nil ? 0 : results.last?.count ?? 0
    }

    /// Exempts a person (`untilSeconds` nil: for good). False when 200 are exempt for good already.
    public func exempt(
        _ user: UserID, in group: ChatID, untilSeconds: Int64?, reason: String, audit: AuditRow?
    ) async throws(StoreError) -> Bool {
        let until = untilSeconds.map { SQLValue.time(Timestamp(seconds: $0)) } ?? .null
        let values: [SQLValue] = [.int(group.value), .int(user.value), until, .text(reason)]
        let key: [SQLValue] = [.int(group.value), .int(user.value)]
        let noting = audit.map { [statement(AuditText.ifExempt, $0.values + key)] } ?? []
        let results = try await changeGroup([statement(Self.exempt, values)] + noting)
        return results.first?.isEmpty == false
    }

    /// Ends an exemption.
    public func removeExemption(of user: UserID, in group: ChatID, audit: AuditRow?) async throws(StoreError) {
        let step = statement(Self.endExemption, [.int(group.value), .int(user.value)])
        _ = try await changeGroup([step], audit: audit)
    }

    /// Sets a link's health; with a change `notice`, which has a key, is recorded. Returns whether it changed.
    public func setHealth(
        _ health: LinkHealth, of channel: ChatID, in group: ChatID, telling notice: EffectWish?
    ) async throws(StoreError) -> Bool {
        let link: [SQLValue] = [.int(group.value), .int(channel.value)]
        let change = link + [.text(health.rawValue)]
        var steps: [SQLStatement] = []
        if let notice {
            let row: [SQLValue] = [
                .optional(notice.key), .text(notice.kind.rawValue), .int(Int64(notice.kind.lane)),
                .int(notice.chat.value), .text(notice.payload),
            ]
            steps.append(statement(Self.tellHealth, change + row))
        }
        steps += [statement(Self.changeHealth, change), statement(Self.triedHealth, link)]
        return try await changeGroup(steps).dropLast().last?.isEmpty == false
    }

    /// Links marked broken for at least an hour since they were last tried, for the re-test.
    public func brokenLinks(limit: Int) async throws(StoreError) -> [(group: ChatID, channel: ChatID)] {
        try await rows(Self.broken, [.int(Int64(limit))], .read).map { (ChatID($0.int(0)), ChatID($0.int(1))) }
    }

    /// Title and public name as just seen, where they differ. Returns the groups whose configuration shows it.
    @discardableResult
    public func setTitle(
        _ title: String, username: String?, of chat: ChatID
    ) async throws(StoreError) -> [ChatID] {
        let values: [SQLValue] = [.int(chat.value), .text(title.cut(255))]
        let steps = [
            statement(Self.groupTitle, values), statement(Self.channelTitle, values + [.optional(username)]),
            statement(Self.requiring, [.int(chat.value)]),
        ]
        let results = try await database.run(steps, .command)
        guard results.count == 3 else { return [] }
        let groups = results[0] + (results[1].isEmpty ? [] : results[2])
        return groups.map { ChatID($0.int(0)) }
    }

    /// Sets or forgets the standing notice.
    public func setNotice(_ message: MessageID?, thread: Int64?, of group: ChatID) async throws(StoreError) {
        try await execute(Self.notice, [.int(group.value), .optional(message?.value), .optional(thread)])
    }

    /// When the standing notice was sent, in seconds since 1970.
    public func noticeSentAtSeconds(of group: ChatID) async throws(StoreError) -> Int64? {
        try await rows(Self.noticeSent, [.int(group.value)], .read).first?.optionalInt(0)
    }
}
