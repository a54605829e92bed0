// An environment and what is read from it.

@testable import Configuration

let token = "123456:TEST-secret_part"

func load(
    _ environment: [String: String], dotEnv: String? = nil, for purpose: ConfigurationPurpose = .serve,
    files: [String: String] = [:]
) throws(ConfigurationProblems) -> Configuration {
    // A certificate and its key, where a case is not about them being there.
    let files = files.merging(["/c": "", "/k": ""]) { given, _ in given }
    return try Configuration.load(environment: environment, dotEnv: dotEnv.map { Array($0.utf8) }, for: purpose) {
        files[$0].map { Array($0.utf8) }
    }
}

func lines(
    _ environment: [String: String], dotEnv: String? = nil, for purpose: ConfigurationPurpose = .serve,
    files: [String: String] = [:]
) -> [String] {
    do throws(ConfigurationProblems) {
        _ = try load(environment, dotEnv: dotEnv, for: purpose, files: files)
        return []
    } catch { return error.lines }
}
