// The client against a server that behaves and misbehaves.

import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Suites share one clock, and some move it: a limit that none of them reaches.
private let beyondReach: Int64 = 1_000_000_000

@Suite("HTTPClient")
struct HTTPClientTests {
    @IO
    private static func outcome(
        _ client: HTTPClient, _ request: HTTPClientRequest
    ) async -> Result<HTTPClientResponse, HTTPClientError> {
        do throws(HTTPClientError) {
            return .success(try await client.send(request))
        } catch {
            return .failure(error)
        }
    }

    @IO
    private static func failure(_ client: HTTPClient, _ request: HTTPClientRequest) async -> HTTPClientError? {
        if case .failure(let error) = await outcome(client, request) { error } else { nil }
    }

    private static func post(_ url: String, milliseconds: Int64 = beyondReach) -> HTTPClientRequest {
        HTTPClientRequest(
            method: "POST", url: url, headers: [("Content-Type", "application/json")], body: Array(#"{"a":1}"#.utf8),
            timeoutMilliseconds: milliseconds)
    }

    @Test @IO func `a reply comes with status, headers and body, and the connection is used again`() async throws {
        let server = ScriptedServer { _, _ in .json(201, #"{"ok":true}"#, headers: "Retry-After:  7 \r\n") }
        defer { server.stop() }
        let client = HTTPClient()
        for _ in 0..<3 {
            let response = try await client.send(Self.post("\(server.url)/x"))
            #expect(response.status == 201)
            #expect(response.body == Array(#"{"ok":true}"#.utf8))
            #expect(response.header("retry-after") == "7")
            #expect(response.header("absent") == nil)
        }
        #expect(server.connectionCount == 1)
        #expect(server.requests.map(\.body) == Array(repeating: #"{"a":1}"#, count: 3))
        #expect(server.requests[0].head.contains("Content-Type: application/json"))
        #expect(!server.requests[0].head.contains("Expect"))
    }

    @Test @IO func `a GET has no body`() async throws {
        let server = ScriptedServer { _, _ in .json(200, "{}") }
        defer { server.stop() }
        let client = HTTPClient()
        _ = try await client.send(Self.post("\(server.url)/p"))
        _ = try await client.send(
            HTTPClientRequest(method: "GET", url: "\(server.url)/g", timeoutMilliseconds: beyondReach))
        #expect(server.requests.map { $0.head.prefix(5) } == ["POST ", "GET /"])
        #expect(server.requests[1].body == "")
    }

    @Test @IO func `servers get path and query as they are written, whatever a handle was used for before`()
        async throws
    {
        let server = ScriptedServer { _, _ in .json(200, "{}") }
        let other = ScriptedServer { _, _ in .json(200, "{}") }
        defer {
            server.stop()
            other.stop()
        }
        let client = HTTPClient()
        let targets: [(ScriptedServer, String, sent: String)] = [
            (server, "/bot1/a", "/bot1/a"), (server, "/bot1/b?x=1&y=/2", "/bot1/b?x=1&y=/2"), (server, "", "/"),
            (server, "/bot1/../c", "/c"), (server, "/bot1/a", "/bot1/a"), (other, "/bot1/a", "/bot1/a"),
            (server, "/bot1/./d", "/bot1/d"), (server, "/bot1/d%20e", "/bot1/d%20e"), (server, "/x#y", "/x"),
            (other, "/bot2/a.b", "/bot2/a.b"), (other, "/bot2?x", "/bot2?x"), (server, "?x", "/?x"), (server, "/", "/"),
        ]
        for (place, target, _) in targets { _ = try await client.send(Self.post(place.url + target)) }
        for place in [server, other] {
            let expected = targets.filter { $0.0 === place }.map { "POST \($0.sent) HTTP/1.1" }
            #expect(
                place.requests.map { String($0.head.prefix { $0 != "\r\n" && $0 != "\r" && $0 != "\n" }) } == expected)
            let host = "Host: " + place.url.dropFirst("http://".count)
            for request in place.requests { #expect(request.head.contains(host)) }
        }
        #expect(client.transferCount == 0)
    }

    @Test @IO func `a long body is sent without being asked for, and a header of one's own stays`() async throws {
        let server = ScriptedServer { _, _ in .json(200, "{}") }
        defer { server.stop() }
        let client = HTTPClient()
        var request = Self.post("\(server.url)/x")
        _ = try await client.send(request)
        request.headers.append(("Accept", "text/plain"))
        _ = try await client.send(request)
        request.body = [UInt8](repeating: 0x20, count: 3 << 20)
        _ = try await client.send(request)
        let heads = server.requests.map(\.head)
        #expect(heads.map { $0.contains("Accept: text/plain") } == [false, true, true])
        #expect(heads.map { $0.contains("Accept: */*") } == [true, false, false])
        #expect(heads.map { $0.contains("Expect") } == [false, false, false])
    }

    @Test @IO func `each request ends at its own time`() async {
        let server = ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        let client = HTTPClient()
        let url = server.url
        let long = Task { @IO in await Self.failure(client, Self.post(url)) }
        #expect(await Self.failure(client, Self.post(url, milliseconds: 40)) == .timedOut)
        #expect(await Self.failure(client, Self.post(url, milliseconds: 20)) == .timedOut)
        #expect(client.transferCount == 1)
        long.cancel()
        #expect(await long.value == .cancelled)
    }

    @Test @IO func `what cannot connect was certainly not sent`() async {
        let server = ScriptedServer { _, _ in .silence }
        let url = server.url
        server.stop()
        let error = await Self.failure(HTTPClient(), Self.post(url))
        #expect(error == .connect)
        #expect(error?.certainlyUnsent == true)
    }

    @Test @IO func `a silent server ends in a time-out that may have been heard`() async {
        let server = ScriptedServer { _, _ in .silence }
        defer { server.stop() }
        let error = await Self.failure(HTTPClient(), Self.post(server.url, milliseconds: 50))
        #expect(error == .timedOut)
        #expect(error?.certainlyUnsent == false)
    }

    @Test @IO func `a cut reply is an error`() async {
        let server = ScriptedServer { _, _ in .bytesThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") }
        defer { server.stop() }
        #expect(await Self.failure(HTTPClient(), Self.post(server.url)) == .cut)
    }

    @Test @IO func `a POST on a kept connection that ends is not sent a second time unasked`() async throws {
        let server = ScriptedServer { _, number in number == 0 ? .json(200, "{}") : .close }
        defer { server.stop() }
        let client = HTTPClient()
        _ = try await client.send(Self.post(server.url))
        #expect(await Self.failure(client, Self.post(server.url)) == .cut)
        #expect(server.requests.count == 2)
    }

    @Test @IO func `a long reply is refused`() async {
        let body = String(repeating: "x", count: 5000)
        let server = ScriptedServer { _, _ in .json(200, body) }
        defer { server.stop() }
        var request = Self.post(server.url)
        request.maximumReplyBytes = 4999
        #expect(await Self.failure(HTTPClient(), request) == .tooLarge)
    }

    @Test @IO func `redirects are answers`() async throws {
        let server = ScriptedServer { _, _ in .json(302, "", headers: "Location: /elsewhere\r\n") }
        defer { server.stop() }
        let response = try await HTTPClient().send(Self.post(server.url))
        #expect(response.status == 302)
        #expect(server.requests.count == 1)
    }

    @Test @IO func `cancelling the task aborts the transfer`() async {
        let heard = Completion<Void, Never>()
        let server = ScriptedServer { _, _ in
            heard.finish(.success(()))
            return .silence
        }
        defer { server.stop() }
        let client = HTTPClient()
        let request = Self.post(server.url)
        let task = Task { @IO in await Self.failure(client, request) }
        await heard.wait()
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(client.transferCount == 0)
    }

    @Test @IO func `closing ends what is in flight and refuses what comes later`() async {
        let heard = Completion<Void, Never>()
        let server = ScriptedServer { _, _ in
            heard.finish(.success(()))
            return .silence
        }
        defer { server.stop() }
        let client = HTTPClient()
        let request = Self.post(server.url)
        let task = Task { @IO in await Self.failure(client, request) }
        await heard.wait()
        client.close()
        #expect(await task.value == .cancelled)
        #expect(await Self.failure(client, request) == .refused("the client is closed"))
    }

    @Test @IO func `other schemes and header lines with breaks are refused before anything is sent`() async {
        let server = ScriptedServer { _, _ in .json(200, "{}") }
        defer { server.stop() }
        let client = HTTPClient()
        #expect(await Self.failure(client, Self.post("file:///etc/hostname"))?.certainlyUnsent == true)
        var request = Self.post(server.url)
        request.headers = [("X", "a\r\nY: b")]
        #expect(await Self.failure(client, request)?.certainlyUnsent == true)
        #expect(server.requests.isEmpty)
        request.headers = [("X", "a")]
        #expect((try? await Self.outcome(client, request).get().status) == 200)
    }

    @Test @IO func `many at once are all answered`() async {
        let server = ScriptedServer { request, _ in .json(200, request.body) }
        defer { server.stop() }
        var options = HTTPClientOptions()
        options.maximumConnectionsPerHost = 8
        options.maximumIdleHandles = 16
        let client = HTTPClient(options: options)
        let url = server.url
        let tasks = (0..<100).map { number in
            Task { @IO in
                var request = Self.post(url)
                request.body = Array("\(number)".utf8)
                return (try? await client.send(request).body) == request.body
            }
        }
        for task in tasks { #expect(await task.value) }
        #expect(server.connectionCount <= 8)
    }
}
