// A bounded map that forgets what was used longest ago. Pure; time and meaning are its users'.
// Inlinable, since its users are in other rooms and ask it for every message.

/// At most `capacity` entries; reading and writing an entry makes it the youngest. Every operation is O(1).
public struct LRU<Key: Hashable, Value> {
    @usableFromInline
    struct Slot {
        @usableFromInline var key: Key
        @usableFromInline var value: Value
        @usableFromInline var older: Int32
        @usableFromInline var younger: Int32

        @inlinable
        init(key: Key, value: Value, older: Int32, younger: Int32) {
            self.key = key
            self.value = value
            self.older = older
            self.younger = younger
        }
    }

    @usableFromInline var slots: [Slot] = []
    @usableFromInline var index: [Key: Int32] = [:]
    @usableFromInline var free: [Int32] = []
    @usableFromInline var youngest: Int32 = -1
    @usableFromInline var oldest: Int32 = -1
    @usableFromInline let capacity: Int

    /// An empty map. Memory grows with use, up to `capacity` entries.
    @inlinable
    public init(capacity: Int) {
        precondition(capacity > 0, "An LRU needs room for one entry")
        self.capacity = capacity
    }

    /// Number of entries.
    @inlinable
    public var count: Int { index.count }

    /// Reads without making the entry younger.
    @inlinable
    public func peek(_ key: Key) -> Value? { index[key].map { slots[Int($0)].value } }

    /// Reads and makes the entry the youngest.
    @inlinable
    public mutating func value(_ key: Key) -> Value? {
        guard let slot = index[key] else { return nil }
        makeYoungest(slot)
        return slots[Int(slot)].value
    }

    /// Writes; the oldest entry goes when there is no room.
    @inlinable
    public mutating func set(_ key: Key, _ value: Value) {
        if let slot = index[key] {
            slots[Int(slot)].value = value
            makeYoungest(slot)
            return
        }
        if index.count >= capacity { remove(slots[Int(oldest)].key) }
        let entry = Slot(key: key, value: value, older: -1, younger: -1)
        let slot: Int32
        if let reused = free.popLast() {
            slots[Int(reused)] = entry
            slot = reused
        } else {
            slot = Int32(slots.count)
            slots.append(entry)
        }
        index[key] = slot
        linkYoungest(slot)
    }

    /// Forgets an entry.
    @inlinable
    public mutating func remove(_ key: Key) {
        guard let slot = index.removeValue(forKey: key) else { return }
        unlink(slot)
        free.append(slot)
    }

    /// Forgets all entries.
    @inlinable
    public mutating func removeAll() { self = LRU(capacity: capacity) }

    @inlinable
    mutating func makeYoungest(_ slot: Int32) {
        guard slot != youngest else { return }
        unlink(slot)
        linkYoungest(slot)
    }

    @inlinable
    mutating func linkYoungest(_ slot: Int32) {
        slots[Int(slot)].older = youngest
        slots[Int(slot)].younger = -1
        if youngest >= 0 { slots[Int(youngest)].younger = slot }
        youngest = slot
        if oldest < 0 { oldest = slot }
    }

    @inlinable
    mutating func unlink(_ slot: Int32) {
        let (older, younger) = (slots[Int(slot)].older, slots[Int(slot)].younger)
        if older >= 0 { slots[Int(older)].younger = younger } else { oldest = younger }
        if younger >= 0 { slots[Int(younger)].older = older } else { youngest = older }
    }
}
