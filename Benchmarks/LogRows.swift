// The log writer alone: rows a second into a database with all its indexes, and our CPU for each.

import Domain
import EventLoop
import Glibc
import Storage

/// Offers rows in bursts that fit the queue, waits for the last.
@IO
enum LogRows {
    static func run(_ words: ArraySlice<String>) async throws {
        guard words.count == 2, let url = words.first, let count = words.last.flatMap({ Int($0) }) else {
            throw BenchmarkError("rows DATABASE_URL COUNT")
        }
        let database = try await Storage.open(url: url)
        _ = try await Migrator.up(database)
        let writer = LogWriter(store: DatabaseStore(database: database, botID: Numbers.bot))
        try await offer(5000, to: writer)
        let process = Int(getpid())
        let before = try ProcessUsage.of(process)
        let began = Loop.shared.current().nanoseconds
        try await offer(count, to: writer)
        let seconds = Double(Loop.shared.current().nanoseconds - began) / 1e9
        let after = try ProcessUsage.of(process)
        printLine([
            ("name", url.hasPrefix("sqlite") ? "nezuko-sqlite" : "nezuko-postgres"), ("case", "log rows"),
            ("updates", count), ("per_second", Double(count) / seconds),
            ("cpu_us", Double(after.nanoseconds - before.nanoseconds) / 1000 / Double(count)),
        ])
        await database.close()
    }

    private static func offer(_ count: Int, to writer: LogWriter) async throws {
        var left = count
        while left > 0 {
            let burst = min(left, 20_000)
            for index in 0..<burst {
                let person = Int64(1_000_000 + (left + index) % 50_000)
                writer.offer(
                    .apiCall(
                        APICallRow(
                            method: "getChatMember", chat: ChatID(Numbers.channel), user: UserID(person),
                            group: ChatID(Numbers.group(index % Numbers.groups)), latencyMilliseconds: 42,
                            errorType: nil, errorClass: nil,
                            atMicroseconds: Int64(time(nil)) * 1_000_000 + Int64(index))))
            }
            left -= burst
            await writer.flush()
        }
    }
}
