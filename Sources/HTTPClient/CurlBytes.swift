// Bytes of one reply on their way from libcurl: plain memory that a handle keeps from transfer to transfer.

import EventLoop

/// Grows at its end. Ownership: the memory is made in `append`, freed in `deinit` or when it has become large.
///
/// A Swift array would be given away with each reply, and grown anew, in steps, for the next.
@IO
final class CurlBytes {
    private var start: UnsafeMutablePointer<UInt8>?
    private var capacity = 0
    private(set) var count = 0

    /// More than this is not kept for the next transfer.
    private static let keptBytes = 16 << 10

    isolated deinit { start?.deallocate() }

    /// The bytes as an array of their own.
    var array: [UInt8] { count == 0 ? [] : Array(UnsafeBufferPointer(start: start, count: count)) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        if capacity - count < bytes.count { grow(to: max(count + bytes.count, capacity * 2, 512)) }
        guard let start else { return }
        UnsafeMutableRawPointer(start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    func clear() {
        count = 0
        guard capacity > Self.keptBytes else { return }
        start?.deallocate()
        start = nil
        capacity = 0
    }

    private func grow(to capacity: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        if let start {
            larger.update(from: start, count: count)
            start.deallocate()
        }
        start = larger
        self.capacity = capacity
    }
}
