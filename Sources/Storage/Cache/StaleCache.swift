// Things read from far away that may be served stale while they are read again.
// Inlinable, since other rooms ask for every message.

public import EventLoop

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

    @usableFromInline
    struct Entry {
        @usableFromInline let value: Value
        @usableFromInline let seen: Instant

        @inlinable
        init(value: Value, seen: Instant) {
            self.value = value
            self.seen = seen
        }
    }

    @usableFromInline var entries: LRU<Key, Entry>
    @usableFromInline var flights: [Key: Completion<Value, Failure>] = [:]
    /// Raised by `forget`: a fetch begun before must not bring the old value back.
    @usableFromInline var generations: [Key: Int] = [:]
    @usableFromInline let freshMilliseconds: Int64
    @usableFromInline let staleMilliseconds: Int64

    /// An empty cache.
    public init(capacity: Int, freshMilliseconds: Int64, staleMilliseconds: Int64) {
        entries = LRU(capacity: capacity)
        self.freshMilliseconds = freshMilliseconds
        self.staleMilliseconds = staleMilliseconds
    }

    /// What is known, without a fetch.
    @inlinable
    public func lookup(_ key: Key) -> Lookup {
        guard let entry = entries.value(key) else { return .missing }
        let age = Loop.shared.now.milliseconds(since: entry.seen)
        if age < freshMilliseconds { return .fresh(entry.value) }
        return age < staleMilliseconds ? .stale(entry.value) : .missing
    }

    /// The value: at once when fresh or stale (then `fetch` runs beside), else by `fetch`, shared by all who ask.
    @inlinable
    public func value(
        _ key: Key, fetch: @escaping @IO () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        switch lookup(key) {
        case .fresh(let value): return value
        case .stale(let value):
            guard flights[key] == nil else { return value }
            // Begun here and not in the task: others may ask before that runs.
            let flight = begin(key)
            // Owned by the flight: it ends with the fetch, whose own deadline ends it.
            Task { @IO in await fly(key, flight, fetch) }
            return value
        case .missing: return try await refresh(key, fetch: fetch)
        }
    }

    /// Fetches whatever is cached, shared with a fetch that is under way.
    @inlinable
    public func refresh(
        _ key: Key, fetch: @escaping @IO () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        if let flight = flights[key] { return try await flight.wait() }
        let flight = begin(key)
        // In the first caller's own task; whoever asks meanwhile waits for it.
        await fly(key, flight, fetch)
        return try await flight.wait()
    }

    /// Notes a value learnt elsewhere.
    @inlinable
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

    @inlinable
    func begin(_ key: Key) -> Completion<Value, Failure> {
        let flight = Completion<Value, Failure>()
        flights[key] = flight
        return flight
    }

    @inlinable
    func fly(
        _ key: Key, _ flight: Completion<Value, Failure>, _ fetch: @IO () async throws(Failure) -> Value
    ) async {
        let generation = generations[key, default: 0]
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
}
