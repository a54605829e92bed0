// Values by channel, in an array: a group has few channels, and looking through them costs less than hashing one.

public import Domain

/// At most one value for each channel. Inlinable, since the room above asks for every message.
public struct ByChannel<Value> {
    @usableFromInline var entries: [(channel: ChatID, value: Value)] = []

    /// No values.
    @inlinable
    public init() {}

    /// Whether there is none.
    @inlinable
    public var isEmpty: Bool { entries.isEmpty }

    /// How many there are.
    @inlinable
    public var count: Int { entries.count }

    /// The values, in the order in which their channels came.
    @inlinable
    public var values: [Value] { entries.map(\.value) }

    /// The channel's value; `nil` for none.
    @inlinable
    public subscript(channel: ChatID) -> Value? {
        get { place(of: channel).map { entries[$0].value } }
        set {
            switch (place(of: channel), newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil): entries.remove(at: place)
            case (nil, let value?): entries.append((channel, value))
            case (nil, nil): return
            }
        }
    }

    @inlinable
    func place(of channel: ChatID) -> Int? {
        for place in entries.indices where entries[place].channel == channel { return place }
        return nil
    }
}

extension ByChannel: Sendable where Value: Sendable {}

extension ByChannel: Equatable where Value: Equatable {
    /// Whether the same channels have the same values.
    public static func == (left: ByChannel, right: ByChannel) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.channel] == $0.value }
    }
}
