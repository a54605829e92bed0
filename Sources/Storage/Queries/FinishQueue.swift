// Finishes share a transaction: each commit waits for the disk, and one at a time is on its way.
// What does not wait is kept out of what does: a function that waits keeps all its locals in allocated memory.

import Domain
import EventLoop

/// What the statements of a finish found.
struct FinishEnd {
    var isOurs: Bool
    /// The row is gone, or waits as asked; else a newer wish has come.
    var isEnded: Bool
    var isDue: Bool
}

/// How an end is stored.
enum Finish {
    /// On PostgreSQL: by the statements that all usual ends of a transaction share.
    case usual(UsualEnd)
    /// On PostgreSQL: by statements of its own, each of which answers one row: see `FinishSteps`.
    case own([SQLStatement])
    /// On SQLite.
    case file(FinishSQLite)
}

/// Stores ends, those that came while the last transaction was on its way together.
@IO
final class FinishQueue {
    private struct Entry {
        let finish: Finish
        let completion: Completion<FinishEnd, StoreError>
    }

    private static let together = 64
    private let database: any Database
    private var entries = EndsQueue<Entry>()
    private var isRunning = false

    init(database: any Database) { self.database = database }

    /// Effects that are about to be performed here.
    func expect(_ effects: [Effect]) { entries.expect(effects) }

    /// An attempt is over, whether its end is to be stored here or not.
    func noteEnd(of effect: Effect) { entries.noteEnd(of: effect.decision) }

    /// What was found, when it is stored.
    func run(_ finish: Finish, of effect: Effect) async throws(StoreError) -> FinishEnd {
        let completion = Completion<FinishEnd, StoreError>()
        entries.append(Entry(finish: finish, completion: completion), decision: effect.decision)
        if !isRunning {
            isRunning = true
            // Owned by the queue: each transaction has a deadline.
            Task { @IO in await drain() }
        }
        return try await completion.wait()
    }

    private func drain() async {
        while !entries.isEmpty { await store(entries.next(Self.together)) }
        isRunning = false
    }

    private func store(_ group: [Entry]) async {
        do throws(StoreError) {
            let (statements, shared) = statements(of: group)
            let results = try await database.run(statements, .record)
            // One that is not ours any more is not the others' fault.
            for entry in deliver(results, of: group, shared: shared) { await store([entry]) }
        } catch {
            guard case .refused = error, group.count > 1 else {
                for entry in group { entry.completion.finish(.failure(error)) }
                return
            }
            // One that is refused is not the others' fault.
            for entry in group { await store([entry]) }
        }
    }

    /// The statements of a group's ends, and how many at the beginning are those that several share.
    @inline(never)
    private func statements(of group: [Entry]) -> (all: [SQLStatement], shared: Int) {
        var usual: [UsualEnd] = []
        var file: [FinishSQLite] = []
        var own: [SQLStatement] = []
        for entry in group {
            switch entry.finish {
            case .usual(let end): usual.append(end)
            case .file(let end): file.append(end)
            case .own(let statements): own += statements
            }
        }
        if !file.isEmpty {
            let batch = FinishBatchSQLite(ends: file)
            let statement = SQLStatement("DELETE FROM effects") { connection throws(SQLiteFailure) in
                try batch.run(connection)
            }
            return ([statement], 1)
        }
        let shared = usual.isEmpty ? [] : FinishBatch.statements(usual, owner: database.owner)
        return (shared + own, shared.count)
    }

    /// Gives the usual ends of a group that were not stored, because not all of them are ours.
    @inline(never)
    private func deliver(_ results: [[SQLRow]], of group: [Entry], shared: Int) -> [Entry] {
        let answers = shared > 0 ? results[shared - 1] : []
        let isStored = !answers.isEmpty || group.count == 1
        var unstored: [Entry] = []
        var usual: [Int64: FinishEnd] = [:]
        if database.dialect == .postgreSQL {
            for row in answers { usual[row.int(0)] = FinishEnd(isOurs: true, isEnded: row.flag(1), isDue: row.flag(2)) }
        }
        var next = shared
        for (index, entry) in group.enumerated() {
            var end: FinishEnd
            switch entry.finish {
            case .file: end = FinishEnd(answers[index])
            case .usual(let one):
                guard isStored else {
                    unstored.append(entry)
                    continue
                }
                end = usual[one.id] ?? FinishEnd(nil)
            case .own(let statements):
                let rows = results[next..<(next + statements.count)].compactMap(\.first)
                next += statements.count
                end = FinishEnd(rows.last)
                end.isDue = rows.contains { $0.flag(2) }
            }
            entry.completion.finish(.success(end))
        }
        return unstored
    }
}
