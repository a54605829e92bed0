// HTTP/2 peers that stop in the middle: each ends within its time limit.

import EventLoop
import Glibc
import Testing

@testable import HTTPServer

extension HTTP2LimitTests {
    @Test @IO
    func `a preface that does not come ends the connection`() async throws {
        let secure = try SecureServer(limits: short)
        let port = secure.port
        let bytes = await offload {
            let client = SecureClient(port: port, protocols: ["h2"])
            return client.receiveBytes()
        }
        #expect(HTTP2Reply(bytes).goAway == 0)
        #expect(secure.server.rejections[.timeout] == 1)
        await secure.end()
    }

    private var short: HTTPLimits {
        var limits = HTTPLimits()
        limits.headMilliseconds = 100
        limits.lingerMilliseconds = 50
        return limits
    }

    @Test @IO
    func `a header block that does not end ends the connection`() async throws {
        let (server, port) = try Self.server { $0.headMilliseconds = 100 }
        let reply = await Self.reply(to: Frames.frame(1, stream: 1, Frames.block(Self.head)), port: port)
        #expect(reply.goAway == 0 && reply.statuses.isEmpty)
        #expect(server.rejections[.timeout] == 1)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `a malformed head is over and runs into no time limit`() async throws {
        let (server, port) = try Self.server { $0.headMilliseconds = 50 }
        let bytes = await offload {
            let client = BlockingClient(port: port)
            client.send(Frames.opening + Frames.request(Self.head + [("X-Upper", "v")]))
            return client.receiveBytes()
        }
        let reply = HTTP2Reply(bytes)
        #expect(reply.resets[1] == 1 && reply.goAway == 0)
        #expect(server.rejections[.timeout] == nil)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `a stream without data is answered 408`() async throws {
        let (server, port) = try Self.server { $0.bodyStallMilliseconds = 100 }
        let reply = await Self.reply(
            to: Frames.request(Frames.head("POST"), isLast: false) + Frames.frame(0, stream: 1, [97]), port: port)
        #expect(reply.statuses[1] == 408)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `a body that trickles is answered 408 all the same`() async throws {
        let (server, port) = try Self.server {
            $0.bodyStallMilliseconds = 5000
            $0.bodyMilliseconds = 200
        }
        let bytes = await offload {
            let client = BlockingClient(port: port)
            client.send(Frames.opening + Frames.request(Frames.head("POST"), isLast: false))
            for _ in 0..<100 {
                client.send(Frames.frame(0, stream: 1, [97]))
                usleep(10_000)
            }
            return client.receiveBytes()
        }
        #expect(HTTP2Reply(bytes).statuses[1] == 408)
        await server.drain(graceMilliseconds: 1000)
    }

    @Test @IO
    func `an answer that meets a window of zero is given up`() async throws {
        let (server, port) = try Self.server { $0.writeStallMilliseconds = 100 }
        // Settings: INITIAL_WINDOW_SIZE 0.
        let settings = Frames.frame(4, [0, 4, 0, 0, 0, 0])
        let body = Frames.frame(0, flags: 1, stream: 1, Array("abc".utf8))
        let reply = await Self.reply(
            to: settings + Frames.request(Frames.head("POST"), isLast: false) + body, port: port)
        #expect(reply.statuses[1] == 200 && reply.bodies[1] == nil)
        #expect(reply.resets[1] == 8)
        #expect(server.rejections[.timeout] == 1)
        await server.drain(graceMilliseconds: 1000)
    }
}
