// health: the probe for containers, which have neither shell nor curl.

import Configuration
import HTTPClient

enum HealthCommand: Subcommand {
    static let name = "health"
    static let summary = "asks a running server whether it is well"
    static let usage = """
        Usage: nezuko health [--ready]

        Asks the metrics port of the server on this machine, within 2 s.
          --ready   whether it takes updates (else: whether it is alive)
        Exit 0: yes, 1: no.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard arguments.allSatisfy({ $0 == "--ready" }) else {
            Terminal.error("nezuko health: takes --ready only.")
            return .usage
        }
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        let path = arguments.isEmpty ? "live" : "ready"
        let request = HTTPClientRequest(
            method: "GET", url: "http://127.0.0.1:\(configuration.metricsPort)/\(path)", headers: [], body: [],
            timeoutMilliseconds: 2000)
        do {
            let response = try await HTTPClient().send(request)
            Terminal.print(String(decoding: response.body, as: UTF8.self))
            return response.status == 200 ? .ok : .failed
        } catch {
            Terminal.error("nezuko health: no answer on port \(configuration.metricsPort). Is the server running?")
            return .failed
        }
    }
}
