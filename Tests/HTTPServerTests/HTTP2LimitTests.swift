// HTTP/2 requests that are malformed or too large, answers that nobody reads, and the end of the server.

import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("HTTP/2 limits", .serialized)
struct HTTP2LimitTests {
    typealias Frames = HTTP2Frames

    @IO
    static func server(
        _ handler: EchoHandler = EchoHandler(), _ change: (inout HTTPLimits) -> Void = { _ in }
    ) throws -> (HTTPServer, Int) {
        var limits = HTTPLimits()
        limits.idleMilliseconds = 80
        limits.lingerMilliseconds = 100
        change(&limits)
        let server = HTTPServer(limits: limits, handler: handler, tls: nil)
        return (server, try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false)))
    }

    static func reply(to sent: [UInt8], port: Int) async -> HTTP2Reply {
        let bytes = await offload {
            let client = BlockingClient(port: port)
            client.send(Frames.opening + sent)
            return client.receiveBytes()
        }
        return HTTP2Reply(bytes)
    }

    // MARK: - Malformed requests

    static let head = Frames.head()
    private static func without(_ name: String) -> [(String, String)] { head.filter { $0.0 != name } }

    /// None of these may reach the handler: each gets 400 or a reset of its stream.
    private static let malformed: [(name: String, fields: [(String, String)])] = [
        ("upper case name", head + [("X-Upper", "v")]),
        ("space in name", head + [("x y", "v")]),
        ("colon in name", head + [("x:y", "v")]),
        ("empty name", head + [("", "v")]),
        ("CR in value", head + [("x", "a\rb")]),
        ("LF in value", head + [("x", "a\nb")]),
        ("NUL in value", head + [("x", "a\u{0}b")]),
        ("space before value", head + [("x", " a")]),
        ("no method", without(":method")),
        ("no path", without(":path")),
        ("no scheme", without(":scheme")),
        ("no authority and no host", without(":authority")),
        ("empty path", without(":path") + [(":path", "")]),
        ("relative path", without(":path") + [(":path", "a")]),
        ("fragment", without(":path") + [(":path", "/#f")]),
        ("space in path", without(":path") + [(":path", "/a b")]),
        ("high byte in path", without(":path") + [(":path", "/\u{e9}")]),
        ("NUL escaped in path", without(":path") + [(":path", "/%00")]),
        ("star without OPTIONS", without(":path") + [(":path", "*")]),
        ("two methods", head + [(":method", "GET")]),
        ("two paths", head + [(":path", "/")]),
        ("two authorities", head + [(":authority", "x")]),
        ("late pseudo-header", without(":path") + [("x", "y"), (":path", "/")]),
        ("unknown pseudo-header", head + [(":odd", "1")]),
        ("response's pseudo-header", head + [(":status", "200")]),
        ("bad authority", without(":authority") + [(":authority", "u@x")]),
        ("two hosts", without(":authority") + [("host", "x"), ("host", "y")]),
        ("connection", head + [("connection", "close")]),
        ("keep-alive", head + [("keep-alive", "1")]),
        ("proxy-connection", head + [("proxy-connection", "close")]),
        ("transfer-encoding", head + [("transfer-encoding", "chunked")]),
        ("upgrade", head + [("upgrade", "h2c")]),
        ("te other than trailers", head + [("te", "gzip")]),
        ("content-length that is no number", head + [("content-length", "+1")]),
        ("content-length twice", head + [("content-length", "0"), ("content-length", "0")]),
        ("content-length beyond the body", head + [("content-length", "5")]),
        ("plain CONNECT", [(":method", "CONNECT"), (":authority", "x:1")]),
        ("CONNECT with a path", Frames.head("CONNECT", "/")),
        ("TRACE", Frames.head("TRACE", "/")),
        ("unknown method", Frames.head("BREW", "/")),
        ("lower case method", Frames.head("get", "/")),
    ]

    @Test(arguments: malformed.indices) @IO
    func `a malformed request never reaches the handler`(index: Int) async throws {
        let (name, fields) = Self.malformed[index]
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler)
        // The second request shows that the connection and its compression state live on.
        let sent = Frames.request(fields) + Frames.request(Frames.head("GET", "/next"), stream: 3)
        let reply = await Self.reply(to: sent, port: port)
        let status = reply.statuses[1]
        #expect(status.map { (400..<600).contains($0) } ?? (reply.resets[1] != nil), "\(name): \(status ?? 0)")
        #expect(handler.seen.map(\.head.path) == ["/next"], "\(name)")
        #expect(reply.statuses[3] == 200, "\(name)")
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `a body that does not fit its length is never handled`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler)
        let fields = Frames.head("POST") + [("content-length", "3")]
        let long = Frames.request(fields, isLast: false) + Frames.frame(0, flags: 1, stream: 1, Array("abcd".utf8))
        let short =
            Frames.request(fields, stream: 3, isLast: false) + Frames.frame(0, flags: 1, stream: 3, Array("ab".utf8))
        let right =
            Frames.request(fields, stream: 5, isLast: false) + Frames.frame(0, flags: 1, stream: 5, Array("abc".utf8))
        let reply = await Self.reply(to: long + short + right, port: port)
        #expect(reply.statuses[1] != 200 && reply.statuses[3] != 200 && reply.statuses[5] == 200)
        #expect(handler.seen.count == 1)
        await server.drain(graceMilliseconds: 1000)
    }

    // MARK: - Errors of the connection

    /// Frames against the protocol (RFC 9113 §5, §6) and the codes one of which the GOAWAY has.
    private static let errors: [(name: String, bytes: [UInt8], codes: [UInt8])] = [
        ("DATA on a stream that is not open", Frames.frame(0, stream: 1, [1]), [1]),
        ("RST_STREAM on a stream that is not open", Frames.frame(3, stream: 1, [0, 0, 0, 8]), [1]),
        ("RST_STREAM on the connection", Frames.frame(3, [0, 0, 0, 8]), [1]),
        ("RST_STREAM of three bytes", Frames.request(isLast: false) + Frames.frame(3, stream: 1, [0, 0, 8]), [6]),
        ("WINDOW_UPDATE of zero", Frames.frame(8, Frames.number(0)), [1]),
        ("WINDOW_UPDATE of three bytes", Frames.frame(8, [0, 0, 1]), [6]),
        ("SETTINGS of five bytes", Frames.frame(4, [0, 3, 0, 0, 1]), [6]),
        ("SETTINGS on a stream", Frames.frame(4, stream: 1), [1]),
        ("acknowledged SETTINGS with content", Frames.frame(4, flags: 1, [0, 3, 0, 0, 0, 1]), [6]),
        ("ENABLE_PUSH of two", Frames.frame(4, [0, 2, 0, 0, 0, 2]), [1]),
        ("INITIAL_WINDOW_SIZE beyond 2^31 - 1", Frames.frame(4, [0, 4, 0x80, 0, 0, 0]), [3]),
        ("MAX_FRAME_SIZE of one", Frames.frame(4, [0, 5, 0, 0, 0, 1]), [1]),
        ("PING of seven bytes", Frames.frame(6, [0, 0, 0, 0, 0, 0, 0]), [6]),
        ("PING on a stream", Frames.frame(6, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0]), [1]),
        ("GOAWAY on a stream", Frames.frame(7, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0]), [1]),
        ("PUSH_PROMISE", Frames.request(isLast: false) + Frames.frame(5, flags: 4, stream: 1, [0, 0, 0, 2]), [1]),
        ("CONTINUATION without HEADERS", Frames.frame(9, flags: 4, stream: 1, Frames.block(head)), [1]),
        (
            "PING within a header block",
            Frames.frame(1, stream: 1, Frames.block(head)) + Frames.frame(6, [0, 0, 0, 0, 0, 0, 0, 0]), [1]
        ),
        (
            "CONTINUATION of another stream",
            Frames.frame(1, stream: 1, Frames.block(head)) + Frames.frame(9, flags: 4, stream: 3), [1]
        ),
        ("HEADERS on the connection", Frames.request(stream: 0), [1]),
        // Trailers of a stream that was reset meanwhile look the same, so these are ignored: 0 is the idle end.
        ("HEADERS of a lower stream", Frames.request(stream: 5) + Frames.request(stream: 3), [0]),
        ("padding longer than the frame", Frames.frame(1, flags: 0xD, stream: 1, [200] + Frames.block(head)), [1]),
        ("a table update that is too large", Frames.frame(1, flags: 5, stream: 1, [0x3F, 0xE1, 0xFF, 3]), [9]),
        ("an index of no table", Frames.frame(1, flags: 5, stream: 1, [0xFF, 0x80, 1]), [9]),
    ]

    @Test(arguments: errors.indices) @IO
    func `an error of the protocol is told with its code`(index: Int) async throws {
        let (name, bytes, codes) = Self.errors[index]
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler)
        let reply = await Self.reply(to: bytes, port: port)
        #expect(reply.goAway.map { codes.contains($0) } == true, "\(name): \(reply.goAway ?? 99)")
        #expect(handler.seen.count <= 1, "\(name)")
        await server.drain(graceMilliseconds: 1000)
    }

    // MARK: - Sizes

    @Test @IO
    func `settings and windows are announced`() async throws {
        let (server, port) = try Self.server()
        let reply = await Self.reply(to: [], port: port)
        let settings = try #require(reply.frames.first { $0.type == 4 && $0.flags == 0 })
        var values: [UInt8: UInt32] = [:]
        for start in stride(from: 0, to: settings.payload.count, by: 6) {
            values[settings.payload[start + 1]] = settings.payload[start + 2..<start + 6]
                .reduce(0) { $0 << 8 | UInt32($1) }
        }
        #expect(values == [3: 100, 4: 64 << 10, 6: 32 << 10])
        let window = try #require(reply.frames.first { $0.type == 8 && $0.stream == 0 })
        let added = window.payload.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        #expect(added + 65_535 == 256 << 10)
        await server.drain(graceMilliseconds: 1000)
    }

    private static func many(_ count: Int, of length: Int) -> [(String, String)] {
        head + (0..<count).map { ("x\($0)", String(repeating: "a", count: length)) }
    }

    private static let sizes: [(name: String, fields: [(String, String)], status: Int)] = [
        ("100 lines", many(100, of: 1), 200),
        ("101 lines", many(101, of: 1), 431),
        ("8 KiB in one line", many(1, of: 8192), 200),
        ("33 KiB in all", many(5, of: 6700), 431),
        ("body of 1 MiB + 1 by its length", Frames.head("POST") + [("content-length", "1048577")], 413),
        (
            "compressed body",
            Frames.head("POST") + [("content-length", "1"), ("content-encoding", "gzip")], 415
        ),
    ]

    @Test(arguments: sizes.indices) @IO
    func `heads are bounded by their list, not by their frames`(index: Int) async throws {
        let (name, fields, status) = Self.sizes[index]
        let (server, port) = try Self.server()
        let hasBody = fields.contains { $0.0 == "content-length" }
        let block = Frames.block(fields)
        // Blocks longer than a frame of 16 KiB go on in CONTINUATION frames.
        var sent = Frames.frame(
            1, flags: (hasBody ? 0 : 1) | (block.count <= 16_000 ? 4 : 0), stream: 1, Array(block.prefix(16_000)))
        var rest = block.dropFirst(16_000)
        while !rest.isEmpty {
            let part = rest.prefix(16_000)
            rest = rest.dropFirst(16_000)
            sent += Frames.frame(9, flags: rest.isEmpty ? 4 : 0, stream: 1, Array(part))
        }
        let reply = await Self.reply(to: sent, port: port)
        #expect(reply.statuses[1] == status, "\(name)")
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `streams beyond a hundred are refused`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler) { $0.bodyStallMilliseconds = 200 }
        var sent: [UInt8] = []
        for index in 0..<UInt32(105) {
            sent += Frames.request(Frames.head("POST"), stream: 2 * index + 1, isLast: false)
        }
        let reply = await Self.reply(to: sent, port: port)
        // 7 is REFUSED_STREAM: the client may send them again.
        #expect(reply.resets.values.count { $0 == 7 } == 5)
        #expect(handler.seen.isEmpty)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test(arguments: [1 as UInt32, 0]) @IO
    func `bytes beyond a window end the stream or the connection`(stream: UInt32) async throws {
        let (server, port) = try Self.server { $0.bodyStallMilliseconds = 200 }
        let chunk = Frames.frame(0, stream: 1, [UInt8](repeating: 97, count: 16_384))
        var sent = Frames.request(Frames.head("POST"), isLast: false)
        if stream == 1 {
            // The handler has not asked for a body window beyond 64 KiB: the frames come faster than the updates.
            for _ in 0..<40 { sent += chunk }
            let reply = await Self.reply(to: sent, port: port)
            #expect(reply.goAway == 3 || reply.resets[1] == 3 || reply.statuses[1] == 408)
        } else {
            // A window beyond 2^31 - 1 is an error of the connection (RFC 9113 §6.9.1).
            sent = Frames.frame(8, stream: 0, Frames.number(0x7FFF_FFFF))
            let reply = await Self.reply(to: sent, port: port)
            #expect(reply.goAway == 3)
        }
        await server.drain(graceMilliseconds: 1000)
    }

    // MARK: - Work and answers

    @Test @IO
    func `answers that nobody reads are bounded`() async throws {
        let (server, port) = try Self.server()
        // Four streams of 900 KiB of answer each, none of which fits the windows of 64 KiB.
        let body = [UInt8](repeating: 97, count: 16_384)
        let bytes = await offload {
            let client = BlockingClient(port: port)
            var sent = Frames.opening
            for stream in [UInt32(1), 3, 5, 7] {
                sent += Frames.request(Frames.head("POST"), stream: stream, isLast: false)
                for _ in 0..<55 { sent += Frames.frame(0, stream: stream, body) }
                sent += Frames.frame(0, flags: 1, stream: stream)
            }
            client.send(sent)
            return client.receiveBytes()
        }
        #expect(HTTP2Reply(bytes).goAway == 11)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `work of reset streams counts until it ends`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler)
        var sent: [UInt8] = []
        for index in 0..<UInt32(120) {
            sent += Frames.request(Frames.head("GET", "/wait"), stream: 2 * index + 1)
            sent += Frames.frame(3, stream: 2 * index + 1, [0, 0, 0, 8])
        }
        sent += Frames.request(Frames.head("GET", "/"), stream: 1001)
        let reply = await Self.reply(to: sent, port: port)
        #expect(handler.waiting.count == 100)
        #expect(reply.statuses[1001] == 503)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `drain says GOAWAY, lets open streams finish and closes`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler) { $0.idleMilliseconds = 30_000 }
        let result = Task { @IO in
            await Self.reply(to: Frames.request(Frames.head("GET", "/wait")), port: port)
        }
        while handler.waiting.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        let drained = Task { @IO in await server.drain(graceMilliseconds: 10_000) }
        while !server.isDraining { await Loop.shared.sleep(milliseconds: 1) }
        handler.waiting[0].send(.text(200, "done"))
        let reply = await result.value
        #expect(reply.goAway == 0 && reply.statuses[1] == 200 && reply.bodies[1] == 5)
        await drained.value
        #expect(server.connectionCount == 0)
    }
}
