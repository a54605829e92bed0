// Closed-loop load: each connection sends its next update when the last one was answered.

import EventLoop
import Glibc

/// One round: warm-up, then a measured time.
@IO
enum Load {
    /// `port pid case connections seconds warm first name`; the case `static` sends `unprotected` to another server.
    static func run(_ options: Options) async throws {
        let name = try options.string("name")
        let caseName = try options.string("case")
        guard let which = UpdateCase(rawValue: caseName == "static" ? "unprotected" : caseName) else {
            throw BenchmarkError("no case \(caseName)")
        }
        let round = try Round(
            port: options.int("port"), process: options.int("pid"),
            bodies: UpdateBodies(which, first: Int64(options.int("first"))))
        try await round.run(
            connections: options.int("connections", default: 40), warm: options.int("warm", default: 1000),
            seconds: options.int("seconds", default: 3), updates: options.int("updates", default: 0),
            settles: options.int("settles", default: 0) == 1)
        round.report(name: name, which: caseName)
    }
}

@IO
private final class Round {
    private let port: Int
    private let process: Int
    private var bodies: UpdateBodies
    private var clients: [TLSClient] = []
    private var sentAt: [Int64] = []
    private var warmLeft = 0
    private var updatesLeft = Int.max
    private var isMeasuring = false
    private var isOver = false
    private var latencies = Latencies()
    private var refused = 0
    private var began: (usage: ProcessUsage, at: Int64)?
    private var ended: (usage: ProcessUsage, at: Int64)?
    private var failure: (any Error)?
    private let done = Completion<Void, Never>()
    private var seconds = 0
    private var settles = false
    private var peak = 0

    init(port: Int, process: Int, bodies: UpdateBodies) {
        self.port = port
        self.process = process
        self.bodies = bodies
    }

    /// - Parameter settles: what the updates lead to after their answers counts too.
    func run(connections: Int, warm: Int, seconds: Int, updates: Int, settles: Bool) async throws {
        warmLeft = warm
        self.settles = settles
        self.seconds = seconds
        if updates > 0 { updatesLeft = updates }
        // What the round before left behind is not this one's.
        try await settle()
        ended = nil
        for index in 0..<connections {
            let client = try TLSClient(port: port)
            sentAt.append(0)
            client.onReady = { [unowned self] in sendNext(index) }
            client.onAnswer = { [unowned self] status in answered(index, status) }
            client.onEnd = { [unowned self] in
                guard !isOver else { return }
                finish(BenchmarkError("the server closed a connection in use"))
            }
            clients.append(client)
        }
        if warm == 0 { begin() }
        await done.wait()
        for client in clients { client.close() }
        if settles, failure == nil { try await settle() }
        if let failure { throw failure }
    }

    /// Waits until the server has nothing left to do: three times in a row under 3 % of a core. `ended` is then when
    /// that began.
    private func settle() async throws {
        var last = try ProcessUsage.of(process)
        var quiet = 0
        while quiet < 3 {
            await Loop.shared.sleep(milliseconds: 200)
            let now = try ProcessUsage.of(process)
            quiet = now.nanoseconds - last.nanoseconds < 6_000_000 ? quiet + 1 : 0
            if quiet <= 1 { ended = (now, Loop.shared.current().nanoseconds) }
            last = now
        }
    }

    private func sendNext(_ index: Int) {
        guard !isOver else { return }
        sentAt[index] = Loop.shared.current().nanoseconds
        clients[index].send(bodies.next())
    }

    private func answered(_ index: Int, _ status: Int) {
        guard !isOver else { return }
        if isMeasuring {
            latencies.add(nanoseconds: Loop.shared.current().nanoseconds - sentAt[index])
            if status != 200 { refused += 1 }
            updatesLeft -= 1
            if updatesLeft == 0 { return end() }
        } else {
            warmLeft -= 1
            if warmLeft == 0 { begin() }
        }
        sendNext(index)
    }

    private func begin() {
        isMeasuring = true
        do { began = (try ProcessUsage.of(process), Loop.shared.current().nanoseconds) } catch { return finish(error) }
        watchMemory()
        if updatesLeft == Int.max {
            Loop.shared.schedule(afterMilliseconds: Int64(seconds) * 1000) { [unowned self] in end() }
        }
    }

    private func watchMemory() {
        guard !isOver else { return }
        // A process that is gone shows at the end of the round.
        peak = max(peak, (try? ProcessUsage.of(process))?.resident ?? 0)
        Loop.shared.schedule(afterMilliseconds: 200) { [weak self] in self?.watchMemory() }
    }

    private func end() {
        guard !isOver else { return }
        do { ended = (try ProcessUsage.of(process), Loop.shared.current().nanoseconds) } catch { return finish(error) }
        finish(nil)
    }

    private func finish(_ error: (any Error)?) {
        isOver = true
        failure = error
        done.finish(.success(()))
    }

    func report(name: String, which: String) {
        guard let began, let ended, latencies.count > 0 else { return }
        let time = Double(ended.at - began.at) / 1e9
        let share = latencies.percentiles([0.5, 0.95, 0.99, 1])
        printLine([
            ("name", name), ("case", which), ("updates", latencies.count), ("refused", refused),
            ("per_second", Double(latencies.count) / time),
            ("cpu_us", Double(ended.usage.nanoseconds - began.usage.nanoseconds) / 1000 / Double(latencies.count)),
            ("p50_ms", share[0]), ("p95_ms", share[1]), ("p99_ms", share[2]), ("max_ms", share[3]),
            ("rss_mib", Double(ended.usage.resident) / 1_048_576),
            ("rss_growth_mib", Double(ended.usage.resident - began.usage.resident) / 1_048_576),
            ("peak_mib", Double(peak) / 1_048_576),
        ])
    }
}
