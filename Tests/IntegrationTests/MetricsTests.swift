// Metrics of the whole program: all documented, bounded, free of user data, and moved by what they count.

import Domain
import EventLoop
import Foundation
import HTTPServer
import Handlers
import Observability
import Storage
import TestSupport
import Testing

@testable import Simulator
@testable import WebhookServer

@Suite("Metrics of the program", .serialized) struct MetricsTests {
    /// One line per family that monitoring may rely on: name, type, labels.
    private static let contract = """
        nezuko_active_groups gauge
        nezuko_api_call_seconds histogram method
        nezuko_api_calls_total counter method result
        nezuko_api_delays_total counter bucket
        nezuko_build_info gauge version commit
        nezuko_cache_hits_total counter cache
        nezuko_cache_misses_total counter cache
        nezuko_command_usage_total counter command
        nezuko_db_connected gauge
        nezuko_db_connections_active gauge
        nezuko_db_connections_idle gauge
        nezuko_db_query_seconds histogram query_type
        nezuko_dependency_up gauge dependency
        nezuko_effects_total counter kind result
        nezuko_enforcement_paused gauge scope
        nezuko_errors_total counter error_type operation
        nezuko_holds_open gauge
        nezuko_http_connections gauge protocol
        nezuko_http_rejected_total counter reason
        nezuko_http_requests_total counter route status
        nezuko_job_last_success_timestamp_seconds gauge job_name
        nezuko_job_runs_total counter job_name result
        nezuko_log_queue_depth gauge table
        nezuko_log_rows_dropped_total counter table
        nezuko_message_types_total counter message_type
        nezuko_oldest_pending_effect_seconds gauge
        nezuko_pending_effects gauge lane
        nezuko_replicas gauge
        nezuko_tls_certificate_expiry_timestamp_seconds gauge
        nezuko_update_lag_seconds histogram
        nezuko_updates_rejected_total counter reason
        nezuko_uptime_seconds gauge
        nezuko_users gauge
        nezuko_verification_seconds histogram cached
        nezuko_verifications_total counter status source
        nezuko_webhook_last_error_timestamp_seconds gauge
        nezuko_webhook_pending_updates gauge
        nezuko_webhook_updates_total counter type result
        process_cpu_seconds_total counter
        process_open_fds gauge
        process_resident_memory_bytes gauge
        process_start_time_seconds gauge
        """

    private static func documentation(_ families: [MetricDescription]) -> String {
        let rows = families.map { family in
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind) | \(labels) | \(family.help) |"
        }
        return """
            # Metrics

            What `GET /metrics` on the metrics port shows, in Prometheus' text format. Every family is there from the
            first scrape, and every label has a closed set of values: no person, chat or text is ever one. Counters and
            histograms are of one process; gauges of the whole service are read from the database, so that all replicas
            report the same.

            This page is written by the tests: `UPDATE_DOCS=1 swift test --filter MetricsTests`.

            | Name | Type | Labels | Meaning |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }

    @Test @IO func `docs list every family, and every family that monitoring relies on is there`() throws {
        ServiceMetrics.registerAll()
        let families = Metrics.shared.descriptions()
        let lines = families.map { ([$0.name, $0.kind] + $0.labels).joined(separator: " ") }
        #expect(lines == Self.contract.split(separator: "\n").map(String.init))
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/metrics.md")
        let text = Self.documentation(families)
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "run with UPDATE_DOCS=1")
        for family in families where family.kind == "counter" { #expect(family.name.hasSuffix("_total")) }
        for family in families { #expect(!family.labels.contains("job") && !family.labels.contains("instance")) }
    }

    @Test @IO func `each family has its series at the first scrape`() {
        let scrape = Scrape()
        let names = Set(scrape.series.keys.map { String($0.prefix { $0 != "{" }) })
        for line in Self.contract.split(separator: "\n") {
            let words = line.split(separator: " ")
            // Which routes there are follows from the requests.
            guard words[0] != "nezuko_http_requests_total" else { continue }
            #expect(names.contains(words[1] == "histogram" ? "\(words[0])_count" : String(words[0])), "\(words[0])")
        }
        #expect(scrape.series.count < 1500)
        for series in [
            "nezuko_updates_rejected_total{reason=\"too_large\"}", "nezuko_cache_hits_total{cache=\"presence\"}",
            "nezuko_db_query_seconds_count{query_type=\"lease\"}", "nezuko_dependency_up{dependency=\"telegram\"}",
            "nezuko_errors_total{error_type=\"database\",operation=\"record\"}",
            "nezuko_job_runs_total{job_name=\"member-sync\",result=\"success\"}",
            "nezuko_job_runs_total{job_name=\"retention\",result=\"failure\"}",
            "nezuko_effects_total{kind=\"restrict\",result=\"taken_over\"}",
            "nezuko_verifications_total{status=\"restricted\",source=\"button\"}",
        ] { #expect(scrape.series[series] != nil, "\(series)") }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `a run of the service moves them, and no label tells of anybody`(engine: Engine) async throws {
        let before = Scrape()
        let world = try await TestWorld(engine)
        _ = try await world.say("/protect @the_news")
        let door = Door(world)
        let intake = door.intake
        let person = world.simulator.addPerson("Unmistakable", username: "unmistakable")
        let subscriber = world.simulator.addPerson("Subscriber")
        world.simulator.place(subscriber, in: world.news)
        for member in [person, subscriber] { world.simulator.place(member, in: world.group) }
        world.services.caches.admins.forget(ChatID(world.group))
        for writer in [person, subscriber, subscriber] {
            try world.simulator.personWrites(writer, in: world.group, "hello")
            for entry in world.simulator.delivery.queues.list(limit: 100, now: WallClock.now.seconds) {
                for _ in 0..<2 { #expect(await intake.handle(entry.body) == .ok) }
                world.simulator.delivery.queues.confirm(offset: entry.id + 1)
            }
        }
        let performed = ["restrict", "prompt", "delete"].map {
            "nezuko_effects_total{kind=\"\($0)\",result=\"done\"}"
        }
        await door.until {
            let now = Scrape()
            return performed.allSatisfy { now.gain($0, since: before) >= 1 }
        }
        #expect(await intake.handle(Array("{".utf8)).status == 400)
        let jobs = JobIntake(
            jobs: [
                MemberSync(
                    store: world.store, telegram: world.telegram, caches: world.services.caches,
                    botID: world.services.settings.botID)
            ], store: world.store, token: nil)
        #expect(await jobs.run("member-sync").status == 200)
        let gauges = ServiceGauges(store: world.store, api: world.services.api)
        gauges.start()
        let ticks = UptimeTicks(store: world.store, version: "1", schemaVersion: 3)
        ticks.start()
        while ticks.replicas == nil || Scrape()["nezuko_holds_open"] != 1 { await Loop.shared.sleep(milliseconds: 5) }

        let after = Scrape()
        for (series, least) in [
            ("nezuko_webhook_updates_total{type=\"message\",result=\"handled\"}", 1.0),
            ("nezuko_webhook_updates_total{type=\"message\",result=\"duplicate\"}", 1),
            ("nezuko_webhook_updates_total{type=\"other\",result=\"rejected\"}", 1),
            ("nezuko_updates_rejected_total{reason=\"undecodable\"}", 1),
            ("nezuko_message_types_total{message_type=\"text\"}", 2),
            ("nezuko_update_lag_seconds_count", 2),
            ("nezuko_verifications_total{status=\"restricted\",source=\"message\"}", 1),
            ("nezuko_verification_seconds_count{cached=\"false\"}", 2),
            ("nezuko_verification_seconds_count{cached=\"true\"}", 1),
            ("nezuko_verifications_total{status=\"verified\",source=\"message\"}", 2),
            ("nezuko_cache_misses_total{cache=\"verify\"}", 1),
            ("nezuko_cache_hits_total{cache=\"verify\"}", 1),
            ("nezuko_cache_misses_total{cache=\"admins\"}", 1),
            ("nezuko_cache_hits_total{cache=\"admins\"}", 1),
            ("nezuko_cache_misses_total{cache=\"group\"}", 1),
            ("nezuko_cache_hits_total{cache=\"group\"}", 1),
            ("nezuko_effects_total{kind=\"restrict\",result=\"done\"}", 1),
            ("nezuko_effects_total{kind=\"delete\",result=\"done\"}", 1),
            ("nezuko_effects_total{kind=\"prompt\",result=\"done\"}", 1),
            ("nezuko_api_calls_total{method=\"getChatMember\",result=\"ok\"}", 1),
            ("nezuko_api_call_seconds_count{method=\"restrictChatMember\"}", 1),
            ("nezuko_command_usage_total{command=\"protect\"}", 1),
            ("nezuko_db_query_seconds_count{query_type=\"record\"}", 2),
            ("nezuko_db_query_seconds_count{query_type=\"lease\"}", 0),
            ("nezuko_db_query_seconds_count{query_type=\"command\"}", 1),
            ("nezuko_db_query_seconds_count{query_type=\"read\"}", 1),
            ("nezuko_job_runs_total{job_name=\"member-sync\",result=\"success\"}", 1),
        ] { #expect(after.gain(series, since: before) >= least, "\(series)") }
        #expect(after["nezuko_holds_open"] == 1)
        #expect(after["nezuko_active_groups"] == 1)
        #expect(after["nezuko_replicas"] == 1)
        #expect(after["nezuko_dependency_up{dependency=\"telegram\"}"] == 1)
        #expect(after["nezuko_dependency_up{dependency=\"database\"}"] == 1)
        #expect(after["nezuko_db_connected"] == 1)
        #expect(after["nezuko_db_connections_idle"] + after["nezuko_db_connections_active"] >= 2)
        #expect(after["nezuko_build_info{version=\"\(Program.version)\",commit=\"unknown\"}"] == 1)
        let synced = after["nezuko_job_last_success_timestamp_seconds{job_name=\"member-sync\"}"]
        #expect(synced > Double(WallClock.now.seconds - 60))

        let told = after.series.keys.joined(separator: "\n").lowercased()
        for secret in [
            "\(person)", "\(world.group)", "\(world.news)", "unmistakable", "the_news", "talk", "hello", "anna",
        ] { #expect(!told.contains(secret), "\(secret)") }

        // What another replica did, or this one before it was started anew.
        _ = try await world.database.run(
            [
                SQLStatement(
                    "UPDATE job_leases SET last_finished_at = $1", [.time(Timestamp(seconds: Int64(synced) + 1000))])
            ], .command)
        Loop.shared.advance(milliseconds: 15_001)
        await door.until {
            Scrape()["nezuko_job_last_success_timestamp_seconds{job_name=\"member-sync\"}"] >= synced + 999
        }

        _ = try? await world.database.run([SQLStatement("SELECT nothing FROM nowhere")], .read)
        let refused = "nezuko_errors_total{error_type=\"database\",operation=\"read\"}"
        #expect(Scrape().gain(refused, since: after) == 1)
        world.simulator.failNext(.cut, of: "getChatMemberCount")
        await jobs.close(graceMilliseconds: 1000)
        _ = try? await world.telegram.memberCount(of: ChatID(world.group))
        #expect(Scrape()["nezuko_dependency_up{dependency=\"telegram\"}"] == 0)
        let failed = "nezuko_errors_total{error_type=\"telegram_api\",operation=\"getChatMemberCount\"}"
        #expect(Scrape().gain(failed, since: after) == 1)
        gauges.stop()
        await ticks.stop()
        await door.end()
    }

    @Test @IO func `the certificate's end is shown when it is loaded`() throws {
        let folder = try TestFolder.make()
        let (certificate, key) = ("\(folder)/cert.pem", "\(folder)/key.pem")
        try SelfSignedCertificate.ensure(certificateFile: certificate, keyFile: key, host: "127.0.0.1")
        let server = HTTPServer(
            handler: MetricsRoutes(), tls: TLSConfiguration(certificateFile: certificate, keyFile: key))
        _ = try server.listen(ListenAddress(host: "127.0.0.1", port: 0, isTLS: true))
        let end = Scrape()["nezuko_tls_certificate_expiry_timestamp_seconds"]
        #expect(end == Double(server.certificateExpiry?.seconds ?? 0))
        // The clock of other tests may have moved on by some days.
        #expect(end > Date().timeIntervalSince1970 + 800 * 86_400)
    }
}
