// Starts jobs, by schedule or by POST /jobs/{name}: one run at a time over all replicas.

import EventLoop
import HTTPServer
import Observability
import Storage

/// Runs jobs under leases. The runs are the service's: a caller that hangs up changes nothing.
@IO
public final class JobIntake {
    private enum Run: Sendable {
        case ended(JobResult)
        case alreadyRunning
        case storeAway(reference: String)
    }

    private static let leaseRenewalMilliseconds: Int64 = 30_000
    /// Looks are an hour apart: with a whole day the next run would be an hour later each time.
    public static let almostADaySeconds: Int64 = 84_600
    private static let results = ["success", "failure", "already_running"]
    // Of the process, since two intakes may not register one name; their series follow from the jobs.
    private static let runs = CounterFamily(
        "nezuko_job_runs_total", help: "Runs of jobs.", labels: ["job_name", "result"], values: [])
    private static let lastSuccess = GaugeFamily(
        "nezuko_job_last_success_timestamp_seconds", help: "When a job last succeeded.", labels: ["job_name"],
        values: [])

    private let jobs: [String: any Job]
    private let store: any ServiceStore
    private let token: [UInt8]?
    private var running: [String: JobRun] = [:]
    private var timers: [String: LoopTimer] = [:]
    private var isClosed = false

    /// Jobs by name. `token` is `JOBS_TOKEN`; without one no call from outside is accepted.
    public init(jobs: [any Job], store: any ServiceStore, token: String?) {
        self.jobs = Dictionary(uniqueKeysWithValues: jobs.map { ($0.name, $0) })
        self.store = store
        self.token = token.flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        Self.registerMetrics(jobs: jobs.map(\.name))
    }

    /// Makes the series of those jobs exist before the first scrape.
    static func registerMetrics(jobs: [String]) {
        for name in jobs {
            for result in results { _ = runs.child(name, result) }
            _ = lastSuccess.child(name)
        }
    }

    /// A job ended well: here, on another replica, or before this process began.
    static func succeeded(_ name: String, atSeconds seconds: Int64) {
        let cell = lastSuccess.child(name)
        cell.set(max(cell.value, Double(seconds)))
    }

    /// Whether calls from outside are accepted at all: without a token their paths do not exist.
    public var isOpen: Bool { token != nil }

    /// Whether an `Authorization` header carries the token. Takes the same time wherever it differs.
    public func accepts(authorization: String?) -> Bool {
        guard let token, let authorization, authorization.lowercased().hasPrefix("bearer ") else { return false }
        let given = Array(authorization.utf8.dropFirst(7))
        var difference = token.count ^ given.count
        for index in token.indices {
            difference |= Int(token[index] ^ (given.isEmpty ? 0 : given[index % given.count]))
        }
        return difference == 0
    }

    /// Whether there is a job of that name.
    public func knows(_ name: String) -> Bool { jobs[name] != nil }

    /// Runs a job and says what it came to. The caller may be gone by then.
    public func run(_ name: String) async -> HTTPResponse {
        guard let job = jobs[name] else { return .empty(404) }
        switch await perform(job) {
        case .ended(let result) where result.isSuccess: return .json(200, result.json)
        case .ended(let result):
            let reference = Self.reference()
            Log.error("job_ended_without_success", .name(job.name), .traceID(reference))
            return .json(500, result.json(traceID: reference))
        case .alreadyRunning: return .json(202, Array(#"{"status":"already_running"}"#.utf8))
        case .storeAway(let reference):
            return .json(500, Array(#"{"status":"failure","trace_id":"\#(reference)"}"#.utf8))
        }
    }

    /// Runs a job every so many seconds, and once a minute from now if it last ran longer ago than that.
    public func schedule(_ name: String, everySeconds: Int64) {
        guard let job = jobs[name], everySeconds > 0 else { return }
        timers[name]?.cancel()
        timers[name] = Loop.shared.schedule(afterMilliseconds: 60_000) { [weak self] in
            Task { await self?.catchUp(job, everySeconds: everySeconds) }
        }
    }

    /// Looks every hour, the first time a minute from now, whether a job is due that is done once a day: a process may
    /// live for less, and another replica, or a schedule outside, may have run it.
    public func scheduleDaily(_ name: String) { lookDaily(name, afterMilliseconds: 60_000) }

    /// Once after the start: for services whose schedule is outside.
    public func runSoonIfOlder(_ name: String, thanSeconds seconds: Int64 = 900) {
        guard let job = jobs[name] else { return }
        // Beside a schedule, not instead of it.
        let key = name + " after start"
        timers[key]?.cancel()
        timers[key] = Loop.shared.schedule(afterMilliseconds: 60_000) { [weak self] in
            Task { await self?.runIfOlder(job, seconds: seconds) }
        }
    }

    /// No further run starts; those under way end at their next step.
    public func close() {
        isClosed = true
        for timer in timers.values { timer.cancel() }
        for run in running.values { run.stop() }
    }

    /// The same, and waits at most that long for those under way, so that their leases are free for the next replica.
    public func close(graceMilliseconds: Int64) async {
        close()
        let end = Loop.shared.current().adding(milliseconds: graceMilliseconds)
        while !running.isEmpty, Loop.shared.current() < end { await Loop.shared.sleep(milliseconds: 10) }
    }

    // MARK: - Parts

    private func lookDaily(_ name: String, afterMilliseconds: Int64) {
        guard let job = jobs[name], !isClosed else { return }
        timers[name]?.cancel()
        timers[name] = Loop.shared.schedule(afterMilliseconds: afterMilliseconds) { [weak self] in
            self?.lookDaily(name, afterMilliseconds: 3_600_000)
            Task { await self?.runIfOlder(job, seconds: Self.almostADaySeconds) }
        }
    }

    private func catchUp(_ job: any Job, everySeconds: Int64) async {
        await runIfOlder(job, seconds: min(everySeconds, 900))
        repeatLater(job, everySeconds: everySeconds)
    }

    private func repeatLater(_ job: any Job, everySeconds: Int64) {
        guard !isClosed else { return }
        timers[job.name] = Loop.shared.schedule(afterMilliseconds: everySeconds * 1000) { [weak self] in
            self?.repeatLater(job, everySeconds: everySeconds)
            Task { _ = await self?.perform(job) }
        }
    }

    private func runIfOlder(_ job: any Job, seconds: Int64) async {
        // A run under way is not old; to ask for another would only be counted as refused.
        guard running[job.name] == nil else { return }
        do throws(StoreError) {
            if let age = try await store.jobAgeSeconds(leaseName(job)), age <= seconds { return }
            guard running[job.name] == nil else { return }
        } catch {
            Log.warning("job_age_unknown", .name(job.name), .error("\(error)"))
            return
        }
        _ = await perform(job)
    }

    private func perform(_ job: any Job) async -> Run {
        guard !isClosed, running[job.name] == nil else { return counted(job, .alreadyRunning) }
        let run = JobRun()
        running[job.name] = run
        defer { running[job.name] = nil }
        do throws(StoreError) {
            guard try await store.takeJobLease(leaseName(job)) == .taken else {
                return counted(job, .alreadyRunning)
            }
        } catch {
            return counted(job, .storeAway(reference: report(job, error)))
        }
        let renewal = Task { await self.renew(job, run) }
        let result = await job.perform(run)
        renewal.cancel()
        run.stop()
        do throws(StoreError) {
            try await store.finishJob(leaseName(job), result: String(decoding: result.json, as: UTF8.self))
        } catch {
            return counted(job, .storeAway(reference: report(job, error)))
        }
        return counted(job, .ended(result))
    }

    /// Keeps the lease until the run ends; a lost lease ends it.
    private func renew(_ job: any Job, _ run: JobRun) async {
        while run.mayContinue, !Task.isCancelled {
            await Loop.shared.sleep(milliseconds: Self.leaseRenewalMilliseconds)
            guard run.mayContinue, !Task.isCancelled else { return }
            do throws(StoreError) {
                if try await !store.renewJobLease(leaseName(job)) { return run.stop() }
            } catch {
                // The lease outlives three missed renewals.
                Log.warning("job_lease_not_renewed", .name(job.name), .error("\(error)"))
            }
        }
    }

    private func counted(_ job: any Job, _ run: Run) -> Run {
        switch run {
        case .ended(let result):
            if !result.isSuccess { ErrorMetrics.count(.other, operation: "job") }
            Self.runs.add(job.name, result.isSuccess ? "success" : "failure")
            if result.isSuccess { Self.succeeded(job.name, atSeconds: WallClock.now.seconds) }
        case .alreadyRunning: Self.runs.add(job.name, "already_running")
        case .storeAway: Self.runs.add(job.name, "failure")
        }
        return run
    }

    private func report(_ job: any Job, _ error: StoreError) -> String {
        let reference = Self.reference()
        Log.error("job_failed", .name(job.name), .traceID(reference), .error("\(error)"))
        return reference
    }

    private static func reference() -> String { String(UInt32.random(in: .min ... .max), radix: 36) }

    private func leaseName(_ job: any Job) -> String { "job:\(job.name)" }
}
