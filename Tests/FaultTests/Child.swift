// Real processes of the program under test: started with an environment of their own, read, killed, awaited.

import EventLoop
import Foundation
import Glibc

/// Something did not happen in time, or a process could not be had.
struct Trouble: Error, CustomStringConvertible {
    let description: String
}

/// Waits until `isSo`, looking again after short pauses; fails after that many seconds of real time.
@IO
func until(
    _ what: @autoclosure () -> String, seconds: Double = 20, _ isSo: @IO () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if try await isSo() { return }
        guard ContinuousClock.now < deadline else { throw Trouble(description: "not within \(seconds) s: \(what())") }
        try await Task.sleep(for: .milliseconds(15))
    }
}

/// A process of `nezuko`, whose output goes to a file.
@IO
final class Child {
    let pid: pid_t
    let outputPath: String
    private var exit: (code: Int32, at: ContinuousClock.Instant)?

    private nonisolated static let named = ProcessInfo.processInfo.environment["NEZUKO_UNDER_TEST"]

    /// Whether the program under test is the one that is shipped.
    nonisolated static var isShipped: Bool { named != nil }

    /// The program that was built beside the tests, or the one named in `NEZUKO_UNDER_TEST`: as it is shipped.
    nonisolated static let program: String = {
        if let named { return named }
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "nezuko").path
    }()

    /// Pids of living children, one file each: a shell that waits for the end of the tests kills what is left.
    private nonisolated static let nursery: String = {
        let folder = "/tmp/nezuko-children-\(getpid())"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = """
            while kill -0 \(getpid()) 2>/dev/null; do sleep 0.3; done
            for child in \(folder)/*; do kill -9 "${child##*/}" 2>/dev/null; done
            rm -rf \(folder)
            """
        _ = try? spawn(
            ["/usr/bin/setsid", "/bin/sh", "-c", script], environment: [:], folder: "/tmp", output: "/dev/null")
        return folder
    }()

    /// Starts `nezuko` with these words in `folder`; the variables are all that it sees.
    init(_ words: [String], environment: [String: String] = [:], folder: String) throws {
        outputPath = "\(folder)/\(words[0])-\(UUID().uuidString.prefix(8)).log"
        pid = try Self.spawn([Self.program] + words, environment: environment, folder: folder, output: outputPath)
        let file = "\(Self.nursery)/\(pid)"
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        Thread.detachNewThread { [pid] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            try? FileManager.default.removeItem(atPath: file)
            let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            let now = ContinuousClock.now
            Task { @IO in self.exit = (code, now) }
        }
    }

    /// Everything that it wrote so far.
    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

    /// Its exit code, or 128 and the signal's number; `nil` while it lives.
    var exitCode: Int32? { exit?.code }

    func send(_ signal: Int32) {
        if exit == nil { kill(pid, signal) }
    }

    /// Kills it as a loss of power would, and waits until it is gone.
    func annihilate() async throws {
        send(SIGKILL)
        _ = try await end(within: 5)
    }

    /// Waits for its end; gives the code.
    func end(within seconds: Double) async throws -> Int32 {
        try await until("the end of process \(pid)", seconds: seconds) { exit != nil }
        return exit?.code ?? -1
    }

    /// Asks it to end; gives its code and how long that took.
    func terminate(within seconds: Double = 20) async throws -> (code: Int32, seconds: Double) {
        let began = ContinuousClock.now
        send(SIGTERM)
        let code = try await end(within: seconds)
        let took = (exit?.at ?? began) - began
        return (code, Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
    }

    /// What follows `mark` in its output, up to a space, quote or line end; waits until it is there.
    func word(after mark: String, seconds: Double = 20) async throws -> String {
        var found = ""
        try await until("\"\(mark)\" in \(output)", seconds: seconds) {
            guard exit == nil else { throw Trouble(description: "ended with \(exit?.code ?? -1): \(output)") }
            let text = output
            guard let range = text.range(of: mark), let end = text[range.upperBound...].firstIndex(where: Self.endsWord)
            else { return false }
            found = String(text[range.upperBound..<end])
            return true
        }
        return found
    }

    private static func endsWord(_ character: Character) -> Bool { " \"\n".contains(character) }

    private nonisolated static func spawn(
        _ command: [String], environment: [String: String], folder: String, output: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // A sanitizer's options count for the program too, whose environment is otherwise its own.
        let options = ProcessInfo.processInfo.environment.filter { ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains($0.key) }
        let variables = environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given }
            .merging(options) { given, _ in given }
        let words = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder] + command
        var arguments = words.map { strdup($0) } + [nil]
        var strings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + strings { free(text) } }
        var process = pid_t()
        let failure = posix_spawn(&process, words[0], &actions, nil, &arguments, &strings)
        guard failure == 0 else { throw Trouble(description: "\(command[0]) was not started: \(failure)") }
        return process
    }
}
