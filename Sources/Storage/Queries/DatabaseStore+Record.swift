// Recording: an update, its decision, hold, releases and effects in one transaction and one round trip.

import Domain
import EventLoop
import JSON

extension DatabaseStore {
    /// Stores a record.
    public func record(_ record: Record) async throws(StoreError) -> RecordOutcome {
        let starting = record.effects.count(where: \.startsAtOnce) + record.releases.count(where: \.lifts)
        startingEffects += starting
        defer { startingEffects -= starting }
        try await followClock()
        // Before the row is there: who asks the ledger too often loses nothing.
        if let hold = record.hold { held.note(hold.user, in: hold.group) }
        do throws(StoreError) {
            let outcome =
                switch database.dialect {
                case .postgreSQL: try await recordAtServer(record)
                case .sqlite: try await recordInFile(record)
                }
            if leavesWork(record, outcome) { for handler in effectHandlers { handler() } }
            return outcome
        } catch {
            if error == .unavailable || error == .timedOut { uncertainRecords += 1 }
            throw error
        }
    }

    /// Calls `handler` when effects were recorded for whoever has room, here or by another replica, or may have been.
    public func onEffects(_ handler: @escaping @IO () -> Void) {
        effectHandlers.append(handler)
        database.onEffects(handler)
    }

    /// Whether effects were stored that nobody starts: those that were not to be, and those that could not be leased.
    private func leavesWork(_ record: Record, _ outcome: RecordOutcome) -> Bool {
        guard case .recorded(let recorded) = outcome else { return false }
        let starting = record.effects.count(where: \.startsAtOnce)
        return starting < record.effects.count || recorded.effects.count < starting + recorded.released
    }

    // MARK: - PostgreSQL

    private func recordAtServer(_ record: Record) async throws(StoreError) -> RecordOutcome {
        let decision = record.decision
        let hold = record.hold
        let parameters: [SQLValue] = [
            .int(botID), .optional(record.update?.value), .text(database.owner),
            .optional(decision?.group.value), .optional(decision?.user?.value),
            .optional(decision.map { Int64($0.ruleVersion) }), .optional(decision?.outcome),
            .optional(decision?.facts), .optional(decision?.update?.value),
            .optional(hold?.group.value), .optional(hold?.user.value), .optional(hold.map { Self.json($0.channels) }),
            .optional(hold?.source.rawValue), .optional(hold?.priorPermissions),
            Self.json(record.releases), EffectRows.json(record.effects), .flag(mayNotify(of: record)),
        ]
        let rows = try await rows(
            RecordPostgreSQL.query(releases: !record.releases.isEmpty), parameters, .record)
        guard let head = rows.first else { return .repeated }
        var recorded = Recorded()
        recorded.ledger = head.optionalInt(0).map { LedgerID($0) }
        recorded.wasHeldAlready = head.flag(1)
        recorded.released = Int(head.int(2))
        recorded.decision = head.optionalInt(3)
        recorded.isOnlyUntold = recorded.ledger != nil && head.flag(4)
        recorded.effects = rows.compactMap { EffectRows.effect($0, from: 5) }
        finishes.expect(recorded.effects)
        return .recorded(recorded)
    }

    /// Others are told of rows that wait for a worker at most once in 50 ms: `NOTIFY` serialises commits.
    private func mayNotify(of record: Record) -> Bool {
        guard record.effects.contains(where: { !$0.startsAtOnce && $0.delayMilliseconds <= 0 }) else { return false }
        let now = Loop.shared.current()
        if let lastNotice, now.milliseconds(since: lastNotice) < 50 { return false }
        lastNotice = now
        return true
    }

    private static func json(_ channels: [ChatID]) -> String {
        "[" + channels.map(\.description).joined(separator: ",") + "]"
    }

    private static func json(_ releases: [ReleaseWish]) -> SQLValue {
        let objects = releases.map { wish in
            #"{"group":\#(wish.group),"user":\#(wish.user),"reason":"\#(wish.reason.rawValue)","#
                + #""lifts":\#(wish.lifts ? 1 : 0)}"#
        }
        return .text("[" + objects.joined(separator: ",") + "]")
    }

    // MARK: - SQLite

    private func recordInFile(_ record: Record) async throws(StoreError) -> RecordOutcome {
        let isEmpty = record.update == nil && record.decision == nil && record.hold == nil
        guard !isEmpty || !record.effects.isEmpty || !record.releases.isEmpty else { return .recorded(Recorded()) }
        let answer = SQLiteAnswer<RecordOutcome>()
        _ = try await database.run([statement(of: record, answer)], .record)
        return answer.value ?? .repeated
    }

    /// Apart from what waits for it, whose locals are in allocated memory.
    @inline(never)
    private func statement(of record: Record, _ answer: SQLiteAnswer<RecordOutcome>) -> SQLStatement {
        let lease = nextLeaseEnd()
        let program = RecordSQLite(
            record: record, botID: botID, owner: database.owner, lease: lastLease, moment: WallClock.now,
            releases: record.releases.map { statements($0, lease: lease, hasDecision: record.decision != nil) })
        return SQLStatement("INSERT INTO processed_updates, decisions, user_restrictions, effects") {
            connection throws(SQLiteFailure) in
            answer.value = try program.run(connection)
            return []
        }
    }

    private func statements(_ wish: ReleaseWish, lease: SQLValue, hasDecision: Bool) -> [SQLStatement] {
        let person: [SQLValue] = [.int(wish.group.value), .int(wish.user.value)]
        var statements = [statement(RecordSQLite.dropUnstarted, person + [.flag(wish.lifts)])]
        if wish.lifts {
            statements.append(
                statement(RecordSQLite.lift, person + [.text(database.owner), lease, .flag(hasDecision)]))
        }
        statements.append(statement(RecordSQLite.close, person + [.text(wish.reason.rawValue), .flag(wish.lifts)]))
        return statements
    }
}
