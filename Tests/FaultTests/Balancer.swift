// What stands between Telegram and the replicas: hands each delivery to one that lives, and counts the answers.

import EventLoop
import HTTPClient
import HTTPServer

/// Forwards each request to the next replica. While there is none a request waits, as behind a real balancer.
@IO
final class Balancer: HTTPHandler {
    static let patienceMilliseconds: Int64 = 30_000

    /// Ports of replicas.
    var targets: [Int] = []
    /// How many answers of each status went back.
    private(set) var statuses: [Int: Int] = [:]
    /// How many answers asked for a pause.
    private(set) var retryAfters = 0
    private(set) var port = 0
    private let client = HTTPClient()
    private var server: HTTPServer?
    private var turn = 0
    private var isEnded = false

    func listen() throws {
        let server = HTTPServer(handler: self, tls: nil)
        port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        self.server = server
    }

    func end() async {
        isEnded = true
        await server?.drain(graceMilliseconds: 100)
        client.close()
    }

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict { .accept(bodyLimit: 1 << 20) }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        Task { @IO in
            let response = await forward(request)
            statuses[response.status, default: 0] += 1
            responder.send(response)
        }
    }

    private func forward(_ request: HTTPRequest) async -> HTTPResponse {
        let deadline = Loop.shared.current().adding(milliseconds: Self.patienceMilliseconds)
        while Loop.shared.current() < deadline, !isEnded {
            guard !targets.isEmpty else {
                await Loop.shared.sleep(milliseconds: 20)
                continue
            }
            turn += 1
            let target = targets[turn % targets.count]
            var forwarded = HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(target)\(request.head.path)", body: request.body,
                timeoutMilliseconds: 60_000)
            let secret = "x-telegram-bot-api-secret-token"
            forwarded.headers = [(secret, request.head.headers[secret] ?? "")]
            do throws(HTTPClientError) {
                let reply = try await client.send(forwarded)
                var response = HTTPResponse.empty(reply.status)
                if let seconds = reply.header("retry-after") {
                    retryAfters += 1
                    response.headers.append((name: "Retry-After", value: seconds))
                }
                return response
            } catch {
                // A replica that does not listen never saw the request; one that went away may have.
                guard error.certainlyUnsent else { return .text(502, "bad gateway") }
                await Loop.shared.sleep(milliseconds: 20)
            }
        }
        return .text(502, "bad gateway")
    }
}
