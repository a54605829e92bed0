// A server under test: its handler, and a blocking client on another thread.

import EventLoop
import Glibc
import HTTPServer
import Testing

/// Answers what the tests ask for by path.
@IO
final class EchoHandler: HTTPHandler {
    var seen: [HTTPRequest] = []
    var waiting: [HTTPResponder] = []

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict {
        switch head.path {
        case "/secret": .refuse(.text(401, "no"))
        case "/missing": .refuse(.text(404, "not found"))
        default: .accept(bodyLimit: 1 << 20)
        }
    }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        seen.append(request)
        switch request.head.path {
        case "/wait": waiting.append(responder)
        case "/dropped": return
        case "/large": responder.send(HTTPResponse(status: 200, body: [UInt8](repeating: 97, count: 16 << 20)))
        default: responder.send(HTTPResponse(status: 200, body: request.body))
        }
    }
}

/// A socket for tests that reads and writes at once; for use within `offload`.
struct BlockingClient: ~Copyable, Sendable {
    let descriptor: Int32

    /// - Parameter receiveBuffer: how much the system takes before we read; nil leaves it to the system.
    init(port: Int, receiveBuffer: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(descriptor, raw.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Sends without waiting for room; false when the peer has reset the connection.
    func trySend(_ text: String) -> Bool {
        let count = Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        return count >= 0 || errno == EAGAIN
    }

    /// Whether the peer has ended, without waiting; what it sent before must have been read.
    func hasEnded() -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes until the peer closes.
    func receiveBytes() -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = recv(descriptor, &chunk, chunk.count, 0), count > 0 { all += chunk[..<count] }
        return all
    }

    /// What comes until the peer closes, or until `marker` was seen that many times.
    func receive(until marker: String? = nil, times: Int = 1) -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            if let marker, String(decoding: all, as: UTF8.self).components(marker) >= times { break }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            all += chunk[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}

extension String {
    /// How often `part` occurs.
    func components(_ part: String) -> Int { ranges(of: part).count }
}

@Suite("HTTP/1 over sockets", .serialized)
struct HTTP1SocketTests {
    @Test @IO
    func `a request is answered and the connection kept`() async throws {
        let handler = EchoHandler()
        let server = HTTPServer(handler: handler, tls: nil)
        let port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        let text = await offload {
            let client = BlockingClient(port: port)
            client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: x\r\n")
            client.send("Connection: close\r\n\r\n")
            return client.receive()
        }
        #expect(text.components("HTTP/1.1 200 OK") == 2)
        #expect(text.components("\r\n\r\nabc") == 1)
        #expect(handler.seen.map(\.head.path) == ["/a", "/b"])
        await server.drain(graceMilliseconds: 1000)
        #expect(server.connectionCount == 0)
    }
}
