// Folders for the files of tests: all of a run lie in one, which goes with the process.

import Foundation

/// Makes folders that nobody has to remove.
public enum TestFolder {
    private static let root: String = {
        let path = FileManager.default.temporaryDirectory.appending(path: "nezuko-tests-\(getpid())").path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: TestFolder.root) }
        return path
    }()

    /// Path of a new, empty folder.
    public static func make() throws -> String {
        let path = "\(root)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
