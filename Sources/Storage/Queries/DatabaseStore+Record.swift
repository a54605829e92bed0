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
        let rows = try await rows(RecordPostgreSQL.query, parameters, .record)
        guard let head = rows.first else { return .repeated }
        var recorded = Recorded()
        recorded.ledger = head.optionalInt(0).map { LedgerID($0) }
        recorded.wasHeldAlready = head.flag(1)
        recorded.released = Int(head.int(2))
        recorded.decision = head.optionalInt(3)
        recorded.isOnlyUntold = recorded.ledger != nil && head.flag(4)
        recorded.effects = rows.compactMap { EffectRows.effect($0, from: 5) }
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
        var steps: [SQLStatement] = []
        var places = Places()
        if let update = record.update {
            places.first = steps.count
            steps.append(
                statement(RecordSQLite.first, [.int(botID), .int(update.value)], stopsWhenEmpty: true))
        }
        if let decision = record.decision {
            places.decision = steps.count
            steps.append(decisionStep(decision, record))
        }
        if let hold = record.hold {
            places.hold = steps.count
            steps.append(holdStep(hold, record))
        }
        let lease = nextLeaseEnd()
        if !record.effects.isEmpty {
            places.effects.append(steps.count)
            steps.append(
                statement(
                    RecordSQLite.effects,
                    [
                        EffectRows.json(record.effects), .text(database.owner), lease,
                        .flag(record.decision != nil), .flag(record.hold != nil),
                        .optional(record.hold?.group.value), .optional(record.hold?.user.value),
                        Self.json(record.releases),
                    ]))
        }
        for wish in record.releases {
            append(wish, lease: lease, hasDecision: record.decision != nil, to: &steps, &places)
        }
        guard !steps.isEmpty else { return .recorded(Recorded()) }
        return outcome(of: try await database.run(steps, .record), places)
    }

    /// Where in the chain the steps stand that answer something.
    private struct Places {
        var first: Int?
        var decision: Int?
        var hold: Int?
        var effects: [Int] = []
        var closes: [Int] = []
    }

    private func decisionStep(_ decision: DecisionRow, _ record: Record) -> SQLStatement {
        statement(
            RecordSQLite.decision,
            [
                .optional(decision.update?.value), .int(decision.group.value), .optional(decision.user?.value),
                .int(Int64(decision.ruleVersion)), .text(decision.outcome), .text(decision.facts),
                .optional(record.hold?.group.value), .optional(record.hold?.user.value), Self.json(record.releases),
            ])
    }

    private func holdStep(_ hold: HoldWish, _ record: Record) -> SQLStatement {
        statement(
            RecordSQLite.hold,
            [
                .int(hold.group.value), .int(hold.user.value), .text(Self.json(hold.channels)),
                .text(hold.source.rawValue), .optional(record.update?.value), .optional(hold.priorPermissions),
                .flag(record.decision != nil),
            ])
    }

    private func append(
        _ wish: ReleaseWish, lease: SQLValue, hasDecision: Bool, to steps: inout [SQLStatement], _ places: inout Places
    ) {
        let person: [SQLValue] = [.int(wish.group.value), .int(wish.user.value)]
        steps.append(statement(RecordSQLite.dropUnstarted, person + [.flag(wish.lifts)]))
        if wish.lifts {
            places.effects.append(steps.count)
            steps.append(
                statement(RecordSQLite.lift, person + [.text(database.owner), lease, .flag(hasDecision)]))
        }
        places.closes.append(steps.count)
        steps.append(
            statement(RecordSQLite.close, person + [.text(wish.reason.rawValue), .flag(wish.lifts)]))
    }

    private func outcome(of results: [[SQLRow]], _ places: Places) -> RecordOutcome {
        if let first = places.first, results[first].isEmpty { return .repeated }
        var recorded = Recorded()
        recorded.decision = places.decision.flatMap { results[$0].first?.optionalInt(0) }
        if let hold = places.hold {
            recorded.ledger = results[hold].first?.optionalInt(0).map { LedgerID($0) }
            recorded.wasHeldAlready = recorded.ledger == nil
        }
        recorded.released = places.closes.reduce(0) { $0 + results[$1].count }
        for place in places.effects {
            for row in results[place] where row.flag(12) {
                if let effect = EffectRows.effect(row) { recorded.effects.append(effect) }
            }
        }
        return .recorded(recorded)
    }
}
