// The HTTP face: `/bot<token>/<method>` and `/file/bot<token>/<path>` as Telegram has them, and `/control/…` for tests
// in other processes.

import EventLoop
import HTTPServer
import JSON

/// Routes requests to the simulator.
@IO
final class SimulatorHandler: HTTPHandler {
    /// What a bot may upload, and a little for the form around it.
    static let bodyLimit = 51 << 20

    /// Gone when it was let go while connections to it were still open.
    private weak var simulator: Simulator?
    private let distanceMilliseconds: Int64
    private let hasControls: Bool
    private let prefix: String
    private let filePrefix: String

    init(simulator: Simulator, hasControls: Bool) {
        self.simulator = simulator
        self.hasControls = hasControls
        distanceMilliseconds = simulator.options.latencyMilliseconds
        prefix = "/bot\(simulator.options.token)/"
        filePrefix = "/file" + prefix
    }

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict {
        if head.path.hasPrefix(prefix) { return .accept(bodyLimit: Self.bodyLimit) }
        if head.path.hasPrefix(filePrefix) { return .accept(bodyLimit: 0) }
        if hasControls, head.path.hasPrefix("/control/") { return .accept(bodyLimit: Self.bodyLimit) }
        // A token of the right shape that nobody has is 401, anything else is 404.
        let isToken = head.path.hasPrefix("/bot") && Self.isTokenShaped(head.path.dropFirst(4))
        let error = isToken ? MethodError.unauthorized : .notFound
        return .refuse(dated(.json(error.code, Reply(outcome: .failure(error)).body)))
    }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        guard let simulator else { return responder.cut() }
        if request.head.path.hasPrefix("/control/") {
            let name = String(request.head.path.dropFirst(9))
            return simulator.control(name, body: request.body) { responder.send($0) }
        }
        if request.head.path.hasPrefix(filePrefix) {
            let path = String(Substring(request.head.path.utf8.dropFirst(filePrefix.utf8.count)))
            return later { responder.send(Self.fileAnswer(simulator.world.files.file(at: path))) }
        }
        let method = String(Substring(request.head.path.utf8.dropFirst(prefix.utf8.count)))
        if let body = simulator.fastAnswer(method, request.body) {
            later { responder.send(.json(200, body)) }
            return
        }
        do throws(MethodError) {
            let parameters = try Parameters(
                query: request.head.query, contentType: request.head.headers["content-type"], body: request.body)
            simulator.call(method, parameters) { answer in self.later { self.send(answer, responder) } }
        } catch {
            later { self.send(.reply(Reply(outcome: .failure(error))), responder) }
        }
    }

    private static func fileAnswer(_ file: StoredFile?) -> HTTPResponse {
        guard let file else { return .json(404, Reply(outcome: .failure(.notFound)).body) }
        return HTTPResponse(status: 200, headers: [("Content-Type", "application/octet-stream")], body: file.bytes)
    }

    /// Answers travel as long as the simulator is said to be away.
    private func later(_ send: @escaping @IO () -> Void) {
        guard distanceMilliseconds > 0 else { return send() }
        Loop.shared.schedule(afterMilliseconds: distanceMilliseconds, send)
    }

    private func send(_ answer: Simulator.Answer, _ responder: HTTPResponder) {
        switch answer {
        case .reply(let reply):
            var response = HTTPResponse.json(reply.status, reply.body)
            if case .failure(let error) = reply.outcome, let seconds = error.retryAfter {
                response.headers.append(("Retry-After", String(seconds)))
            }
            responder.send(dated(response))
        case .malformed:
            responder.send(dated(.text(502, "<html><body><h1>502 Bad Gateway</h1></body></html>")))
        case .cut:
            responder.cut()
        }
    }

    private func dated(_ response: HTTPResponse) -> HTTPResponse {
        guard let date = simulator?.mistakes.date(at: WallClock.now) else { return response }
        var response = response
        response.headers.append(("Date", date))
        return response
    }

    private static func isTokenShaped(_ path: Substring) -> Bool {
        let token = path.prefix { $0 != "/" }
        let halves = token.split(separator: ":", maxSplits: 1)
        return halves.count == 2 && halves[0].allSatisfy(\.isNumber) && halves[1].utf8.count >= 30
    }
}
