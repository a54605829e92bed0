// Random documents, sound and damaged, against Foundation's reader.

import Foundation
import JSON
import Testing

/// SplitMix64: the same seed gives the same documents everywhere.
private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("JSON: against Foundation")
struct OracleTests {
    /// Set `JSON_SEED` to repeat a failure.
    private static let seed = ProcessInfo.processInfo.environment["JSON_SEED"].flatMap(UInt64.init) ?? 20_261_121

    @Test func `random documents mean the same to both`() throws {
        print("JSON_SEED=\(Self.seed)")
        var random = Random(state: Self.seed)
        for round in 0..<2000 {
            let tree = Self.tree(depth: 4, &random)
            let bytes = tree.encoded()
            #expect(try JSONValue(parsing: bytes) == tree, "round \(round)")
            let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            #expect(Self.isSame(tree, theirs), "round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func `what Foundation writes is read back`() throws {
        var random = Random(state: Self.seed &+ 1)
        for round in 0..<500 {
            let object = Self.foundation(Self.tree(depth: 4, &random))
            let data = try JSONSerialization.data(withJSONObject: object, options: [.fragmentsAllowed, .prettyPrinted])
            let ours = try JSONValue(parsing: Array(data))
            #expect(Self.isSame(ours, object), "round \(round): \(String(decoding: data, as: UTF8.self))")
        }
    }

    @Test func `damaged documents are refused by both or by the stricter one`() throws {
        var random = Random(state: Self.seed &+ 2)
        let noise = Array("{}[]\",:\\u0 1e.-tfn".utf8) + [0x00, 0x80, 0xC3, 0xED]
        for round in 0..<5000 {
            var bytes = Self.tree(depth: 3, &random).encoded()
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where !bytes.isEmpty: bytes.remove(at: place)
                case 1 where !bytes.isEmpty: bytes[place] = noise.randomElement(using: &random) ?? 0
                default: bytes.insert(noise.randomElement(using: &random) ?? 0, at: place)
                }
            }
            #expect(skips(bytes) == parses(bytes) || Self.hasHugeExponent(bytes), "round \(round)")
            guard parses(bytes) else { continue }
            // Ours is the stricter one: what it takes, Foundation must take.
            #expect(throws: Never.self, "round \(round): \(String(decoding: bytes, as: UTF8.self))") {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
        }
    }

    private static func hasHugeExponent(_ bytes: [UInt8]) -> Bool {
        bytes.contains { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
    }

    private static func tree(depth: Int, _ random: inout Random) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(.random(in: .min ... .max, using: &random))
        case 3: return .int(.random(in: -1000...1000, using: &random))
        case 4: return .double(Double(Int.random(in: -1_000_000...1_000_000, using: &random)) / 1024 + 0.25 / 1024)
        case 5: return .string(text(&random))
        case 6, 7:
            return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in tree(depth: depth - 1, &random) })
        default:
            return .object(
                (0..<Int.random(in: 0..<5, using: &random)).map { index in
                    ("\(index)" + text(&random), tree(depth: depth - 1, &random))
                })
        }
    }

    private static func text(_ random: inout Random) -> String {
        let alphabet: [Character] = ["a", "b", " ", "\"", "\\", "/", "\n", "\u{1}", "é", "漢", "😀", "\u{7F}", "0", "~"]
        return String(
            (0..<Int.random(in: 0..<24, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
    }

    private static func foundation(_ tree: JSONValue) -> Any {
        switch tree {
        case .null: NSNull()
        case .bool(let value): value
        case .int(let value): value
        case .double(let value): value
        case .string(let value): value
        case .array(let values): values.map(foundation)
        case .object(let members): Dictionary(uniqueKeysWithValues: members.map { ($0.key, foundation($0.value)) })
        }
    }

    private static func isSame(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: return theirs is NSNull
        case .bool(let value): return theirs as? Bool == value
        case .int(let value): return (theirs as? NSNumber)?.int64Value == value
        case .double(let value): return (theirs as? NSNumber)?.doubleValue == value
        case .string(let value): return theirs as? String == value
        case .array(let values):
            guard let other = theirs as? [Any], other.count == values.count else { return false }
            return zip(values, other).allSatisfy { isSame($0, $1) }
        case .object(let members):
            guard let other = theirs as? [String: Any], other.count == members.count else { return false }
            return members.allSatisfy { member in other[member.key].map { isSame(member.value, $0) } ?? false }
        }
    }
}
