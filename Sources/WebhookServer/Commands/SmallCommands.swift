// version, help and config: commands that only print.

import Configuration

enum VersionCommand: Subcommand {
    static let name = "version"
    static let summary = "prints the version"
    static let usage = "Usage: nezuko version"

    static func run(_ arguments: [String]) async -> ExitCode {
        Terminal.print("nezuko \(Program.version)")
        return .ok
    }
}

enum HelpCommand: Subcommand {
    static let name = "help"
    static let summary = "prints this list"
    static let usage = "Usage: nezuko help"

    static func run(_ arguments: [String]) async -> ExitCode {
        let lines = Program.commands.map { command in
            "  " + command.name + String(repeating: " ", count: max(1, 12 - command.name.count)) + command.summary
        }
        Terminal.print(
            """
            Nezuko guards Telegram groups: who writes must be subscribed to their channels.

            Usage: nezuko COMMAND [ARGUMENTS]

            \(lines.joined(separator: "\n"))

            `nezuko COMMAND --help` says more; the settings: nezuko config
            """)
        return .ok
    }
}

enum ConfigCommand: Subcommand {
    static let name = "config"
    static let summary = "shows or checks the settings"
    static let usage = """
        Usage: nezuko config [--check | --print | --markdown]

          --print     the effective settings, secrets masked (the default)
          --check     only whether they are sound: exit 0, or 2 with one line a problem
          --markdown  the table of all settings: docs/config.md is made of it
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard arguments.count <= 1 else { return complain() }
        switch arguments.first ?? "--print" {
        case "--markdown":
            // The table ends its own last line.
            Terminal.print(String(Configuration.markdown().dropLast()))
            return .ok
        case "--check":
            return Environment.configuration(for: .serve) == nil ? .usage : .ok
        case "--print":
            guard let configuration = Environment.configuration(for: .tool) else { return .usage }
            Terminal.print(configuration.printed())
            return .ok
        default: return complain()
        }
    }

    private static func complain() -> ExitCode {
        Terminal.error("nezuko config: takes one of --check, --print, --markdown.")
        return .usage
    }
}
