// migrate: brings the schema forward or back.

import Configuration
import Storage

enum MigrateCommand: Subcommand {
    static let name = "migrate"
    static let summary = "brings the database's schema forward or back"
    static let usage = """
        Usage: nezuko migrate up | down [N] | status | check

          up       applies what is missing, under a lock; replicas may do it together
          down N   takes the last N steps back (1)
          status   which steps are applied
          check    exit 0 if the schema is this version's, 1 if not
        On SQLite `up` first copies the file (….before-NNN, the last 3 are kept).
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        guard let action = Action(arguments) else {
            Terminal.error("nezuko migrate: say up, down [N], status or check.")
            return .usage
        }
        guard Environment.makeDirectory(configuration.stateDirectory) else {
            Terminal.error("nezuko migrate: STATE_DIR cannot be made. Check who may write there.")
            return .failed
        }
        let database: any Database
        do {
            database = try await Databases.open(configuration)
        } catch {
            Terminal.error("nezuko migrate: \(error.advice)")
            return .database
        }
        do throws(MigrationError) {
            let code = try await perform(action, database)
            await database.close()
            return code
        } catch {
            await database.close()
            Terminal.error("nezuko migrate: \(error.advice)")
            return .database
        }
    }

    private enum Action {
        case up, down(Int), status, check

        init?(_ arguments: [String]) {
            switch (arguments.first, arguments.count) {
            case ("up", 1): self = .up
            case ("down", 1): self = .down(1)
            case ("down", 2):
                guard let count = Int(arguments[1]), count > 0 else { return nil }
                self = .down(count)
            case ("status", 1): self = .status
            case ("check", 1): self = .check
            default: return nil
            }
        }
    }

    private static func perform(_ action: Action, _ database: any Database) async throws(MigrationError) -> ExitCode {
        switch action {
        case .up:
            let applied = try await Migrator.up(database)
            Terminal.print(applied.isEmpty ? "The schema is up to date." : "Applied: \(list(applied))")
            return .ok
        case .down(let count):
            let undone = try await Migrator.down(database, count: count)
            Terminal.print(undone.isEmpty ? "Nothing to take back." : "Taken back: \(list(undone))")
            return .ok
        case .status:
            for step in try await Migrator.status(database) {
                let state = step.isChanged ? "changed" : step.isApplied ? "applied" : "missing"
                Terminal.print("\(step.version)  \(state)  \(step.name)")
            }
            return .ok
        case .check:
            let fits = try await Migrator.check(database)
            Terminal.print(fits ? "The schema fits." : "The schema does not fit. Run: nezuko migrate up")
            return fits ? .ok : .failed
        }
    }

    private static func list(_ versions: [Int]) -> String { versions.map(String.init).joined(separator: ", ") }
}

extension StoreError {
    /// What a person should do.
    var advice: String {
        switch self {
        case .unavailable: "the database does not answer. Check host, password and sslmode of DATABASE_URL."
        case .timedOut: "the database did not answer in time. Check its load and the network."
        case .refused(let code): "the database refused a statement (\(code)). Run: nezuko migrate check"
        }
    }
}

extension MigrationError {
    /// What a person should do.
    var advice: String {
        switch self {
        case .store(let error): error.advice
        case .changed(let version):
            "step \(version) was applied with another text. Use the release that applied it."
        case .unknown(let version): "step \(version) is newer than this release. Use the release that applied it."
        case .backup: "the copy of the database file failed; nothing was changed. Free some space beside it."
        }
    }
}
