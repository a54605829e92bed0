// What both engines offer inside the room beyond the seam.

import CLinux
import EventLoop

/// An engine whose deadline may be chosen: migrations take longer than five seconds.
@IO
protocol EngineDatabase: Database {
    func run(
        _ statements: [SQLStatement], _ priority: SQLPriority, deadlineMilliseconds: Int64
    ) async throws(StoreError) -> [[SQLRow]]
    /// Open connections with work and without.
    var connections: (active: Int, idle: Int) { get }
}

/// Random names.
enum RandomName {
    /// 16 random bytes in base32, in lower case: the owner of leases.
    static func owner() -> String {
        var text = ""
        var bits: UInt32 = 0
        var count = 0
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        for byte in bytes(16) {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(alphabet[Int(bits >> UInt32(count) & 31)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(5 - count) & 31)]) }
        return text
    }

    /// Random bytes of the kernel.
    static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let filled = getrandom(&bytes, count, 0)
        precondition(filled == count, "getrandom gave no bytes")
        return bytes
    }
}
