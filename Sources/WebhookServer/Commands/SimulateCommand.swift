// simulate: the simulator alone, for other bots and for tests.

import EventLoop
import Glibc
import HTTPServer
import Simulator

enum SimulateCommand: Subcommand {
    static let name = "simulate"
    static let summary = "a Telegram Bot API server of its own, for tests"
    static let usage = """
        Usage: nezuko simulate [--port N] [--seed N] [--rate N] [--faults] [--empty]

        A Bot API server on 127.0.0.1 with groups, channels and people in it. Point a
        bot at it by its base URL; the token is printed. The same seed gives the same
        people, ids and actions.
          --port N   where it listens (8081; 0 takes a free one)
          --seed N   what chance follows from (1)
          --rate N   how often people act, per minute (60; 0: only when told to)
          --faults   some calls fail: 429, 5xx, cut answers
          --empty    no groups or people; make them by POST /control/…
        The controls are described in docs/simulator.md.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let wish = Wish(arguments) else {
            Terminal.error("nezuko simulate: a flag or number was not understood. Run: nezuko simulate --help")
            return .usage
        }
        let simulator = Simulator(options: wish.options)
        if !wish.isEmpty { simulator.furnishDefaultWorld() }
        let ended = Completion<Void, Never>()
        Signals.onSignal { number in
            if number != SIGHUP { ended.finish(.success(())) }
        }
        do throws(HTTPServerError) {
            let port = try simulator.listen(ListenAddress(host: "127.0.0.1", port: wish.port, isTLS: false))
            Terminal.print("Base URL  http://127.0.0.1:\(port)")
            Terminal.print("Token     \(wish.options.token)")
        } catch {
            Terminal.error("nezuko simulate: \(error) Choose another --port.")
            return .usage
        }
        simulator.start()
        await ended.wait()
        simulator.stop()
        return .ok
    }

    private struct Wish {
        var options = SimulatorOptions()
        var port = 8081
        var isEmpty = false

        init?(_ arguments: [String]) {
            options.rate = 60
            var rest = arguments[...]
            while let flag = rest.popFirst() {
                switch flag {
                case "--faults": options.faults = .low
                case "--empty": isEmpty = true
                case "--port", "--seed", "--rate":
                    guard let number = rest.popFirst().flatMap(UInt64.init) else { return nil }
                    if flag == "--seed" {
                        options.seed = number
                    } else if flag == "--rate" {
                        options.rate = Double(number)
                    } else {
                        guard number < 65536 else { return nil }
                        port = Int(number)
                    }
                default: return nil
                }
            }
        }
    }
}
