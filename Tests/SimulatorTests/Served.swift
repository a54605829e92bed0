// Served: a simulator that listens, and calls of it over HTTP.

import EventLoop
import HTTPClient
import HTTPServer
import JSON

@testable import Simulator

/// A simulator on a port of its own.
@IO
final class Served {
    let simulator: Simulator
    let port: Int
    private let client = HTTPClient()

    init(_ options: SimulatorOptions = .init()) throws {
        simulator = Simulator(options: options)
        port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
    }

    var token: String { "/bot\(simulator.options.token)" }

    /// The status and body of one POST.
    func post(_ path: String, _ body: String = "{}", type: String = "application/json") async throws -> (
        status: Int, body: JSONValue
    ) {
        let response = try await client.send(
            HTTPClientRequest(
                method: "POST", url: "http://127.0.0.1:\(port)\(path)", headers: [("Content-Type", type)],
                body: Array(body.utf8), timeoutMilliseconds: 5000))
        return (response.status, try JSONValue(parsing: response.body))
    }

    /// One method call of the bot.
    func call(
        _ method: String, _ body: String = "{}", type: String = "application/json"
    ) async throws -> (
        status: Int, body: JSONValue
    ) {
        try await post("\(token)/\(method)", body, type: type)
    }
}

/// A bot with a webhook that answers what it is told to answer, or keeps the sender waiting.
@IO
final class WebhookBot: HTTPHandler {
    private(set) var heads: [HTTPRequestHead] = []
    /// The update ids in the order in which they came.
    private(set) var ids: [Int64] = []
    /// The next answers; 200 when there are none.
    var answers: [HTTPResponse] = []
    /// Nobody is answered while this is set.
    var isSilent = false
    private(set) var waiting: [HTTPResponder] = []
    private(set) var port = 0
    private var server: HTTPServer?

    init() throws {
        let server = HTTPServer(handler: self, tls: nil)
        port = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false))
        self.server = server
    }

    var url: String { "http://127.0.0.1:\(port)/w" }

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict { .accept(bodyLimit: 1 << 20) }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        heads.append(request.head)
        do throws(JSONError) { ids.append(try JSONValue(parsing: request.body)["update_id"]?.int ?? 0) } catch {
            ids.append(0)
        }
        if isSilent {
            waiting.append(responder)
        } else {
            responder.send(answers.isEmpty ? .empty(200) : answers.removeFirst())
        }
    }

    /// Answers everybody who waits.
    func answerAll(_ status: Int = 200) {
        let responders = waiting
        waiting = []
        for responder in responders { responder.send(.empty(status)) }
    }

    func stop() async {
        waiting = []
        await server?.drain(graceMilliseconds: 0)
        // Server and handler hold each other.
        server = nil
    }
}

/// Lets the loop turn until something is so.
@IO
func until(_ isSo: () -> Bool) async {
    while !isSo() { await Loop.shared.sleep(milliseconds: 0) }
}

/// Moves the clock, and lets everything that is due by then begin.
@IO
func pass(seconds: Double) async {
    Loop.shared.advance(milliseconds: Int64(seconds * 1000))
    for _ in 0..<3 { await Loop.shared.sleep(milliseconds: 0) }
}
