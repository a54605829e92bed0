// What the store answers to. The functions are in the files by subject; batches of logs are in `LogWriter`.

import EventLoop

extension DatabaseStore: Store {
    /// Stores a batch together with its id, or nothing if the id is there already.
    public func write(_ rows: [LogRow], batch: [UInt8]) async throws(StoreError) {
        try await DatabaseLogStore(database).write(rows, batch: batch)
    }

    /// How many times the usual number of rows is best written together.
    public var batchFactor: Int { DatabaseLogStore(database).batchFactor }
}
