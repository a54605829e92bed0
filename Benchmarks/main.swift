// nezuko-bench: the parts of scripts/bench that need code: load over TLS, a small Bot API, log rows, the table.

import EventLoop
import Glibc

let usage = """
    Usage: nezuko-bench COMMAND …   (scripts/bench runs these and starts the servers)

      port                      a free port of 127.0.0.1
      await PORT                prints when /readyz said 200 for the first time, in nanoseconds
      bot-api PORT LATENCY_MS [awake]
                                answers Bot API calls, each after that many milliseconds; awake: never sleeps
      prepare DATABASE_URL      protects the groups that the load writes in
      load KEY=VALUE …          updates over TLS, one line of JSON
      handshakes KEY=VALUE …    new connections, one line of JSON
      body                      one update
      cpu pid=N                 nanoseconds that a process has used
      hold KEY=VALUE …          one person at a time, Bot API 30 ms away, one line of JSON
      rows DATABASE_URL COUNT   the log writer alone, one line of JSON
      table FILE                the lines of FILE as a table
    """

let words = Array(CommandLine.arguments.dropFirst())
Task { @IO in
    do {
        switch words.first {
        case "port": print(try FreePort.find())
        case "bot-api": try await AnsweringBotAPI.run(words.dropFirst())
        case "await": try await FirstAnswer.run(words.dropFirst())
        case "prepare": try await Preparation.run(words.dropFirst())
        case "load": try await Load.run(Options(words.dropFirst()))
        case "handshakes": try await Handshakes.run(Options(words.dropFirst()))
        case "body": print(Updates.one())
        case "cpu": print(try ProcessUsage.of(Options(words.dropFirst()).int("pid")).nanoseconds)
        case "hold": try await HoldTimes.run(Options(words.dropFirst()))
        case "rows": try await LogRows.run(words.dropFirst())
        case "table": try Table.run(words.dropFirst())
        default:
            print(usage)
            exit(words.isEmpty || words.first == "--help" ? 0 : 2)
        }
        exit(0)
    } catch {
        fputs("nezuko-bench: \(error)\n", stderrFile())
        exit(1)
    }
}
while true { pause() }
