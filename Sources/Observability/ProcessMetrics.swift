// The standard metrics of a process, read from the kernel at each scrape.

import EventLoop
import Glibc

/// `process_…` as every Prometheus client has them, and our uptime.
@IO
enum ProcessMetrics {
    static func register(in metrics: Metrics) {
        let started = startSeconds()
        let begun = Loop.shared.current()
        _ = Gauge("process_resident_memory_bytes", help: "Resident memory.", in: metrics) {
            Double(statFields().resident * sysconf(Int32(_SC_PAGESIZE)))
        }
        _ = GaugeFamily(
            "process_cpu_seconds_total", help: "Processor time, user and system.", kind: .counter, in: metrics
        ) {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return [([], Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)]
        }
        _ = Gauge("process_open_fds", help: "Open file descriptors.", in: metrics) { Double(openDescriptors()) }
        _ = Gauge("process_start_time_seconds", help: "When the process began, since 1970.", in: metrics) { started }
        _ = Gauge("nezuko_uptime_seconds", help: "How long this process has been running.", in: metrics) {
            Double(Loop.shared.current().milliseconds(since: begun)) / 1000
        }
    }

    /// Boot time plus the process's own start, which the kernel counts in ticks since boot.
    private static func startSeconds() -> Double {
        let ticks = Double(statFields().startTicks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        for line in contents(of: "/proc/stat").split(separator: "\n") where line.hasPrefix("btime ") {
            return (Double(line.dropFirst(6)) ?? 0) + ticks
        }
        return ticks
    }

    private static func statFields() -> (startTicks: Int, resident: Int) {
        let text = contents(of: "/proc/self/stat")
        // The second field is the program's name in brackets and may itself contain blanks.
        guard let bracket = text.lastIndex(of: ")") else { return (0, 0) }
        let fields = text[bracket...].split(separator: " ")
        // proc(5): field 22 is starttime, 24 is rss; the bracket here is field 2.
        guard fields.count > 22 else { return (0, 0) }
        return (Int(fields[20]) ?? 0, Int(fields[22]) ?? 0)
    }

    private static func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not ours: the two dot entries and the descriptor of this directory.
        return count - 3
    }

    private static func contents(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: result, as: UTF8.self) }
            result += buffer[..<count]
        }
    }
}
