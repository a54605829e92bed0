// Fuzz target: any environment. It is taken, or refused in words that hold no secret.

private let secrets = ["BOT_TOKEN", "WEBHOOK_SECRET", "JOBS_TOKEN"]
private let sentinel = "S3NTINEL"

/// libFuzzer calls this with each input: lines as in `.env`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzConfiguration(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    var environment: [String: String] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").prefix(50) {
        let halves = line.split(separator: "=", maxSplits: 1).map(String.init)
        guard halves.count == 2 else { continue }
        environment[halves[0]] = secrets.contains(halves[0]) ? halves[1] + sentinel : halves[1]
    }
    let url = environment["DATABASE_URL"]
    // Of what is refused nothing is quoted, wherever the password is; of a URL that is taken, not what is in its place.
    for (place, isTaken) in [("PASSWORD", false), (":PASSWORD@", true), ("?password=PASSWORD", true)] {
        environment["DATABASE_URL"] = url?.replacing(place, with: place.replacing("PASSWORD", with: sentinel))
        for dotEnv in [nil, bytes] {
            do throws(ConfigurationProblems) {
                let configuration = try Configuration.load(
                    environment: environment, dotEnv: dotEnv, for: .serve, files: { _ in nil })
                precondition(!isTaken || !configuration.printed().contains(sentinel), "a secret is printed")
            } catch {
                precondition(!error.description.contains(sentinel), "a secret is in a problem")
            }
        }
    }
    return 0
}
