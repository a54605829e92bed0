// simulate: the simulator alone, for other bots, for tests and for benchmarks.

import Configuration
import EventLoop
import Glibc
import HTTPServer
import Simulator

enum SimulateCommand: Subcommand {
    static let name = "simulate"
    static let summary = "a Telegram Bot API server of its own, for tests"
    static let usage = """
        Usage: nezuko simulate [--listen LIST] [--token TOKEN] [--username NAME]
                               [--seed N] [--rate N] [--faults [LIST]] [--no-limits]
                               [--latency 30ms] [--fast] [--empty]

        A Telegram Bot API server on this machine, with groups, channels and people in
        it, for any bot: give the bot's library the printed base URL and token, and
        nothing else changes. The same seed gives the same people, ids and actions.
          --listen LIST    where it listens, as LISTEN of serve (http://127.0.0.1:8081);
                           port 0 takes a free one; https uses the certificate of serve
          --token TOKEN    the only token let in, as 123456:WORD (never a real one)
          --username NAME  the bot's public name (nezuko_simulated_bot)
          --seed N         what chance follows from (1); without it update ids begin
                           above those of earlier runs
          --rate N         how often people act, per minute (60; 0: only when told to)
          --faults [LIST]  some calls fail: percents as 429=1,5xx=1,cut=1,slow=2,
                           malformed=1,lost=1; without a list 429, 5xx and slow, seldom
          --no-limits      no flood limits (20 messages a minute in a group …)
          --latency T      every answer takes that long, as if Telegram were away
          --fast           for benchmarks: calls are answered with the least work; no
                           limits, no faults, no updates, nothing is kept
          --empty          no groups or people; make them by the controls

        Where to point a bot, with BASE for the printed base URL:
          python-telegram-bot   .base_url("BASE/bot").base_file_url("BASE/file/bot")
          aiogram               TelegramAPIServer.from_base("BASE")
          any other             BASE/bot<token>/<method>, BASE/file/bot<token>/<path>
        getUpdates works, and setWebhook with http:// addresses of this machine.

        People act by POST BASE/control/NAME with a JSON object (? may be left out):
          addPerson    name → id              addGroup  title, owner?, bot? → id
          start        user, argument?        write     user, chat, text, reply_to?
          writeToBot   user, text, reply_to?  join      user, chat, link?
          send         user, chat?, kind      leave     user, chat
          press        user, chat, message, data or button (a number)
          fault        kind (429, 500, cut, slow, malformed, lost), method?, count?
          await        method?, count?, seconds?: answers when the bot made the calls
          calls        method? → calls        botMessages  chat → messages
        A conversation, in a second terminal:
          nezuko simulate --empty --seed 1
          curl BASE/control/addPerson -d '{"name":"Ann"}'
          curl BASE/control/start -d '{"user":1000001}'
          curl BASE/control/await -d '{"method":"sendMessage"}'
          curl BASE/control/botMessages -d '{"chat":1000001}'
        docs/testing-your-bot.md shows more, docs/simulator.md lists every control.
        """

    static func run(_ arguments: [String]) async -> ExitCode {
        let wish: SimulateWish
        do throws(SimulateWish.Problem) { wish = try SimulateWish(arguments) } catch {
            Terminal.error("nezuko simulate: \(error.text) Run: nezuko simulate --help")
            return .usage
        }
        let simulator = Simulator(options: wish.options)
        if !wish.isEmpty { simulator.furnishDefaultWorld() }
        let ended = Completion<Void, Never>()
        Signals.onSignal { number in
            if number != SIGHUP { ended.finish(.success(())) }
        }
        guard listen(simulator, wish.listen) else { return .usage }
        Terminal.print("Token     \(wish.options.token)")
        simulator.start()
        await ended.wait()
        simulator.stop()
        return .ok
    }

    /// Opens every address and prints it; false after saying why not.
    private static func listen(_ simulator: Simulator, _ entries: [ListenEntry]) -> Bool {
        var tls: TLSConfiguration?
        if let first = entries.first(where: \.isTLS) {
            guard let configuration = Environment.configuration(for: .tool) else { return false }
            guard Environment.makeDirectory(configuration.stateDirectory) else {
                Terminal.error("nezuko simulate: STATE_DIR cannot be made. Check who may write there.")
                return false
            }
            let pair = CertificatePair(configuration)
            guard pair.ensure(host: first.host) else { return false }
            tls = TLSConfiguration(certificateFile: pair.certificateFile, keyFile: pair.keyFile, ticketSecrets: [])
        }
        for entry in entries {
            do throws(HTTPServerError) {
                let address = ListenAddress(host: entry.host, port: entry.port, isTLS: entry.isTLS)
                let port = try simulator.listen(address, tls: entry.isTLS ? tls : nil)
                let host = entry.host.contains(":") ? "[\(entry.host)]" : entry.host
                Terminal.print("Base URL  \(entry.isTLS ? "https" : "http")://\(host):\(port)")
            } catch {
                Terminal.error("nezuko simulate: \(error) Choose another --listen.")
                return false
            }
        }
        return true
    }
}
