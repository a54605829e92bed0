// The rows that the load needs: one owner, one channel, a thousand protected groups.

import Domain
import EventLoop
import Storage

/// Migrates the database and protects the groups.
@IO
enum Preparation {
    static func run(_ words: ArraySlice<String>) async throws {
        guard let url = words.first else { throw BenchmarkError("prepare DATABASE_URL") }
        let database = try await Storage.open(url: url)
        _ = try await Migrator.up(database)
        let store = DatabaseStore(database: database, botID: Numbers.bot)
        let channel = RequiredChannel(id: ChatID(Numbers.channel), title: "Channel", username: "bench_channel")
        for index in 0..<Numbers.groups {
            try await store.protect(
                Protection(
                    group: ChatID(Numbers.group(index)), title: "Group \(index)", owner: UserID(Numbers.owner),
                    ownerUsername: "owner", replacesOwner: false, channels: [channel]))
        }
        await database.close()
    }
}
