// HTTP/2 peers that misbehave, frame by frame, and the GOAWAY each of them gets.

import EventLoop
import Testing

@testable import HTTPServer

@Suite("HTTP/2 budgets", .serialized)
struct HTTP2BudgetTests {
    private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        let id = [UInt8(stream >> 24), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255)]
        return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + id + payload
    }

    /// `:method GET`, `:scheme http`, `:path /` from the static table, and `:authority x`.
    private static let block: [UInt8] = [0x82, 0x86, 0x84, 0x01, 0x01, 0x78]

    private static func requests(_ count: Int, then more: (UInt32) -> [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<UInt32(count) {
            bytes += frame(1, flags: 4, stream: 2 * index + 1, block)
            bytes += more(2 * index + 1)
        }
        return bytes
    }

    private static func `repeat`(_ count: Int, _ bytes: [UInt8]) -> [UInt8] {
        Array([[UInt8]](repeating: bytes, count: count).joined())
    }

    private static let ping = frame(6, [UInt8](repeating: 0, count: 8))
    private static let emptyData = frame(1, flags: 4, stream: 1, block) + `repeat`(200, frame(0, stream: 1))
    private static let longBlock = frame(1, stream: 1, block) + `repeat`(20, frame(9, stream: 1))
    private static let malformed: [UInt8] = {
        var bytes: [UInt8] = []
        for index in 0..<UInt32(150) { bytes += frame(1, flags: 5, stream: 2 * index + 1, [0x82, 0x86]) }
        return bytes
    }()

    /// What is sent after the preface, and the code of the GOAWAY; nil where the connection lives on.
    private static let cases: [(name: String, bytes: [UInt8], code: UInt8?)] = [
        ("a few pings", `repeat`(20, ping), nil),
        ("many pings", `repeat`(200, ping), 11),
        ("many settings", `repeat`(200, frame(4)), 11),
        ("many priorities", `repeat`(200, frame(2, stream: 1, [0, 0, 0, 0, 1])), 11),
        ("many unknown frames", `repeat`(200, frame(0x77)), 11),
        ("many empty data", emptyData, 11),
        ("many continuations", longBlock, 11),
        ("many resets", requests(1200) { frame(3, stream: $0, [0, 0, 0, 8]) }, 11),
        ("many own errors", malformed, 11),
        ("data on stream 0", frame(0, [1]), 1),
        ("even stream", frame(1, flags: 5, stream: 2, block), 1),
        ("broken compression", frame(1, flags: 5, stream: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), 9),
        ("oversized frame", [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1], 6),
    ]

    @Test(arguments: cases.indices) @IO
    func `each peer is told why it is sent away`(index: Int) async throws {
        let (name, bytes, code) = Self.cases[index]
        let limits = {
            var limits = HTTPLimits()
            limits.idleMilliseconds = 200
            limits.lingerMilliseconds = 100
            return limits
        }()
        let server = HTTPServer(limits: limits, handler: EchoHandler(), tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let sent = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4) + bytes
        let reply = await offload {
            let client = BlockingClient(port: port)
            client.send(sent)
            return client.receiveBytes()
        }
        #expect(Self.lastGoAway(in: reply) == code ?? 0, "\(name)")
        await server.drain(graceMilliseconds: 1000)
        #expect(server.connectionCount == 0 && server.bufferedBytes == 0)
    }

    /// Burst and rate of each budget, and how many of its events are over in a second after the burst.
    @Test func `budgets are as large as stated and refill at their rates`() {
        let start = Instant(nanoseconds: 0)
        let later = start.adding(milliseconds: 1000)
        func check(_ name: String, _ burst: Int, _ rate: Int, _ take: (inout HTTP2Budget, Instant) -> Bool) {
            var budget = HTTP2Budget(now: start)
            #expect((0..<burst).allSatisfy { _ in take(&budget, start) }, "\(name)")
            #expect(!take(&budget, start), "\(name)")
            #expect((0..<rate).allSatisfy { _ in take(&budget, later) }, "\(name)")
            #expect(!take(&budget, later), "\(name)")
        }
        check("resets by the client", 1000, 33) { $0.resetCame(now: $1) }
        check("errors of the client", 100, 10) { $0.errorMade(now: $1) }
        check("PING and SETTINGS", 100, 10) { $0.controlCame(now: $1) }
        check("empty DATA, PRIORITY, unknown frames", 100, 10) { $0.oddityCame(now: $1) }
        var budget = HTTP2Budget(now: start)
        for _ in 0..<2 {
            budget.blockBegan()
            #expect((0..<8).allSatisfy { _ in budget.continuationCame() } && !budget.continuationCame())
        }
    }

    private static func lastGoAway(in bytes: [UInt8]) -> UInt8? {
        var index = 0
        var code: UInt8?
        while index + 9 <= bytes.count {
            let length = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            guard index + 9 + length <= bytes.count else { break }
            if bytes[index + 3] == 7 { code = bytes[index + 16] }
            index += 9 + length
        }
        return code
    }
}
