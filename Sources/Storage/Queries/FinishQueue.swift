// Finishes share a transaction on PostgreSQL: each commit waits for the disk, and one at a time is on its way.
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
    /// By the statements that all usual ends of a transaction share.
    case usual(UsualEnd)
    /// By statements of its own, each of which answers one row: see `FinishSteps`.
    case own([SQLStatement])
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
    private var entries: [Entry] = []
    private var isRunning = false

    init(database: any Database) { self.database = database }

    /// What was found, when it is stored.
    func run(_ finish: Finish) async throws(StoreError) -> FinishEnd {
        let completion = Completion<FinishEnd, StoreError>()
        entries.append(Entry(finish: finish, completion: completion))
        if !isRunning {
            isRunning = true
            // Owned by the queue: each transaction has a deadline.
            Task { @IO in await drain() }
        }
        return try await completion.wait()
    }

    private func drain() async {
        while !entries.isEmpty {
            let group = Array(entries.prefix(Self.together))
            entries.removeFirst(group.count)
            await store(group)
        }
        isRunning = false
    }

    private func store(_ group: [Entry]) async {
        do throws(StoreError) {
            let (statements, shared) = statements(of: group)
            let results = try await database.run(statements, .record)
            deliver(results, of: group, shared: shared)
        } catch {
            guard case .refused = error, group.count > 1 else {
                for entry in group { entry.completion.finish(.failure(error)) }
                return
            }
            // One that is refused is not the others' fault.
            for entry in group { await store([entry]) }
        }
    }

    /// The statements of a group's ends, and how many at the beginning are those that the usual ones share.
    @inline(never)
    private func statements(of group: [Entry]) -> (all: [SQLStatement], shared: Int) {
        let usual = group.compactMap { if case .usual(let end) = $0.finish { end } else { nil } }
        let own = group.compactMap { if case .own(let statements) = $0.finish { statements } else { nil } }
        let shared = usual.isEmpty ? [] : FinishBatch.statements(usual, owner: database.owner)
        return (shared + own.joined(), shared.count)
    }

    @inline(never)
    private func deliver(_ results: [[SQLRow]], of group: [Entry], shared: Int) {
        var found: [Int64: FinishEnd] = [:]
        if shared > 0 {
            for row in results[shared - 1] {
                found[row.int(0)] = FinishEnd(isOurs: true, isEnded: row.flag(1), isDue: row.flag(2))
            }
        }
        var next = shared
        for entry in group {
            switch entry.finish {
            case .usual(let end):
                let nothing = FinishEnd(isOurs: false, isEnded: false, isDue: false)
                entry.completion.finish(.success(found[end.id] ?? nothing))
            case .own(let statements):
                let rows = results[next..<(next + statements.count)].compactMap(\.first)
                next += statements.count
                entry.completion.finish(
                    .success(
                        FinishEnd(
                            isOurs: rows.last?.flag(0) == true, isEnded: rows.last?.flag(1) == true,
                            isDue: rows.contains { $0.flag(2) })))
            }
        }
    }
}
