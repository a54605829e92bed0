// Peers that are slow, silent or greedy, over HTTP/1: each time limit, the order of shedding, the bound of all bytes.

import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Time and number over sockets", .serialized)
struct TimeLimitTests {
    @IO
    private static func server(
        _ handler: EchoHandler = EchoHandler(), _ change: (inout HTTPLimits) -> Void = { _ in }
    ) throws -> (HTTPServer, Int) {
        var limits = HTTPLimits()
        limits.lingerMilliseconds = 50
        change(&limits)
        let server = HTTPServer(limits: limits, handler: handler, tls: nil)
        return (server, try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false)))
    }

    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test func `the defaults are the service's`() {
        let limits = HTTPLimits()
        #expect(limits.handshakeMilliseconds == 10_000 && limits.headMilliseconds == 10_000)
        #expect(limits.bodyStallMilliseconds == 10_000 && limits.bodyMilliseconds == 20_000)
        #expect(limits.idleMilliseconds == 30_000 && limits.writeStallMilliseconds == 10_000)
        #expect(limits.requestLine == 8192 && limits.headerLine == 8192 && limits.headerBytes == 32_768)
        #expect(limits.headerLines == 100 && limits.maximumBody == 1 << 20 && limits.maximumBuffered == 32 << 20)
        #expect(limits.maximumConnections == 4000 && limits.maximumStreams == 100)
        #expect(limits.maximumQueuedReply == 1 << 20)
    }

    /// What is sent first and what then trickles, a byte in 10 ms, past limits that no single wait reaches.
    private static let trickles: [(name: String, first: String, byte: String, answer: String)] = [
        ("a head", "GET / HTTP/1.1\r\nX: ", "a", "HTTP/1.1 408"),
        ("empty lines", "", "\r\n", "HTTP/1.1 400"),
        ("a head after a request", get + "GET / HTTP/1.1\r\nX: ", "a", "HTTP/1.1 200"),
        ("a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "a", "HTTP/1.1 408"),
        (
            "chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n",
            "HTTP/1.1 408"
        ),
        (
            "a chunk extension", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a",
            "HTTP/1.1 408"
        ),
        (
            "trailers", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ", "a",
            "HTTP/1.1 408"
        ),
        (
            "a refused body", "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "a", "HTTP/1.1 401"
        ),
    ]

    @Test(arguments: trickles.indices) @IO
    func `what trickles ends all the same`(index: Int) async throws {
        let (name, first, byte, answer) = Self.trickles[index]
        let (server, port) = try Self.server {
            $0.headMilliseconds = 200
            $0.bodyStallMilliseconds = 5000
            $0.bodyMilliseconds = 200
            $0.idleMilliseconds = 5000
        }
        let (text, wasCut) = await offload {
            let client = BlockingClient(port: port)
            client.send(first)
            var wasCut = false
            for _ in 0..<3000 where !wasCut {
                usleep(10_000)
                wasCut = !client.trySend(byte)
            }
            return (client.receive(), wasCut)
        }
        // The answer may be lost to the reset that late bytes bring about; the end may not.
        #expect(wasCut, "\(name)")
        #expect(text.isEmpty || text.hasPrefix(answer), "\(name): \(text)")
        #expect(server.connectionCount == 0, "\(name)")
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `an answer that nobody takes is given up`() async throws {
        let (server, port) = try Self.server { $0.writeStallMilliseconds = 200 }
        let clients = ClientList()
        await offload {
            let client = BlockingClient(port: port, receiveBuffer: 4096)
            // More than the system's buffers take.
            client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            clients.append(client)
        }
        while server.connectionCount == 0 { await Loop.shared.sleep(milliseconds: 1) }
        while server.connectionCount > 0 { await Loop.shared.sleep(milliseconds: 10) }
        #expect(server.rejections[.timeout] == 1 && server.bufferedBytes == 0)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `a kept connection ends when nothing more comes`() async throws {
        let (server, port) = try Self.server { $0.idleMilliseconds = 100 }
        let text = await offload {
            let client = BlockingClient(port: port)
            client.send(Self.get)
            return client.receive()
        }
        #expect(text.components("HTTP/1.1") == 1 && server.rejections[.timeout] == nil)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `the connection idle for longest makes room first, and working ones stay`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler) { $0.maximumConnections = 4 }
        let (idle, working) = (ClientList(), ClientList())
        let closed = await offload {
            working.append(BlockingClient(port: port))
            working.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n", at: 0)
            for index in 0..<3 {
                idle.append(BlockingClient(port: port))
                idle.send(Self.get, at: index)
                _ = idle.receive(until: "\r\n\r\n", at: index)
                // Moments of the loop differ only between turns.
                usleep(5000)
            }
            // The first one is used again, so that the second is idle for longest.
            idle.send(Self.get, at: 0)
            _ = idle.receive(until: "\r\n\r\n", at: 0)
            return (1...3).map { index in
                working.append(BlockingClient(port: port))
                working.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n", at: index)
                return idle.waitForEnd()
            }
        }
        #expect(closed == [1, 2, 0])
        while handler.waiting.count < 4 { await Loop.shared.sleep(milliseconds: 1) }
        // All are at work now: this one finds no room.
        let late = await offload {
            let client = BlockingClient(port: port)
            client.send(Self.get)
            return client.receive()
        }
        #expect(late.isEmpty && server.rejections[.connections] == 4 && server.connectionCount == 4)
        for responder in handler.waiting { responder.send(.text(200, "done")) }
        let text = await offload { working.receive(until: "done", at: 0) }
        #expect(text.hasPrefix("HTTP/1.1 200"))
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `of all buffered bytes 32 MiB are kept, and the newest request is refused`() async throws {
        let handler = EchoHandler()
        let (server, port) = try Self.server(handler)
        let mebibyte = [UInt8](repeating: 97, count: 1 << 20)
        let clients = ClientList()
        await offload {
            // 32 requests that lack one byte each, and so are a little below the bound together.
            for _ in 0..<32 {
                let client = BlockingClient(port: port)
                client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
                client.send(Array(mebibyte.dropLast()))
                clients.append(client)
            }
        }
        while server.bufferedBytes < 32 * ((1 << 20) - 1) { await Loop.shared.sleep(milliseconds: 5) }
        let text = await offload {
            let newest = BlockingClient(port: port)
            newest.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
            newest.send(Array(mebibyte.prefix(100_000)))
            newest.finishSending()
            return newest.receive()
        }
        #expect(text.hasPrefix("HTTP/1.1 503") && server.rejections[.buffers] == 1)
        let answered = await offload { clients.finishAll(with: "a") }
        #expect(answered == 32)
        #expect(handler.seen.count == 32 && server.bufferedBytes == 0)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `one server listens on several addresses, of both families`() async throws {
        let server = HTTPServer(handler: EchoHandler(), tls: nil)
        let first = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        // The same port of the other family, as in LISTEN=http://0.0.0.0:1,http://[::]:1.
        let all = try server.listen(ListenAddress(host: "0.0.0.0", port: 0, isTLS: false))
        let same = try server.listen(ListenAddress(host: "::", port: all, isTLS: false, isIPv6Only: true))
        let second = try server.listen(ListenAddress(host: "::1", port: 0, isTLS: false))
        let both = try server.listen(ListenAddress(host: "::", port: 0, isTLS: false))
        #expect(same == all)
        for (port, address) in [
            (first, "127.0.0.1"), (all, "127.0.0.1"), (all, "[::1]"), (second, "[::1]"), (both, "127.0.0.1"),
            (both, "[::1]"),
        ] {
            #expect(await run("curl", ["-sS", "-d", "abc", "http://\(address):\(port)/"]) == "abc")
        }
        do throws(HTTPServerError) {
            _ = try server.listen(ListenAddress(host: "127.0.0.1", port: first, isTLS: false))
            Issue.record("two listeners of one port")
        } catch {
            #expect(error == .bind(host: "127.0.0.1", port: first, code: EADDRINUSE))
            #expect(error.description == "Another process listens on 127.0.0.1:\(first) already.")
        }
        let refused = HTTPServerError.bind(host: "0.0.0.0", port: 443, code: EACCES)
        #expect(refused.description.contains("setcap cap_net_bind_service"))
        await server.drain(graceMilliseconds: 1000)
    }
}

/// Several clients of one test; one thread at a time has them.
final class ClientList: @unchecked Sendable {
    private final class Client {
        let socket: BlockingClient
        var hasEnded = false
        init(_ socket: consuming BlockingClient) { self.socket = socket }
    }

    private var clients: [Client] = []

    func append(_ client: consuming BlockingClient) { clients.append(Client(client)) }

    func send(_ text: String, at index: Int) { clients[index].socket.send(text) }

    func receive(until marker: String, at index: Int) -> String { clients[index].socket.receive(until: marker) }

    /// Waits until the server ends one that has not ended before, and says which.
    func waitForEnd() -> Int {
        while true {
            for (index, client) in clients.enumerated() where !client.hasEnded && client.socket.hasEnded() {
                client.hasEnded = true
                return index
            }
            usleep(1000)
        }
    }

    /// Sends the end of each request; says how many were answered 200.
    func finishAll(with text: String) -> Int {
        clients.count { client in
            client.socket.send(text)
            return client.socket.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200")
        }
    }
}
