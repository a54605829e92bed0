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
