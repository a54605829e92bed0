// Values in PostgreSQL's text format: parameters out, columns in, by the type's OID.
//
// Parameters carry no types: where the statement does not show one, it casts (`$1::bigint[]`).

import CPQ
import EventLoop

enum PostgreSQLValues {
    /// The text of a parameter; `nil` for NULL. Arrays are array literals: `{1,2}`, `{"a",NULL}`.
    static func text(_ value: SQLValue) -> String? {
        switch value {
        case .null: nil
        case .int(let number): String(number)
        case .double(let number): String(number)
        case .text(let text): text
        case .bytes(let bytes): "\\x" + hexadecimal(bytes)
        case .time(let moment): time(moment)
        case .ints(let numbers): "{" + numbers.map { String($0) }.joined(separator: ",") + "}"
        }
    }

    /// PostgreSQL keeps microseconds; the common form has milliseconds.
    private static func time(_ moment: Timestamp) -> String {
        let rest = (moment.microseconds % 1000 + 1000) % 1000
        let digits = String(rest)
        return SQLTime.text(moment).dropLast() + String(repeating: "0", count: 3 - digits.count) + digits + "Z"
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// All rows of a result.
    static func rows(_ result: OpaquePointer) -> [SQLRow] {
        let columns = PQnfields(result)
        let types = (0..<columns).map { PQftype(result, $0) }
        return (0..<PQntuples(result)).map { row in
            (0..<columns).map { column in value(result, row, column, types[Int(column)]) }
        }
    }

    private static func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32, _ type: Oid) -> SQLValue {
        guard PQgetisnull(result, row, column) == 0, let pointer = PQgetvalue(result, row, column) else {
            return .null
        }
        let text = String(cString: pointer)
        switch type {
        case 16: return .int(text == "t" ? 1 : 0)
        case 20, 21, 23, 26: return Int64(text).map { .int($0) } ?? .text(text)
        case 700, 701, 1700: return Double(text).map { .double($0) } ?? .text(text)
        case 1114, 1184: return SQLTime.parse(text).map { .time($0) } ?? .text(text)
        case 17: return .bytes(bytes(text))
        default: return .text(text)
        }
    }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8.dropFirst(2)).map { $0 > 57 ? $0 - 87 : $0 - 48 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// What a refusal of the server means to the callers of the store.
    static func error(state: String?) -> StoreError {
        // Without a SQLSTATE the connection itself failed.
        guard let state else { return .unavailable }
        switch state {
        case "57014", "55P03": return .timedOut
        // Deadlocks and conflicts that several attempts did not solve; read-only after a failover.
        case "40001", "40P01", "25006", "26000": return .unavailable
        default: break
        }
        let isAway = state.hasPrefix("08") || state.hasPrefix("57P") || state.hasPrefix("53")
        return isAway ? .unavailable : .refused(code: state)
    }
}
