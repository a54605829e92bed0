// The parameters of one statement as libpq takes them: C strings, written beside each other into one buffer.

import EventLoop

/// Parameters in PostgreSQL's text format. They carry no types: where the statement does not show one, it casts
/// (`$1::bigint[]`).
struct PostgreSQLArguments {
    private var bytes: [UInt8] = []
    /// Where each begins; `nil` for NULL.
    private var starts: [Int?] = []

    init(_ values: [SQLValue]) {
        bytes.reserveCapacity(values.count * 32)
        starts.reserveCapacity(values.count)
        for value in values {
            if case .null = value {
                starts.append(nil)
            } else {
                starts.append(bytes.count)
                append(value)
                bytes.append(0)
            }
        }
    }

    var count: Int32 { Int32(starts.count) }

    /// The pointers live as long as the call.
    func with<Value>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value) -> Value {
        bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: starts.count) { pointers in
                let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                for (index, start) in starts.enumerated() {
                    pointers.initializeElement(at: index, to: start.flatMap { start in base.map { $0 + start } })
                }
                return body(UnsafePointer(pointers.baseAddress))
            }
        }
    }

    /// Arrays are array literals: `{1,2}`.
    private mutating func append(_ value: SQLValue) {
        switch value {
        case .null: break
        case .int(let number): bytes.append(decimal: number)
        case .double(let number): bytes.append(contentsOf: String(number).utf8)
        case .text(let text): bytes.append(contentsOf: text.utf8)
        case .bytes(let data):
            let digits: StaticString = "0123456789abcdef"
            bytes.append(contentsOf: "\\x".utf8)
            for byte in data {
                bytes.append(digits.utf8Start[Int(byte >> 4)])
                bytes.append(digits.utf8Start[Int(byte & 15)])
            }
        case .time(let moment): bytes.append(contentsOf: Self.text(moment).utf8)
        case .ints(let numbers):
            bytes.append(UInt8(ascii: "{"))
            bytes.append(list: numbers)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// PostgreSQL keeps microseconds; the common form has milliseconds.
    private static func text(_ moment: Timestamp) -> String {
        let rest = (moment.microseconds % 1000 + 1000) % 1000
        let digits = String(rest)
        return SQLTime.text(moment).dropLast() + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
    }
}
