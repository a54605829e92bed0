// The outside of the configuration: environment, `.env`, files. What they mean is Configuration's.

import Configuration
import Glibc

enum Environment {
    /// The settings of this process, or `nil` after all problems were printed.
    static func configuration(for purpose: ConfigurationPurpose) -> Configuration? {
        do {
            return try Configuration.load(
                environment: variables(), dotEnv: read(".env"), for: purpose, files: read)
        } catch {
            Terminal.error(error.description)
            return nil
        }
    }

    /// The settings of `serve` as far as they go, with what is wrong with them. Prints nothing.
    static func inspection() -> ConfigurationInspection {
        Configuration.inspect(environment: variables(), dotEnv: read(".env"), for: .serve, files: read)
    }

    /// `LOG_LEVEL` as it would be read at a start now; `nil` when there is no `.env`.
    static func logLevel() throws(ConfigurationProblems) -> LogVerbosity? {
        guard let dotEnv = read(".env") else { return nil }
        return try Configuration.logLevel(environment: variables(), dotEnv: dotEnv)
    }

    /// Raises the limit of open files to what the system allows and connections may need.
    static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// A file's bytes, at most 1 MiB; `nil` if it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= 1 << 20 {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        return nil
    }

    /// Makes the state directory (mode 700) if it is not there.
    static func makeDirectory(_ path: String) -> Bool {
        mkdir(path, 0o700) == 0 || errno == EEXIST
    }

    /// Whether files may be made in the directory of `path`.
    static func canMakeFiles(beside path: String) -> Bool {
        guard let slash = path.lastIndex(of: "/") else { return access(".", W_OK) == 0 }
        return access(slash == path.startIndex ? "/" : String(path[..<slash]), W_OK) == 0
    }

    private static func variables() -> [String: String] {
        var result: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let line = entry.pointee {
            let text = String(cString: line)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry = entry.advanced(by: 1)
        }
        return result
    }
}
