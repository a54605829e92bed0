// 100 streams on one HTTP/2 connection, each with its next update when the last one was answered.

import EventLoop
import Glibc
import HTTPClient

/// `port pid name first certificate seconds`.
@IO
enum HTTP2Load {
    static func run(_ options: Options) async throws {
        let process = try options.int("pid")
        let url = "https://localhost:\(try options.int("port"))/webhook"
        var clientOptions = HTTPClientOptions()
        clientOptions.maximumConnectionsPerHost = 1
        clientOptions.trustedCertificate = try bytes(of: options.string("certificate"))
        let client = HTTPClient(options: clientOptions)
        var bodies = UpdateBodies(.unprotected, first: Int64(try options.int("first")))
        var sent = 0
        var refused = 0
        var isOver = false
        func stream() async throws {
            while !isOver {
                let request = HTTPClientRequest(
                    method: "POST", url: url,
                    headers: [
                        ("Content-Type", "application/json"), ("X-Telegram-Bot-Api-Secret-Token", Numbers.secret),
                    ],
                    body: Array(bodies.nextBody().utf8), timeoutMilliseconds: 8000)
                let response = try await client.send(request)
                sent += 1
                if response.status != 200 { refused += 1 }
            }
        }
        let streams = (0..<100).map { _ in Task { @IO in try await stream() } }
        await Loop.shared.sleep(milliseconds: 1000)
        let before = try ProcessUsage.of(process)
        let began = (sent, Loop.shared.current().nanoseconds)
        await Loop.shared.sleep(milliseconds: Int64(try options.int("seconds", default: 3)) * 1000)
        let after = try ProcessUsage.of(process)
        let count = sent - began.0
        let time = Double(Loop.shared.current().nanoseconds - began.1) / 1e9
        isOver = true
        for stream in streams { try await stream.value }
        client.close()
        printLine([
            ("name", try options.string("name")), ("case", "http2"), ("updates", count), ("refused", refused),
            ("per_second", Double(count) / time),
            ("cpu_us", Double(after.nanoseconds - before.nanoseconds) / 1000 / Double(max(count, 1))),
        ])
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw BenchmarkError("\(path) cannot be read") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &buffer, buffer.count)
        return Array(buffer[..<max(count, 0)])
    }
}
