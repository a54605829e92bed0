// When does a server answer for the first time? Asked every millisecond, over TLS.

import CLinux
import EventLoop
import Glibc

/// `PORT`; prints the time of day in nanoseconds when `/readyz` says 200 for the first time.
@IO
enum FirstAnswer {
    private static let request = Array("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)

    static func run(_ words: ArraySlice<String>) async throws {
        guard let port = words.first.flatMap({ Int($0) }) else { throw BenchmarkError("await PORT") }
        _ = try await connection(to: port)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        print(Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec))
    }

    /// A connection on which the server has said that it is ready.
    ///
    /// - Throws: when there is none after 20 s.
    static func connection(to port: Int) async throws -> TLSClient {
        let end = Loop.shared.current().adding(milliseconds: 20_000)
        while Loop.shared.current() < end {
            if let client = await attempt(port) { return client }
            await Loop.shared.sleep(milliseconds: 1)
        }
        throw BenchmarkError("the server did not come up on port \(port)")
    }

    private static func attempt(_ port: Int) async -> TLSClient? {
        // Nothing listens yet: that is what is waited for.
        guard let client = try? TLSClient(port: port) else { return nil }
        let answered = Completion<Int, Never>()
        client.onReady = { [unowned client] in client.send(request) }
        client.onAnswer = { answered.finish(.success($0)) }
        client.onEnd = { answered.finish(.success(0)) }
        return await answered.wait() == 200 ? client : nil
    }
}
