// Copies of the SQLite file before migrations, and the lock that keeps a second `serve` away.

import CLinux
import Glibc

/// Names and number of the copies.
enum SQLiteBackups {
    /// How many are kept.
    static let kept = 3

    static func path(of database: String, before version: Int) -> String {
        let digits = String(version)
        return database + ".before-" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }

    /// Removes an earlier copy of the same name, which `VACUUM INTO` would refuse to replace. Blocking.
    static func remove(_ path: String) { unlink(path) }

    /// Removes all but the newest copies. Blocking.
    static func removeOld(of database: String) {
        let slash = database.lastIndex(of: "/")
        let folder = slash.map { String(database[..<$0]) + "/" } ?? "./"
        let prefix = (slash.map { String(database[database.index(after: $0)...]) } ?? database) + ".before-"
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        for name in names.sorted().dropLast(kept) { unlink(folder + name) }
    }
}

/// The lock of the one `serve` on a SQLite file; it ends with the process or with this value.
public final class ServeLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// Takes the lock of the database at `path`, or nothing when another `serve` has it. Does not wait.
    public static func acquire(forDatabase path: String) -> ServeLock? {
        let descriptor = open(path + ".serve", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return ServeLock(descriptor: descriptor)
    }

    deinit { close(descriptor) }
}
