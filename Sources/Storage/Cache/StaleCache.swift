// Things read from far away that may be served stale while they are read again.

import EventLoop

/// Values with a fresh and a stale time; concurrent reads of one key share one fetch.
@IO
public final class StaleCache<Key: Hashable & Sendable, Value: Sendable, Failure: Error> {
    /// What the cache knows of a key.
    public enum Lookup {
        /// Use it.
        case fresh(Value)
        /// Use it, and have it refreshed.
        case stale(Value)
        /// Nothing usable.
        case missing
    }

    private struct Entry {
        let value: Value
        let seen: Instant
    }

    private var entries: LRU<Key, Entry>
    private var flights: [Key: Completion<Value, Failure>] = [:]
    /// Raised by `forget`: a fetch begun before must not bring the old value back.
    private var generations: [Key: Int] = [:]
    private let freshMilliseconds: Int64
    private let staleMilliseconds: Int64

    /// An empty cache.
    public init(capacity: Int, freshMilliseconds: Int64, staleMilliseconds: Int64) {
        entries = LRU(capacity: capacity)
        self.freshMilliseconds = freshMilliseconds
        self.staleMilliseconds = staleMilliseconds
    }

    /// What is known, without a fetch.
    public func lookup(_ key: Key) -> Lookup {
        guard let entry = entries.value(key) else { return .missing }
        let age = Loop.shared.now.milliseconds(since: entry.seen)
        if age < freshMilliseconds { return .fresh(entry.value) }
        return age < staleMilliseconds ? .stale(entry.value) : .missing
    }

    /// The value: at once when fresh or stale (then `fetch` runs beside), else by `fetch`, shared by all who ask.
    public func value(
        _ key: Key, fetch: @escaping @IO () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        switch lookup(key) {
        case .fresh(let value): return value
        case .stale(let value):
            begin(key, fetch)
            return value
        case .missing: return try await begin(key, fetch).wait()
        }
    }

    /// Fetches whatever is cached, shared with a fetch that is under way.
    public func refresh(
        _ key: Key, fetch: @escaping @IO () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await begin(key, fetch).wait()
    }

    /// Notes a value learnt elsewhere.
    public func set(_ key: Key, _ value: Value) { entries.set(key, Entry(value: value, seen: Loop.shared.now)) }

    /// Forgets a value; a fetch under way does not store its own.
    public func forget(_ key: Key) {
        entries.remove(key)
        if flights[key] != nil { generations[key, default: 0] += 1 }
        flights[key] = nil
    }

    /// Forgets all values.
    public func forgetAll() {
        entries.removeAll()
        for key in Array(flights.keys) { forget(key) }
    }

    @discardableResult
    private func begin(
        _ key: Key, _ fetch: @escaping @IO () async throws(Failure) -> Value
    ) -> Completion<Value, Failure> {
        if let flight = flights[key] { return flight }
        let flight = Completion<Value, Failure>()
        let generation = generations[key, default: 0]
        flights[key] = flight
        // Owned by the flight: it ends with the fetch, whose own deadline ends it.
        Task { @IO in
            do throws(Failure) {
                let value = try await fetch()
                if generation == generations[key, default: 0] { set(key, value) }
                flight.finish(.success(value))
            } catch {
                flight.finish(.failure(error))
            }
            if flights[key] === flight { flights[key] = nil }
            if flights[key] == nil { generations[key] = nil }
        }
        return flight
    }
}
