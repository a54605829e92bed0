// The main port: webhook, jobs, and the two probes that balancers ask for.

import EventLoop
import HTTPServer
import Handlers
import Observability

/// Answers on the main listeners. Everything about a request that the head tells is decided from it.
@IO
final class Routes: HTTPHandler {
    private enum Route {
        case webhook, job(String), live, ready

        var name: String {
            switch self {
            case .webhook: "webhook"
            case .job: "jobs"
            case .live: "healthz"
            case .ready: "readyz"
            }
        }
    }

    private static let jobsPrefix = "/jobs/"

    private let webhookPath: String
    private let secrets: [[UInt8]]
    private let intake: UpdateIntake
    private let jobs: JobIntake
    private let health: Health
    private let maximumBody: Int

    init(
        webhookPath: String, secrets: [String], intake: UpdateIntake, jobs: JobIntake, health: Health,
        maximumBody: Int
    ) {
        self.webhookPath = webhookPath
        self.secrets = secrets.map { Array($0.utf8) }
        self.intake = intake
        self.jobs = jobs
        self.health = health
        self.maximumBody = maximumBody
    }

    func decide(_ head: HTTPRequestHead) -> HTTPHeadVerdict {
        guard let route = route(head.path) else { return refuse(.text(404, "not found"), "other") }
        switch route {
        case .webhook:
            guard head.method == .post else { return refuse(.notAllowed("POST"), route.name) }
            guard head.headers.carries("x-telegram-bot-api-secret-token", oneOf: secrets) else {
                intake.countWrongSecret()
                return refuse(.empty(401), route.name)
            }
            if let length = head.contentLength, length > maximumBody { intake.countTooLarge() }
            return .accept(bodyLimit: maximumBody)
        case .job:
            guard head.method == .post else { return refuse(.notAllowed("POST"), route.name) }
            guard jobs.accepts(authorization: head.headers["authorization"]) else {
                return refuse(.empty(401), route.name)
            }
            return .accept(bodyLimit: 256 << 10)
        case .live, .ready:
            guard head.method == .get || head.method == .head else {
                return refuse(.notAllowed("GET, HEAD"), route.name)
            }
            return .accept(bodyLimit: 0)
        }
    }

    func respond(to request: HTTPRequest, _ responder: HTTPResponder) {
        guard let route = route(request.head.path) else { return responder.send(.text(404, "not found")) }
        switch route {
        case .webhook:
            intake.handle(request.body) { answer in
                var response = HTTPResponse.empty(answer.status)
                if let seconds = answer.retryAfterSeconds {
                    response.headers.append((name: "Retry-After", value: String(seconds)))
                }
                self.send(response, route, responder)
            }
        case .job(let name):
            // A task of the service: a caller who hangs up changes nothing.
            Task { @IO in send(await jobs.run(name), route, responder) }
        case .live: send(.empty(200), route, responder)
        case .ready: send(.empty(health.isReady ? 200 : 503), route, responder)
        }
    }

    private func route(_ path: String) -> Route? {
        if path == webhookPath { return .webhook }
        switch path {
        case "/healthz": return .live
        case "/readyz": return .ready
        default: break
        }
        guard jobs.isOpen, path.hasPrefix(Self.jobsPrefix) else { return nil }
        let name = String(path.dropFirst(Self.jobsPrefix.count))
        return jobs.knows(name) ? .job(name) : nil
    }

    private func refuse(_ response: HTTPResponse, _ name: String) -> HTTPHeadVerdict {
        ServiceMetrics.answered(name, response.status)
        return .refuse(response)
    }

    private func send(_ response: HTTPResponse, _ route: Route, _ responder: HTTPResponder) {
        ServiceMetrics.answered(route.name, response.status)
        responder.send(response)
    }
}

extension HTTPResponse {
    /// 405 with the methods that are.
    static func notAllowed(_ methods: String) -> HTTPResponse {
        var response = HTTPResponse.text(405, "method not allowed")
        response.headers.append((name: "Allow", value: methods))
        return response
    }
}
