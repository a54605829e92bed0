// Memory for the texts of the statement that runs: SQLite reads them where they are, and copies none.

import CSQLite
import EventLoop

/// The texts bound to one statement. Not for two threads at once.
final class SQLiteBindings {
    private static let capacity = 65_536
    private let memory = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    private var used = 0

    /// A second and its text with no milliseconds.
    private struct Second {
        var second = Int64.min
        var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
    }

    /// Rows that follow one another mostly share a few seconds: now, and the end of a lease.
    private var seconds = Array(repeating: Second(), count: 8)

    deinit { memory.deallocate() }

    /// Forgets the texts of the statement before.
    func reuse() { used = 0 }

    func bind(_ text: String, to index: Int32, of statement: OpaquePointer) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            let target = memory + used
            guard bytes.count <= Self.capacity - used, let base = bytes.baseAddress else {
                return Self.bindCopy(bytes, to: index, of: statement)
            }
            UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: bytes.count)
            used += bytes.count
            return sqlite3_bind_text(statement, index, target, Int32(bytes.count), nil)
        }
    }

    func bind(_ moment: Timestamp, to index: Int32, of statement: OpaquePointer) -> Int32 {
        guard Self.capacity - used >= 24 else { return bind(SQLTime.text(moment), to: index, of: statement) }
        let second = moment.seconds
        let place = Int(second & 7)
        if seconds[place].second != second, !keep(second, at: place) {
            return bind(SQLTime.text(moment), to: index, of: statement)
        }
        let target = memory + used
        let raw = UnsafeMutableRawPointer(target)
        raw.storeBytes(of: seconds[place].text.0, as: UInt64.self)
        raw.storeBytes(of: seconds[place].text.1, toByteOffset: 8, as: UInt64.self)
        raw.storeBytes(of: seconds[place].text.2, toByteOffset: 16, as: UInt64.self)
        let milliseconds = (moment.microseconds - second * 1_000_000) / 1000
        target[20] = 48 + CChar(milliseconds / 100)
        target[21] = 48 + CChar(milliseconds / 10 % 10)
        target[22] = 48 + CChar(milliseconds % 10)
        used += 24
        return sqlite3_bind_text(statement, index, target, 24, nil)
    }

    /// False when the text has another length: years of more than four digits are no row's.
    private func keep(_ second: Int64, at place: Int) -> Bool {
        var text = SQLTime.text(Timestamp(seconds: second))
        return text.withUTF8 { bytes in
            guard bytes.count == 24, let base = bytes.baseAddress else { return false }
            let raw = UnsafeRawPointer(base)
            seconds[place] = Second(
                second: second,
                text: (
                    raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                ))
            return true
        }
    }

    /// SQLite copies what does not fit.
    private static func bindCopy(
        _ bytes: UnsafeBufferPointer<UInt8>, to index: Int32, of statement: OpaquePointer
    ) -> Int32 {
        bytes.withMemoryRebound(to: CChar.self) { characters in
            // An empty buffer may have no address, which SQLite would take for NULL.
            guard let base = characters.baseAddress else {
                return sqlite3_bind_text(statement, index, "", 0, transient)
            }
            return sqlite3_bind_text(statement, index, base, Int32(characters.count), transient)
        }
    }

    /// `SQLITE_TRANSIENT`, a cast that Swift does not import: SQLite copies what is bound.
    static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
