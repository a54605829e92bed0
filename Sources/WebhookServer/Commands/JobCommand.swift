// job: runs a job in this process, or triggers it at a running server, once or again and again.

import Configuration
import Domain
import EventLoop
import Glibc
import HTTPClient
import HTTPServer
import Handlers
import Observability
import Storage

enum JobCommand: Subcommand {
    static let name = "job"
    static let summary = "runs a job, here or at a running server"
    static let usage = """
        Usage: nezuko job NAME [--url URL] [--every 15m]

        Jobs:
        \(JobName.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

          --url URL    POST to URL/jobs/NAME with JOBS_TOKEN, instead of running here
          --every T    again and again: 30s, 15m, 2h, until Ctrl-C
        Exit 0: done, 7: another run is under way, 1: failed.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let wish = Wish(arguments) else {
            let names = JobName.allCases.map(\.rawValue).joined(separator: " or ")
            Terminal.error("nezuko job: say \(names), then --url URL or --every 30s, 15m, 2h if wanted.")
            return .usage
        }
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        let repetition = Repetition()
        if wish.everySeconds != nil { repetition.endOnSignal() }
        while true {
            let code = await once(wish, configuration)
            guard let seconds = wish.everySeconds, code != .usage else { return code }
            await repetition.pause(seconds: seconds)
            if repetition.isEnding { return .ok }
        }
    }

    /// The pauses between runs, which a signal cuts short.
    @IO
    private final class Repetition {
        private(set) var isEnding = false
        private var turn = Completion<Void, Never>()

        func endOnSignal() {
            Signals.onSignal { number in
                guard number != SIGHUP else { return }
                self.isEnding = true
                self.turn.finish(.success(()))
            }
        }

        func pause(seconds: Int64) async {
            guard !isEnding else { return }
            let turn = Completion<Void, Never>()
            self.turn = turn
            let timer = Loop.shared.schedule(afterMilliseconds: seconds * 1000) { turn.finish(.success(())) }
            await turn.wait()
            timer.cancel()
        }
    }

    private struct Wish {
        var job: JobName
        var url: String?
        var everySeconds: Int64?

        init?(_ arguments: [String]) {
            guard let job = arguments.first.flatMap(JobName.init(rawValue:)) else { return nil }
            self.job = job
            var rest = arguments.dropFirst()
            while let flag = rest.popFirst() {
                guard let value = rest.popFirst() else { return nil }
                switch flag {
                case "--url": url = value
                case "--every":
                    guard let seconds = DurationArgument.seconds(value, units: "smh", maximum: 10_000 * 3600) else {
                        return nil
                    }
                    everySeconds = seconds
                default: return nil
                }
            }
        }
    }

    private static func once(_ wish: Wish, _ configuration: Configuration) async -> ExitCode {
        if let url = wish.url { return await trigger(wish.job.rawValue, url, configuration) }
        let attempts = AttemptLog()
        guard let api = BotAPIs.forCommand(name, configuration, attempts: attempts),
            let token = configuration.botToken
        else { return .usage }
        let database: any Database
        do {
            database = try await Databases.open(configuration)
        } catch {
            Terminal.error("nezuko job: \(error.advice)")
            return .database
        }
        let botID = Int64(token.prefix { $0 != ":" }) ?? 0
        let store = DatabaseStore(database: database, botID: botID)
        let log = LogWriter(store: store)
        attempts.sink = log
        let parts = JobParts(
            store: store, telegram: BotCommandTelegram(api), caches: Caches(), botID: UserID(botID),
            retentionDays: configuration.retentionDays)
        let response = await JobIntake(jobs: parts.jobs, store: store, token: nil).run(wish.job.rawValue)
        await log.shutdown()
        await database.close()
        return report(response.status, response.body)
    }

    private static func trigger(_ job: String, _ url: String, _ configuration: Configuration) async -> ExitCode {
        guard let token = configuration.jobsToken else {
            Terminal.error("nezuko job: JOBS_TOKEN is not set. It is the token that the server has too.")
            return .usage
        }
        let request = HTTPClientRequest(
            method: "POST", url: "\(url)/jobs/\(job)", headers: [("Authorization", "Bearer \(token)")], body: [],
            timeoutMilliseconds: 600_000)
        do {
            let response = try await HTTPClient().send(request)
            return report(response.status, response.body)
        } catch {
            Terminal.error("nezuko job: the server did not answer. Check --url.")
            return .failed
        }
    }

    private static func report(_ status: Int, _ body: [UInt8]) -> ExitCode {
        Terminal.print(String(decoding: body, as: UTF8.self))
        switch status {
        case 200: return .ok
        case 202: return .later
        default: return .failed
        }
    }
}
