// Limits of time and number, pipelining and drain, over real sockets.

import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Limits over sockets", .serialized)
struct LimitTests {
    /// What a client sends, and what the server says before it closes; short limits end what hangs.
    private static let cases: [(name: String, sent: String, answer: String)] = [
        ("silence", "", ""),
        ("half a head", "GET / HTTP/1.1\r\n", "HTTP/1.1 408"),
        ("half a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", "HTTP/1.1 408"),
        ("idle after a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"),
        ("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200"),
        (
            "both lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 400"
        ),
        ("too long", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", "HTTP/1.1 413"),
        ("unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501"),
        ("CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 501"),
        (
            "compressed", "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 415"
        ),
        (
            "expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
            "HTTP/1.1 100"
        ),
        (
            "refused expectation",
            "POST /secret HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 401"
        ),
        ("odd expectation", "GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", "HTTP/1.1 417"),
        ("TLS on a clear port", "\u{16}\u{3}\u{1}", "HTTP/1.1 400"),
        ("half a preface", "PRI * HTTP/2.0\r\n\r\nSM", ""),
        (
            "refused, its body cut", "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 401"
        ),
        ("unanswered", "GET /dropped HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 500"),
    ]

    private static var short: HTTPLimits {
        var limits = HTTPLimits()
        limits.headMilliseconds = 50
        limits.idleMilliseconds = 50
        limits.bodyStallMilliseconds = 50
        limits.lingerMilliseconds = 50
        return limits
    }

    @Test(arguments: cases.indices) @IO
    func `each connection is answered and ended`(index: Int) async throws {
        let (name, sent, answer) = Self.cases[index]
        let server = HTTPServer(limits: Self.short, handler: EchoHandler(), tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let text = await offload {
            let client = BlockingClient(port: port)
            client.send(sent)
            return client.receive()
        }
        #expect(answer.isEmpty ? text.isEmpty : text.hasPrefix(answer), "\(name): \(text)")
        #expect(text.components("HTTP/1.1") <= (answer.hasSuffix("100") ? 2 : 1), "\(name): \(text)")
        await server.drain(graceMilliseconds: 1000)
        #expect(server.connectionCount == 0 && server.bufferedBytes == 0)
    }

    @Test @IO
    func `answers keep the order of pipelined requests, however late`() async throws {
        let handler = EchoHandler()
        let server = HTTPServer(handler: handler, tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let reply = Task { @IO in
            await offload {
                let client = BlockingClient(port: port)
                client.send(
                    "GET /wait HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb")
                client.finishSending()
                return client.receive()
            }
        }
        while handler.waiting.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        #expect(handler.seen.count == 1)
        handler.waiting[0].send(.text(200, "first"))
        handler.waiting[0].send(.text(200, "again"))
        let text = await reply.value
        #expect(text.components("HTTP/1.1 200") == 2 && !text.contains("again"))
        #expect(text.contains("first\nHTTP/1.1 200 OK") && text.hasSuffix("\r\n\r\nb"))
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `drain lets an accepted request finish and closes the rest`() async throws {
        let handler = EchoHandler()
        let server = HTTPServer(handler: handler, tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let reply = Task { @IO in
            await offload {
                let client = BlockingClient(port: port)
                client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
                return client.receive()
            }
        }
        while handler.waiting.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        let drained = Task { @IO in await server.drain(graceMilliseconds: 5000) }
        while !server.isDraining { await Loop.shared.sleep(milliseconds: 1) }
        handler.waiting[0].send(.text(200, "done"))
        let text = await reply.value
        #expect(text.hasPrefix("HTTP/1.1 200") && text.contains("Connection: close\r\n"))
        await drained.value
        #expect(server.connectionCount == 0)
    }

    @Test @IO
    func `what arrived unread before the drain is told so, not reset`() async throws {
        let handler = EchoHandler()
        let server = HTTPServer(handler: handler, tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let (clients, get) = (ClientList(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for index in 0..<2 {
            clients.append(BlockingClient(port: port))
            // One connection is idle after a request, the other has not sent any.
            if index == 0 { clients.send(get, at: 0) }
        }
        while handler.seen.isEmpty || server.connectionCount < 2 { await Loop.shared.sleep(milliseconds: 1) }
        // This runs on the loop's thread, so the drain begins before the loop can read.
        for index in 0..<2 { clients.send(get, at: index) }
        await server.drain(graceMilliseconds: 5000)
        let texts = await offload { (0..<2).map { clients.receive(until: "shutting down", at: $0) } }
        #expect(texts[0].components("HTTP/1.1 200") == 1 && texts[0].components("HTTP/1.1 503") == 1)
        #expect(texts[1].hasPrefix("HTTP/1.1 503") && handler.seen.count == 1)
    }

    @Test @IO
    func `drain ends at once when all connections are idle or silent`() async throws {
        let handler = EchoHandler()
        let server = HTTPServer(handler: handler, tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        // The system completes connections by itself, so connecting and sending cannot hang the loop.
        let silent = BlockingClient(port: port)
        let idle = BlockingClient(port: port)
        idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while handler.seen.isEmpty { await Loop.shared.sleep(milliseconds: 1) }
        let began = Loop.shared.current()
        await server.drain(graceMilliseconds: 60_000)
        #expect(Loop.shared.current().milliseconds(since: began) < 10_000)
        #expect(server.connectionCount == 0 && silent.descriptor != idle.descriptor)
    }

    @Test @IO
    func `beyond the bound the oldest idle connection makes room`() async throws {
        var limits = HTTPLimits()
        limits.maximumConnections = 2
        let server = HTTPServer(limits: limits, handler: EchoHandler(), tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        // They live until the end: with the last use of one its connection ends.
        let clients = ClientList()
        let (answers, ended) = await offload {
            let answers = (0..<3).map { index in
                clients.append(BlockingClient(port: port))
                clients.send(request, at: index)
                return clients.receive(until: "\r\n\r\n", at: index)
            }
            return (answers, clients.waitForEnd())
        }
        #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200") } && ended == 0)
        #expect(server.connectionCount == 2 && server.rejections[.connections] == 1)
        withExtendedLifetime(clients) {}
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `beyond the bound of buffered bytes requests get 503`() async throws {
        var limits = HTTPLimits()
        limits.maximumBuffered = 10_000
        let server = HTTPServer(limits: limits, handler: EchoHandler(), tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let text = await offload {
            let client = BlockingClient(port: port)
            client.send(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" + String(repeating: "a", count: 20_000))
            return client.receive()
        }
        #expect(text.hasPrefix("HTTP/1.1 503"))
        await server.drain(graceMilliseconds: 5000)
        #expect(server.bufferedBytes == 0)
    }

    @Test @IO
    func `what is not TLS on a TLS port is told so and closed`() async throws {
        let secure = try SecureServer()
        let port = secure.port
        let text = await offload {
            let client = BlockingClient(port: port)
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.finishSending()
            return client.receive()
        }
        #expect(text.hasPrefix("HTTP/1.1 400"))
        await secure.end()
    }
}
