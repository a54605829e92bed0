// The end of an attempt: the row goes, comes again, or waits; the ledger changes with it.

import Domain
import EventLoop

extension DatabaseStore {
    /// Ends an attempt. `note` is a JSON object for `decisions.effects`.
    public func finish(
        _ effect: Effect, _ result: EffectResult, note: String?
    ) async throws(StoreError) -> FinishOutcome {
        finishes.noteEnd(of: effect)
        try await followClock()
        switch result {
        case .done(let changes, let follow):
            let end = try await finishes.run(finish(effect, changes, follow, note), of: effect)
            return try await outcome(of: end, effect)
        case .again(let milliseconds, let counts, let unsent):
            return try await again(effect, milliseconds, counts: counts, unsent: unsent, note)
        }
    }

    private func ours(_ effect: Effect) -> [SQLValue] { [.int(effect.id), .text(database.owner)] }

    // MARK: - Done

    private func outcome(of end: FinishEnd, _ effect: Effect) async throws(StoreError) -> FinishOutcome {
        guard end.isOurs else { return .lostLease }
        guard end.isEnded else {
            // A newer wish came meanwhile. Until this is stored the row is ours, and then somebody's after the lease.
            let rows = try await rows(FinishText.revise, ours(effect), .record)
            return rows.isEmpty ? .lostLease : .revised
        }
        return end.isDue ? .finishedWithDue : .finished
    }

    /// Apart from what waits for it, whose locals are in allocated memory.
    @inline(never)
    private func finish(
        _ effect: Effect, _ changes: [LedgerChange], _ follow: [EffectWish], _ note: String?
    ) -> Finish {
        if database.dialect == .sqlite {
            let steps = steps(effect, changes, follow)
            return .file(
                FinishSQLite(
                    effect: effect.id, owner: database.owner, decision: effect.decision, note: note,
                    steps: steps.steps, follow: follow.filter { $0.key != effect.key }, moment: WallClock.now))
        }
        if let usual = UsualEnd(effect, changes, follow, note) { return .usual(usual) }
        var steps = FinishSteps()
        if let note, let decision = effect.decision { steps.add(.note, [.int(decision), .text(note)]) }
        steps.add(self.steps(effect, changes, follow))
        return .own(steps.postgreSQL(ours(effect)))
    }

    private func steps(_ effect: Effect, _ changes: [LedgerChange], _ follow: [EffectWish]) -> FinishSteps {
        var steps = FinishSteps()
        for change in changes { add(change, to: &steps) }
        let others = follow.filter { $0.key != effect.key }
        if !others.isEmpty {
            // SQLite stores the wishes as they are.
            let wishes = database.dialect == .sqlite ? SQLValue.null : EffectRows.json(others)
            steps.add(.follow, [wishes, .optional(effect.decision)])
        }
        if let own = follow.first(where: { $0.key == effect.key }) {
            // The same wish again: the row stays and waits.
            steps.add(.repeatLater, [.int(own.delayMilliseconds), .text(own.payload), .int(Int64(effect.revision))])
        } else {
            steps.add(.remove, [.int(Int64(effect.revision))])
        }
        return steps
    }

    private func add(_ change: LedgerChange, to steps: inout FinishSteps) {
        switch change {
        case .held(let ledger):
            steps.add(.held, [.int(ledger.value)])
            steps.add(.wakeLift, [.int(ledger.value)])
        case .lifted(let ledger):
            steps.add(.lifted, [.int(ledger.value)])
        case .closed(let ledger, let reason):
            steps.add(.closed, [.int(ledger.value), .text(reason.rawValue)])
            steps.add(.dropOthers, [.int(ledger.value)])
            steps.add(.editClosed, [.int(ledger.value)])
        case .told(let ledgers, let message):
            let values: [SQLValue] = [.ints(ledgers.map(\.value)), .optional(message?.value)]
            steps.add(.told, values)
            if message != nil { steps.add(.editFreed, values) }
        case .notice(let group, let message, let thread):
            steps.add(.notice, [.int(group.value), .optional(message?.value), .optional(thread)])
        }
    }

    // MARK: - Again

    private func again(
        _ effect: Effect, _ milliseconds: Int64, counts: Bool, unsent: Bool, _ note: String?
    ) async throws(StoreError) -> FinishOutcome {
        let ours = ours(effect)
        var statements = [statement(FinishText.lock, ours, stopsWhenEmpty: true)]
        if let note, let decision = effect.decision {
            statements.append(statement(FinishText.note, ours + [.int(decision), .text(note)]))
        }
        var wake: Int?
        if effect.kind == .restrict, let ledger = effect.ledger {
            wake = statements.count
            statements.append(statement(FinishText.wakeAfterRestrict, ours + [.int(ledger.value)]))
            statements.append(statement(FinishText.abandon, ours))
        }
        statements.append(statement(FinishText.again, ours + [.int(milliseconds), .flag(counts), .flag(unsent)]))
        let results = try await database.run(statements, .record)
        guard results.first?.isEmpty == false else { return .lostLease }
        if let wake, !results[wake].isEmpty { return .finishedWithDue }
        return .finished
    }
}
