// Leases: who performs an effect, and when.

import Domain
import EventLoop

/// What may be leased: due, and in the order of its ledger row and of its chat's messages.
private enum LeaseText {
    /// Never two effects of one ledger row at a time, and in the order of recording: restrict before lift.
    static let ledgerOrder = """
        NOT EXISTS (SELECT 1 FROM effects o WHERE o.ledger_id = c.ledger_id AND o.id <> c.id
            AND (o.id < c.id OR (o.lease_owner IS NOT NULL AND o.lease_until > m.now)))
        """

    /// One prompt or edit of a chat at a time, oldest first.
    static let chatOrder = """
        (c.lane <> 3 OR NOT EXISTS (SELECT 1 FROM effects o WHERE o.chat_id = c.chat_id AND o.lane = 3 AND o.id <> c.id
            AND ((o.lease_owner IS NOT NULL AND o.lease_until > m.now)
                OR (o.due_at <= m.now AND (o.due_at, o.id) < (c.due_at, c.id)))))
        """

    /// At most `room` of a lane.
    static func pick(_ lane: String, _ room: String) -> String {
        """
        SELECT c.id, c.lease_owner AS former, CASE WHEN c.kind = 'restrict' THEN c.ledger_id END AS restricts
        FROM effects c, (SELECT {now} AS now) AS m
        WHERE c.lane = \(lane) AND c.due_at <= (SELECT {now}) AND \(ledgerOrder) AND \(chatOrder)
        ORDER BY c.due_at, c.id LIMIT \(room)
        """
    }

    static let sends = "e.sends + CASE WHEN e.kind IN \(EffectRows.messageKinds) THEN 1 ELSE 0 END"

    static let columns = EffectRows.columns
        .split(separator: ", ").map { $0.hasPrefix("{") ? "{since:e.created_at}" : "e.\($0)" }.joined(separator: ", ")
}

extension DatabaseStore {
    /// `$1` lane, `$2` how many.
    private static let pickDue = Query(LeaseText.pick("$1", "$2"))

    /// All lanes with one statement: `$1` lanes, `$2` how many of each. Whom an effect is about comes along: a release
    /// that is recorded later waits for the lease, so the row stays true as long as that lasts.
    private static let leaseAtServer = Query(
        """
        UPDATE effects e SET lease_owner = $3::text, lease_until = {after:12000}, due_at = {after:12000},
            sends = \(LeaseText.sends)
        FROM unnest($1::bigint[], $2::bigint[]) AS q(lane, room)
        CROSS JOIN LATERAL (\(LeaseText.pick("q.lane::smallint", "q.room")) FOR UPDATE OF c SKIP LOCKED) AS p
        LEFT JOIN user_restrictions u ON u.id = p.restricts
        WHERE e.id = p.id
        RETURNING \(LeaseText.columns), COALESCE(p.former <> $3::text, FALSE)::int, \(HoldRows.columns("u."))
        """)

    private static let leaseInFile = Query(
        """
        UPDATE effects AS e SET lease_owner = $3, lease_until = $4, due_at = $4, sends = \(LeaseText.sends)
        WHERE id IN (SELECT id FROM (\(LeaseText.pick("$1", "$2"))))
        RETURNING \(EffectRows.columns)
        """)

    private static let leaseForgotten = Query(
        """
        UPDATE effects SET lease_until = {after:12000}, due_at = {after:12000}
        WHERE lease_owner = $1::text AND NOT (id {in:$2})
        RETURNING \(EffectRows.columns)
        """)

    private static let renew = Query(
        """
        UPDATE effects SET lease_until = {after:12000}, due_at = {after:12000}
        WHERE id = $1::bigint AND lease_owner = $2::text RETURNING 1
        """)

    private static let giveBack = Query(
        """
        UPDATE effects SET lease_owner = NULL, lease_until = NULL, due_at = {now},
            sends = {greatest}(0, sends - CASE WHEN kind IN \(EffectRows.messageKinds) THEN 1 ELSE 0 END)
        WHERE id {in:$1} AND lease_owner = $2::text
        """)

    private static let push = Query(
        """
        UPDATE effects SET due_at = {greatest}(due_at, {after:$2})
        WHERE chat_id = $1::bigint AND (lease_owner IS NULL OR lease_owner = $3::text OR lease_until <= {now})
        """)

    private static let void = Query(
        "UPDATE effects SET lease_until = {now}, due_at = {now} WHERE lease_owner IS NOT NULL")

    private static let pendingByLane = Query(
        """
        SELECT lane, count(*), COALESCE(sum(CASE WHEN due_at <= {now} THEN 1 ELSE 0 END), 0),
            COALESCE({since:min(due_at)}, 0)
        FROM effects GROUP BY lane
        """)

    /// Lane 3 holds a row for each standing prompt, so its first is looked for in the index, not among all.
    private static let nextDue = Query(
        """
        SELECT d.lane, -{since:d.due} FROM (
            SELECT 1 AS lane, min(due_at) AS due FROM effects WHERE lane = 1
            UNION ALL SELECT 2, min(due_at) FROM effects WHERE lane = 2
            UNION ALL SELECT 3, (SELECT c.due_at FROM effects c WHERE c.lane = 3 AND NOT EXISTS (
                SELECT 1 FROM effects o WHERE o.chat_id = c.chat_id AND o.lane = 3 AND o.id <> c.id
                    AND o.lease_owner IS NOT NULL AND o.lease_until > (SELECT {now}))
                ORDER BY c.due_at LIMIT 1)
            UNION ALL SELECT 4, min(due_at) FROM effects WHERE lane = 4) AS d
        WHERE d.due IS NOT NULL
        """)

    /// Leases due effects, oldest first, at most `limits[lane]` of each lane;
    /// never two of a ledger row, or two messages of a chat, at a time.
    public func leaseDue(limits: [Int: Int]) async throws(StoreError) -> [Effect] {
        let lanes = limits.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        guard !lanes.isEmpty else { return [] }
        try await followClock()
        let owner = SQLValue.text(database.owner)
        guard database.dialect == .sqlite else {
            let parameters = [SQLValue.ints(lanes.map { Int64($0.key) }), .ints(lanes.map { Int64($0.value) }), owner]
            return try await rows(Self.leaseAtServer, parameters, .lease).compactMap { row in
                EffectRows.effect(row, isTakenOver: row.flag(12), freshHold: HoldRows.hold(row, from: 13))
            }.sorted(by: Self.order)
        }
        var steps: [SQLStatement] = []
        for (lane, limit) in lanes {
            let pick: [SQLValue] = [.int(Int64(lane)), .int(Int64(limit))]
            steps.append(statement(Self.pickDue, pick))
            steps.append(statement(Self.leaseInFile, pick + [owner, nextLeaseEnd()]))
        }
        let results = try await database.run(steps, .lease)
        var effects: [Effect] = []
        for index in stride(from: 0, to: results.count - 1, by: 2) {
            // RETURNING cannot name the former owner: the selection before the update has it.
            let taken = results[index].filter { ($0.optionalText(1) ?? database.owner) != database.owner }.map {
                $0.int(0)
            }
            let others = Set(taken)
            effects += results[index + 1].compactMap { EffectRows.effect($0, isTakenOver: others.contains($0.int(0))) }
        }
        return effects.sorted(by: Self.order)
    }

    private static func order(_ left: Effect, _ right: Effect) -> Bool {
        left.kind.lane == right.kind.lane ? left.id < right.id : left.kind.lane < right.kind.lane
    }

    /// Leases of this replica that it does not run (`running`): they were never started, so no send is counted.
    public func leaseOwnForgotten(running: [Int64]) async throws(StoreError) -> [Effect] {
        let rows = try await rows(Self.leaseForgotten, [.text(database.owner), .ints(running)], .lease)
        return rows.compactMap { EffectRows.effect($0) }.sorted(by: Self.order)
    }

    /// Renews a lease for 12 s. False: it is somebody else's now, or the row is gone.
    public func renew(_ effect: Effect) async throws(StoreError) -> Bool {
        try await followClock()
        return try await !rows(Self.renew, [.int(effect.id), .text(database.owner)], .lease).isEmpty
    }

    /// Puts off all effects of a chat that nobody else leases; one statement.
    public func push(_ chat: ChatID, milliseconds: Int64) async throws(StoreError) {
        try await followClock()
        try await execute(Self.push, [.int(chat.value), .int(milliseconds), .text(database.owner)], .record)
    }

    /// Gives unstarted effects back at shutdown.
    public func giveBack(_ effects: [Int64]) async throws(StoreError) {
        try await execute(Self.giveBack, [.ints(effects), .text(database.owner)], .record)
    }

    /// SQLite has one `serve`: at its start all leases are void.
    ///
    /// The former owner stays in the row, so that whoever leases it knows that its outcome may be unknown.
    public func voidLeases() async throws(StoreError) {
        guard database.dialect == .sqlite else { return }
        try await execute(Self.void, [], .record)
    }

    /// Due and waiting effects by lane, and the age in milliseconds of the oldest due one of lanes 1 and 2.
    public func pending() async throws(StoreError) -> PendingEffects {
        var pending = PendingEffects()
        for row in try await rows(Self.pendingByLane, [], .read) {
            let lane = Int(row.int(0))
            pending.byLane[lane] = Int(row.int(1))
            pending.due += Int(row.int(2))
            if lane <= 2 { pending.oldestMilliseconds = max(pending.oldestMilliseconds, row.int(3)) }
        }
        return pending
    }

    /// Milliseconds until the next effect of these lanes is due (0: now), or `nil` when there is none.
    public func nextDueMilliseconds(lanes: Set<Int> = [1, 2, 3, 4]) async throws(StoreError) -> Int64? {
        try await rows(Self.nextDue, [], .read).filter { lanes.contains(Int($0.int(0))) }.map { max(0, $0.int(1)) }
            .min()
    }
}
