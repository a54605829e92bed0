// The HTTP addresses beside the webhook: jobs with their token, probes, the documents of the metrics port.

import EventLoop
import HTTPClient
import HTTPServer
import Handlers
import JSON
import Observability
import Simulator
import Storage
import Testing

@testable import WebhookServer

/// A job that goes on until it is let end, and fails if it is told to.
@IO
private final class HeldJob: Job {
    let name = "held"
    let started = Completion<Void, Never>()
    let end = Completion<Void, Never>()
    var isSuccess = true

    func perform(_ run: JobRun) async -> JobResult {
        started.finish(.success(()))
        await end.wait()
        return JobResult(isSuccess: isSuccess, figures: [("remaining", 0)])
    }
}

/// Both ports of a service over a test world.
@IO
private final class Ports {
    let world: TestWorld
    let health: Health
    let job = HeldJob()
    var telegramAnswers: Bool? = true
    private let client = HTTPClient()
    private var servers: [HTTPServer] = []
    private var main = ""
    private var metrics = ""

    init(_ world: TestWorld, token: String? = "secret") throws {
        self.world = world
        let store = world.store
        health = Health(environment: "development", database: world.database) { try? await store.pending() }
        let jobs = JobIntake(jobs: [job], store: store, token: token)
        let routes = Routes(
            webhookPath: "/webhook", secrets: ["hook"], intake: Door(world).intake, jobs: jobs, health: health,
            maximumBody: 1000)
        let metricsRoutes = MetricsRoutes()
        metricsRoutes.health = health
        main = try open(routes)
        metrics = try open(metricsRoutes)
        health.replicas = { 2 }
        health.telegram = { [weak self] in self?.telegramAnswers }
    }

    private func open(_ handler: any HTTPHandler) throws -> String {
        let server = HTTPServer(handler: handler, tls: nil)
        servers.append(server)
        return "http://127.0.0.1:\(try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: false)))"
    }

    func ask(
        _ path: String, _ method: String = "GET", onMetrics: Bool = false, authorization: String? = nil,
        headers: [(String, String)] = [], body: [UInt8] = [], milliseconds: Int64 = 20_000
    ) async throws -> HTTPClientResponse {
        let all = headers + (authorization.map { [("Authorization", $0)] } ?? [])
        return try await client.send(
            HTTPClientRequest(
                method: method, url: (onMetrics ? metrics : main) + path, headers: all, body: body,
                timeoutMilliseconds: milliseconds))
    }

    func end() async {
        health.shutdownBegan()
        for server in servers { await server.drain(graceMilliseconds: 200) }
        await world.services.workers.drain(graceMilliseconds: 1000)
        await world.end()
    }
}

@Suite("Routes", .serialized) struct RouteTests {
    @Test(.timeLimit(.minutes(1))) @IO
    func `jobs want the token, and do not exist without one`() async throws {
        let ports = try Ports(try await TestWorld())
        ports.job.end.finish(.success(()))
        for (method, path, authorization, status) in [
            ("POST", "/jobs/held", nil, 401), ("POST", "/jobs/held", "Bearer wrong!", 401),
            ("POST", "/jobs/held", "Bearer secre", 401), ("POST", "/jobs/held", "Bearer ", 401),
            ("POST", "/jobs/held", "Basic secret", 401), ("POST", "/jobs/held", "secret", 401),
            ("POST", "/jobs/held", "Bearer secretsecret", 401), ("GET", "/jobs/held", "Bearer secret", 405),
            ("POST", "/jobs/other", "Bearer secret", 404), ("POST", "/jobs/", "Bearer secret", 404),
            ("POST", "/jobs/held", "Bearer secret", 200), ("POST", "/jobs/held", "bearer secret", 200),
        ] as [(String, String, String?, Int)] {
            let response = try await ports.ask(path, method, authorization: authorization)
            #expect(response.status == status, "\(method) \(path) \(authorization ?? "")")
        }
        await ports.end()
        let closed = try Ports(try await TestWorld(), token: nil)
        #expect(try await closed.ask("/jobs/held", "POST", authorization: "Bearer ").status == 404)
        await closed.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `a run is the service's: callers may hang up, others are told that it goes on`(engine: Engine) async throws {
        let ports = try Ports(try await TestWorld(engine))
        let job = "/jobs/held"
        let token = "Bearer secret"
        _ = try? await ports.ask(job, "POST", authorization: token, milliseconds: 300)
        await ports.job.started.wait()
        let second = try await ports.ask(job, "POST", authorization: token)
        #expect(second.status == 202)
        #expect(String(decoding: second.body, as: UTF8.self) == #"{"status":"already_running"}"#)
        #expect(try await ports.world.ask("SELECT count(*) FROM job_leases WHERE last_finished_at IS NULL") == "1")
        ports.job.end.finish(.success(()))
        while try await ports.world.ask("SELECT count(*) FROM job_leases WHERE last_finished_at IS NOT NULL") != "1" {
            await Loop.shared.sleep(milliseconds: 5)
        }
        while try await ports.ask(job, "POST", authorization: token).status == 202 {
            await Loop.shared.sleep(milliseconds: 5)
        }
        let third = try await ports.ask(job, "POST", authorization: token)
        #expect(String(decoding: third.body, as: UTF8.self) == #"{"status":"success","data":{"remaining":0}}"#)
        ports.job.isSuccess = false
        let failed = try await ports.ask(job, "POST", authorization: token)
        #expect(failed.status == 500)
        let document = try JSONValue(parsing: failed.body)
        #expect(document["status"]?.string == "failure")
        #expect(document["trace_id"]?.string?.isEmpty == false)
        await ports.world.database.close()
        let away = try await ports.ask(job, "POST", authorization: token)
        #expect(away.status == 500)
        #expect(try JSONValue(parsing: away.body)["trace_id"]?.string?.isEmpty == false)
        await ports.end()
    }

    @Test(.timeLimit(.minutes(1)), arguments: Engine.allCases) @IO
    func `the documents of the metrics port`(engine: Engine) async throws {
        let ports = try Ports(try await TestWorld(engine))
        let before = Scrape()
        func document(_ path: String) async throws -> (Int, String) {
            let response = try await ports.ask(path, onMetrics: true)
            return (response.status, String(decoding: response.body, as: UTF8.self))
        }
        #expect(try await document("/ready") == (503, #"{"ready":false}"#))
        #expect(try await ports.ask("/readyz").status == 503)
        ports.health.schemaFound(fits: true)
        ports.health.listenerOpened()
        await ports.health.look()
        #expect(try await document("/ready") == (200, #"{"ready":true}"#))
        #expect(try await document("/live") == (200, #"{"alive":true}"#))
        #expect(
            try await document("/")
                == (200, #"{"name":"nezuko","endpoints":["/metrics","/health","/ready","/live"]}"#))
        #expect(try await document("/other").0 == 404)
        #expect(try await ports.ask("/live", "POST", onMetrics: true).status == 405)
        for path in ["/healthz", "/readyz"] {
            let response = try await ports.ask(path)
            #expect(response.status == 200)
            #expect(response.body.isEmpty)
        }
        let metrics = try await ports.ask("/metrics", onMetrics: true)
        #expect(metrics.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        #expect(String(decoding: metrics.body, as: UTF8.self).contains("\n# TYPE nezuko_uptime_seconds gauge\n"))
        let after = Scrape()
        for (route, status, count) in [
            ("ready", "5xx", 1.0), ("ready", "2xx", 1), ("live", "2xx", 1), ("live", "4xx", 1), ("index", "2xx", 1),
            ("other", "4xx", 1), ("metrics", "2xx", 1),
        ] {
            let series = "nezuko_http_requests_total{route=\"\(route)\",status=\"\(status)\"}"
            #expect(after.gain(series, since: before) == count, "\(series)")
        }

        _ = try await ports.world.say("/protect @the_news")
        let person = ports.world.simulator.addPerson("Third")
        try await ports.world.hold(person, for: [ports.world.news])
        for _ in 0..<5 { await ports.health.look() }
        let health = try await ports.ask("/health", onMetrics: true)
        #expect(health.status == 200)
        let report = try JSONValue(parsing: health.body)
        #expect(report["status"]?.string == "healthy")
        #expect((report["uptime_seconds"]?.int ?? -1) >= 0)
        #expect(report["timestamp"]?.string?.hasSuffix("Z") == true)
        #expect(report["version"]?.string == Program.version)
        #expect(report["environment"]?.string == "development")
        #expect(report["checks"]?["database"]?["healthy"]?.bool == true)
        #expect((report["checks"]?["database"]?["latency_ms"]?.int ?? -1) >= 0)
        #expect(report["checks"]?["telegram"]?["healthy"]?.bool == true)
        #expect(report["replicas"]?.int == 2)
        #expect(report["effects"]?["pending"]?.int ?? 0 >= 1)
        #expect((report["effects"]?["oldest_seconds"]?.int ?? -1) >= 0)
        await ports.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `degraded, not ready, unhealthy, and at once after the end began`() async throws {
        let ports = try Ports(try await TestWorld())
        let health = ports.health
        func state() async throws -> (Int, String?) {
            let response = try await ports.ask("/health", onMetrics: true)
            return (response.status, try JSONValue(parsing: response.body)["status"]?.string)
        }
        health.schemaFound(fits: true)
        health.listenerOpened()
        #expect(try await state() == (200, "healthy"))
        ports.telegramAnswers = false
        #expect(try await state() == (200, "degraded"))
        #expect(health.isReady)
        ports.telegramAnswers = true
        // A newer program's step, which this one must know.
        func setNewest(_ version: Int) async throws {
            _ = try await ports.world.database.run(
                [SQLStatement("UPDATE schema_migrations SET min_code_version = \(version)")], .command)
        }
        try await setNewest(99)
        for _ in 0..<15 { await health.look() }
        #expect(!health.isReady)
        #expect(try await state() == (503, "unhealthy"))
        try await setNewest(1)
        for _ in 0..<15 { await health.look() }
        #expect(health.isReady)
        await ports.world.database.close()
        await health.look()
        #expect(health.isReady)
        #expect(try await state() == (200, "degraded"))
        Loop.shared.advance(milliseconds: 5001)
        #expect(!health.isReady)
        #expect(try await state() == (200, "degraded"))
        Loop.shared.advance(milliseconds: 25_000)
        #expect(try await state() == (503, "unhealthy"))
        #expect(try await ports.ask("/live", onMetrics: true).status == 200)
        await ports.end()

        let other = try Ports(try await TestWorld())
        other.health.schemaFound(fits: true)
        other.health.listenerOpened()
        #expect(try await other.ask("/readyz").status == 200)
        other.health.shutdownBegan()
        #expect(try await other.ask("/readyz").status == 503)
        #expect(try await other.ask("/healthz").status == 200)
        await other.end()
    }

    @Test(.timeLimit(.minutes(1))) @IO
    func `deliveries that are refused from their head are counted`() async throws {
        let ports = try Ports(try await TestWorld())
        func refused(_ reason: String) -> String {
            let text = String(decoding: Metrics.shared.exposition(), as: UTF8.self)
            let name = "nezuko_updates_rejected_total{reason=\"\(reason)\"} "
            return text.split(separator: "\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
                ?? ""
        }
        let hook = [("X-Telegram-Bot-Api-Secret-Token", "hook")]
        for (reason, headers, size, status) in [("secret", [], 10, 401), ("too_large", hook, 1001, 413)]
            as [(String, [(String, String)], Int, Int)]
        {
            let before = Int(refused(reason)) ?? -1
            let body = [UInt8](repeating: 32, count: size)
            #expect(try await ports.ask("/webhook", "POST", headers: headers, body: body).status == status)
            #expect(Int(refused(reason)) == before + 1, "\(reason)")
        }
        await ports.end()
    }
}
