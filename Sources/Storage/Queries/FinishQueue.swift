// Finishes share a transaction on PostgreSQL: each commit waits for the disk, and one at a time is on its way.

import EventLoop

/// Runs groups of statements, those that came while the last transaction was on its way together.
@IO
final class FinishQueue {
    private struct Entry {
        var statements: [SQLStatement]
        var completion: Completion<[[SQLRow]], StoreError>
    }

    private static let together = 64
    private var entries: [Entry] = []
    private var isRunning = false

    /// The rows of the group's statements, when they are stored.
    func run(_ statements: [SQLStatement], on database: any Database) async throws(StoreError) -> [[SQLRow]] {
        let completion = Completion<[[SQLRow]], StoreError>()
        entries.append(Entry(statements: statements, completion: completion))
        if !isRunning {
            isRunning = true
            // Owned by the queue: each transaction has a deadline.
            Task { @IO in await drain(database) }
        }
        return try await completion.wait()
    }

    private func drain(_ database: any Database) async {
        while !entries.isEmpty {
            let group = Array(entries.prefix(Self.together))
            entries.removeFirst(group.count)
            await store(group, database)
        }
        isRunning = false
    }

    private func store(_ group: [Entry], _ database: any Database) async {
        do throws(StoreError) {
            let results = try await database.run(group.flatMap(\.statements), .record)
            var first = 0
            for entry in group {
                entry.completion.finish(.success(Array(results[first..<(first + entry.statements.count)])))
                first += entry.statements.count
            }
        } catch {
            guard case .refused = error, group.count > 1 else {
                for entry in group { entry.completion.finish(.failure(error)) }
                return
            }
            // One that is refused is not the others' fault.
            for entry in group { await store([entry], database) }
        }
    }
}
