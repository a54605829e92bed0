// The database: whether it answers, whether sessions are ours, whether the schema is this version's.

import EventLoop
import Storage

extension DoctorCheck {
    static let database = DoctorCheck(2, "database") { (visit) throws(DoctorFinding) in
        try visit.needSettings()
        switch await visit.contact() {
        case .success(let contact): return .ok("\(contact.description) answers.")
        case .failure(.noFile(let path)):
            guard case .simulated = visit.settings.delivery else {
                return .warning(
                    "There is no file \(path) yet; serve makes one.",
                    fix: "Start nezuko serve, or correct DATABASE_URL if there should be one.")
            }
            return .notApplicable("The simulator keeps its rows in a file of its own.")
        case .failure(.unreachable(let cause)):
            let isFile = visit.settings.databaseURL.hasPrefix("sqlite:")
            return .failure(
                "The database does not answer: \(cause).",
                fix: isFile
                    ? "Check DATABASE_URL and who may read and write that file and its directory: \(cause)."
                    : "Check host, password and sslmode of DATABASE_URL: \(cause).")
        }
    }

    static let sessions = DoctorCheck(3, "no transaction pooler") { (visit) throws(DoctorFinding) in
        try visit.needSettings()
        guard !visit.settings.databaseURL.hasPrefix("sqlite:") else { return .notApplicable("SQLite has no pooler.") }
        guard case .success = await visit.contact() else {
            throw .unknown("The database does not answer: see 2.")
        }
        switch await DatabaseProbe.sessions(url: visit.settings.databaseURL) {
        case .kept: return .ok("A session is the same from call to call.")
        case .shared:
            return .failure(
                "A transaction pooler stands in between: what a call prepares is lost at the next.",
                fix: "Use the direct or session-mode port (5432, not 6543).")
        case .unknown(let cause): return .unknown("It could not be seen: \(cause).")
        }
    }

    static let schema = DoctorCheck(4, "schema") { (visit) throws(DoctorFinding) in
        try visit.needSettings()
        let database = try await visit.database()
        do throws(MigrationError) {
            return finding(try await Migrator.schemaFits(database), visit.settings.migratesAutomatically)
        } catch {
            return .unknown("The schema's version was not read: see 2 and 3.")
        }
    }

    private static func finding(_ fit: SchemaFit, _ migratesAutomatically: Bool) -> DoctorFinding {
        switch fit {
        case .fits(let version): return .ok("Version \(version), as this build wants it.")
        case .behind(let version, let head):
            let why = "The database has version \(version), this build wants \(head)."
            let fix = "Run: nezuko migrate up"
            return migratesAutomatically
                ? .warning("\(why) The next start of serve migrates it.", fix: fix) : .failure(why, fix: fix)
        case .ahead(let version, let minimum):
            return .failure(
                "A later build made version \(version), and only builds of version \(minimum) or later fit.",
                fix: "Start the later build, or with it: nezuko migrate down")
        case .changed(let version):
            return .failure(
                "Migration \(version) was applied with another text than this build has.",
                fix: "Start the build that made this database, or restore a backup of it.")
        }
    }
}
