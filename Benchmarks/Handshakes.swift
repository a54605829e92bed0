// New TLS connections: a full handshake, close, the next one.

import EventLoop

/// `port pid count name`; eight at a time.
@IO
enum Handshakes {
    static func run(_ options: Options) async throws {
        let port = try options.int("port")
        let process = try options.int("pid")
        let count = try options.int("count", default: 2000)
        try await series(port: port, count: 200)
        let before = try ProcessUsage.of(process)
        try await series(port: port, count: count)
        let after = try ProcessUsage.of(process)
        printLine([
            ("name", try options.string("name")), ("case", "handshake"), ("updates", count),
            ("cpu_us", Double(after.nanoseconds - before.nanoseconds) / 1000 / Double(count)),
        ])
    }

    private static func series(port: Int, count: Int) async throws {
        let done = Completion<Void, Never>()
        var left = count
        var open = 0
        var clients: [Int: TLSClient] = [:]
        var failure: (any Error)?
        func next() {
            guard left > 0, failure == nil else {
                if open == 0 { done.finish(.success(())) }
                return
            }
            left -= 1
            open += 1
            let key = left
            do {
                let client = try TLSClient(port: port)
                clients[key] = client
                let leave = {
                    clients[key]?.close()
                    // Freed in the next turn: this runs inside the client.
                    Loop.shared.schedule(afterMilliseconds: 0) {
                        clients[key] = nil
                        open -= 1
                        next()
                    }
                }
                client.onReady = { leave() }
                client.onEnd = {
                    failure = BenchmarkError("the server refused a handshake")
                    leave()
                }
            } catch {
                failure = error
                open -= 1
                done.finish(.success(()))
            }
        }
        for _ in 0..<8 { next() }
        await done.wait()
        if let failure { throw failure }
    }
}
