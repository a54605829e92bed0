// A document as a tree: for settings and small stored values, where order of reading does not matter.

/// Any JSON value. Members keep their order; of two with one name `[key]` finds the last.
public enum JSONValue: Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A whole number that fits.
    case int(Int64)
    /// Any other number.
    case double(Double)
    /// Text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Members in order.
    case object([(key: String, value: JSONValue)])

    /// How many values a tree may have; beyond it is an attack, not a setting.
    public static let maximumCount = 1 << 20

    /// Reads a whole document.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes)
        self = try reader.readValue()
        try reader.finish()
    }

    /// The value as a document without white space.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// The member of that name, if this is an object that has it.
    public subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// The whole number, if it is one.
    public var int: Int64? { if case .int(let value) = self { value } else { nil } }
    /// The number, whole or not, if it is one.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        case .null, .bool, .string, .array, .object: nil
        }
    }
    /// The text, if it is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The truth value, if it is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The elements, if it is an array.
    public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}

extension JSONValue: Equatable {
    /// Whether both are the same document: members in the same order, `1` and `1.0` differ.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        case (.null, _), (.bool, _), (.int, _), (.double, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

extension JSONReader {
    /// Reads the next value as a tree of at most `JSONValue.maximumCount` values.
    public mutating func readValue() throws(JSONError) -> JSONValue {
        var left = JSONValue.maximumCount
        return try readValue(left: &left)
    }

    private mutating func readValue(left: inout Int) throws(JSONError) -> JSONValue {
        guard left > 0 else { throw .tooLarge }
        left -= 1
        switch try peek() {
        case .null:
            try readNull()
            return .null
        case .bool: return .bool(try readBool())
        case .string: return .string(try readString())
        case .number: return try readNumber()
        case .array:
            var values: [JSONValue] = []
            try readArray { (reader) throws(JSONError) in values.append(try reader.readValue(left: &left)) }
            return .array(values)
        case .object:
            var members: [(key: String, value: JSONValue)] = []
            try readObject { (reader, key) throws(JSONError) in
                members.append((key.string(), try reader.readValue(left: &left)))
            }
            return .object(members)
        }
    }

    /// Whole if it is written so and fits, else a `Double`.
    private mutating func readNumber() throws(JSONError) -> JSONValue {
        var whole = self
        do throws(JSONError) {
            let value = try whole.readInt64()
            self = whole
            return .int(value)
        } catch {
            return .double(try readDouble())
        }
    }
}
