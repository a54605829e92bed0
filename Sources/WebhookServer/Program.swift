// The list of commands: the only place that knows all of them.

import CLinux
import EventLoop

/// Exit codes, the same for every command.
enum ExitCode: Int32 {
    case ok = 0
    case failed = 1
    case usage = 2
    case telegram = 3
    case database = 4
    case session = 5
    case partly = 6
    case later = 7
}

/// A command of the program.
@IO
protocol Subcommand {
    /// The word after `nezuko`.
    static var name: String { get }
    /// One line for `nezuko help`.
    static var summary: String { get }
    /// What `--help` prints; at most 80 columns.
    static var usage: String { get }
    /// Runs the command with the words after its name.
    static func run(_ arguments: [String]) async -> ExitCode
}

@IO
enum Program {
    static let version = "0.1.0"
    /// The commit that was built; `unknown` outside of the image.
    static let commit = String(cString: nezuko_revision())

    static let commands: [any Subcommand.Type] = [
        ServeCommand.self, SetupCommand.self, DoctorCommand.self, SimulateCommand.self, JobCommand.self,
        MigrateCommand.self, WebhookCommand.self, WhyCommand.self, PauseCommand.self, HealthCommand.self,
        ConfigCommand.self, VersionCommand.self, HelpCommand.self,
    ]

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let word = arguments.first else { return await HelpCommand.run([]) }
        let name = ["--help": "help", "-h": "help", "--version": "version"][word] ?? word
        guard let command = commands.first(where: { $0.name == name }) else {
            Terminal.error("nezuko: \"\(word)\" is not a command. Run: nezuko help")
            return .usage
        }
        let rest = Array(arguments.dropFirst())
        if rest.contains("--help") || rest.contains("-h") {
            Terminal.print(command.usage)
            return .ok
        }
        return await command.run(rest)
    }
}
