// What needs nobody else: the settings, the state directory, and what this version has no setting for.

import EventLoop
import Glibc

extension DoctorCheck {
    static let settings = DoctorCheck(1, "settings") { visit in
        let settings = visit.settings
        guard settings.problems.isEmpty else {
            let count = settings.problems.count
            return .failure(
                count == 1 ? "A setting is wrong." : "\(count) settings are wrong.",
                fix: settings.problems.joined(separator: " "))
        }
        let count = settings.givenCount
        return .ok("\(count) \(count == 1 ? "is" : "are") given, none is unknown, and all secret files can be read.")
    }

    static let stateDirectory = DoctorCheck(5, "state directory") { (visit) throws(DoctorFinding) in
        try visit.needSettings()
        let directory = visit.settings.stateDirectory
        guard access(directory, F_OK) == 0 else {
            return .warning(
                "\(directory) is not there yet; serve makes it.",
                fix: "Start nezuko serve, or correct STATE_DIR if there should be one.")
        }
        guard access(directory, W_OK | X_OK) == 0, isDirectory(directory) else {
            return .failure(
                "\(directory) cannot be written to by this user.",
                fix: "Give the user of the service the directory \(directory), or set STATE_DIR.")
        }
        let lowest = ([directory] + databaseDirectory(visit.settings)).compactMap { directory in
            visit.settings.freePercent(directory).map { (directory: directory, free: $0) }
        }.min { $0.free < $1.free }
        guard let lowest else { return .ok("\(directory) can be written to; it does not say how much is free.") }
        let free = "\(Int(lowest.free)) % of the disk of \(lowest.directory) is free"
        guard lowest.free > 10 else {
            return .failure("Only \(free).", fix: "Free space in \(lowest.directory), or move DATABASE_URL.")
        }
        return .ok("\(directory) can be written to, \(free).")
    }

    /// There is no setting for it yet, so nothing can be wrong with it.
    static let redis = DoctorCheck(7, "Redis") { _ in .notApplicable("This version uses no Redis.") }

    private static func databaseDirectory(_ settings: DoctorSettings) -> [String] {
        guard settings.databaseURL.hasPrefix("sqlite:") else { return [] }
        let path = settings.databaseURL.dropFirst("sqlite:".count)
        guard let slash = path.lastIndex(of: "/") else { return ["."] }
        return [slash == path.startIndex ? "/" : String(path[..<slash])]
    }

    private static func isDirectory(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }
}
