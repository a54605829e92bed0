// Jobs: whether they ran lately, and whether anything can start them.

import EventLoop
import Storage

extension DoctorCheck {
    static let jobs = DoctorCheck(20, "jobs") { (visit) throws(DoctorFinding) in
        let jobs = visit.settings.jobs
        if case .simulated = visit.settings.delivery { throw .notApplicable("Without BOT_TOKEN the simulator runs.") }
        let store = try await visit.store()
        do throws(StoreError) {
            let histories = try await store.jobHistories()
            let age = try await store.ageSeconds()
            let findings = jobs.compactMap { job in
                finding(job, histories.first { $0.name == job.name }, databaseSeconds: age)
            }
            return .all(findings, ifNone: .ok("\(jobs.map(\.name).joined(separator: ", ")): on time."))
        } catch {
            return .unknown("The jobs were not read from the database: see 2 and 4.")
        }
    }

    /// `nil` when all is well. A new database has not missed anything yet.
    private static func finding(
        _ job: DoctorJob, _ history: JobHistory?, databaseSeconds: Int64
    ) -> DoctorFinding? {
        let minutes = max(1, job.intervalSeconds / 60)
        let often = minutes == 1440 ? "once a day" : "every \(minutes) min"
        let fix = "Call /jobs/\(job.name) \(often) with JOBS_TOKEN, or set MEMBER_SYNC_INTERVAL."
        let patience = job.intervalSeconds * 3
        if let history, history.isSuccess, let age = history.endedSecondsAgo, age <= patience { return nil }
        guard job.canBeStarted else {
            let why = "Nothing starts \(job.name): neither JOBS_TOKEN nor MEMBER_SYNC_INTERVAL is set."
            return databaseSeconds > patience ? .failure(why, fix: fix) : .warning(why, fix: fix)
        }
        if let history, let age = history.endedSecondsAgo {
            guard history.isSuccess else {
                return .failure("The last run of \(job.name), \(age / 60) min ago, failed: its log says why.", fix: fix)
            }
            return .failure("\(job.name) last succeeded \(age / 60) min ago.", fix: fix)
        }
        return databaseSeconds > patience ? .failure("\(job.name) never ended a run.", fix: fix) : nil
    }
}
