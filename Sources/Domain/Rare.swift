// A part that few values of a type have, kept elsewhere: what is handed on many times is to be small.

/// A part that may be missing, in memory of its own.
public indirect enum Rare<Part: Sendable>: Sendable {
    /// Missing.
    case none
    /// There.
    case some(Part)

    /// The part, if it is there.
    public init(_ part: Part?) { self = part.map(Rare.some) ?? .none }

    /// The part, if it is there.
    public var part: Part? { if case .some(let part) = self { part } else { nil } }
}

extension Rare: Equatable where Part: Equatable {}
