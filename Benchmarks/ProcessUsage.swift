// CPU time and memory of another process, from /proc.

import Glibc

/// What a process has used since its start.
struct ProcessUsage {
    /// Nanoseconds on a processor, all threads.
    var nanoseconds: Int64
    /// Resident bytes now.
    var resident: Int

    /// - Throws: when the process is gone.
    static func of(_ process: Int) throws -> ProcessUsage {
        var total: Int64 = 0
        guard let directory = opendir("/proc/\(process)/task") else {
            throw BenchmarkError("process \(process) is gone")
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard Int(name) != nil else { continue }
            // A thread may end between the two reads; its time is then missing from one of them only.
            guard let text = read("/proc/\(process)/task/\(name)/schedstat") else { continue }
            total += text.split(separator: " ").first.flatMap { Int64($0) } ?? 0
        }
        let pages = read("/proc/\(process)/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return ProcessUsage(nanoseconds: total, resident: (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// Latencies of one round.
struct Latencies {
    private var microseconds: [UInt32] = []

    mutating func add(nanoseconds: Int64) { microseconds.append(UInt32(clamping: nanoseconds / 1000)) }

    var count: Int { microseconds.count }

    /// Milliseconds below which the given share of all lies.
    func percentiles(_ shares: [Double]) -> [Double] {
        let sorted = microseconds.sorted()
        guard !sorted.isEmpty else { return shares.map { _ in 0 } }
        return shares.map { Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * $0))]) / 1000 }
    }
}
