// What comes from PostgreSQL in its text format: columns by the type's OID, and refusals.

import CPQ
import EventLoop
import Glibc

enum PostgreSQLValues {
    /// All rows of a result.
    static func rows(_ result: OpaquePointer) -> [SQLRow] {
        let columns = PQnfields(result)
        let count = PQntuples(result)
        guard count > 0 else { return [] }
        let types = (0..<columns).map { PQftype(result, $0) }
        var rows: [SQLRow] = []
        rows.reserveCapacity(Int(count))
        for row in 0..<count {
            rows.append(
                SQLRow(unsafeUninitializedCapacity: Int(columns)) { buffer, filled in
                    for column in 0..<columns {
                        buffer.initializeElement(
                            at: Int(column), to: value(result, row, column, types[Int(column)]))
                    }
                    filled = Int(columns)
                })
        }
        return rows
    }

    private static func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32, _ type: Oid) -> SQLValue {
        guard PQgetisnull(result, row, column) == 0, let pointer = PQgetvalue(result, row, column) else {
            return .null
        }
        switch type {
        case 16: return .int(pointer[0] == CChar(UInt8(ascii: "t")) ? 1 : 0)
        case 20, 21, 23, 26: return .int(strtoll(pointer, nil, 10))
        default: break
        }
        let text = String(cString: pointer)
        switch type {
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
