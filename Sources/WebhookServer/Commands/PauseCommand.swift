// pause: the emergency stop from a terminal, heard by all running replicas within a second.

import Configuration
import Domain
import EventLoop
import Handlers
import Storage

enum PauseCommand: Subcommand {
    static let name = "pause"
    static let summary = "stops enforcement for a while, in one group or all"
    static let usage = """
        Usage: nezuko pause [--group ID] [--for 1h | --off]

        Nobody is muted and no message is removed until then; releases go on.
          --group ID  only this group (-100…)
          --for T     30m, 2h, 1d, at most 7d (1h)
          --off       ends the pause
        Running replicas hear of it within a second. Exit 3: no such group.
        """

    private struct Wish {
        var group: ChatID?
        var seconds = PauseLimits.usualSeconds

        init?(_ arguments: [String]) {
            var rest = arguments[...]
            var isEnding = false
            while let flag = rest.popFirst() {
                switch flag {
                case "--off": isEnding = true
                case "--for":
                    guard let word = rest.popFirst(), let seconds = PauseLimits.seconds(word) else { return nil }
                    self.seconds = seconds
                case "--group":
                    guard let id = rest.popFirst().flatMap({ Int64($0) }), id < 0 else { return nil }
                    group = ChatID(id)
                default: return nil
                }
            }
            if isEnding { seconds = 0 }
        }
    }

    static func run(_ arguments: [String]) async -> ExitCode {
        guard let wish = Wish(arguments) else {
            Terminal.error("nezuko pause: takes --group ID, --for 30m, 2h or 1d (at most 7d), --off.")
            return .usage
        }
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        return await Databases.use(configuration, for: name) { (database) async throws(StoreError) in
            try await pause(wish, DatabaseStore(database: database, botID: configuration.botID))
        }
    }

    private static func pause(_ wish: Wish, _ store: DatabaseStore) async throws(StoreError) -> ExitCode {
        let until = wish.seconds == 0 ? 0 : WallClock.now.seconds + wish.seconds
        if let id = wish.group {
            guard let group = try await store.group(id) else {
                Terminal.error("nezuko pause: \(id.value) is not a protected group. /id in the group tells its id.")
                return .telegram
            }
            var params = group.params
            params.pausedUntilSeconds = until == 0 ? nil : until
            _ = try await store.changeParams(
                from: group.params, to: params, of: id, releasing: nil,
                audit: AuditRow(until == 0 ? .pauseOff : .pause, by: nil, .group(id)))
            try await store.tellRunning("group:\(id.value)")
        } else {
            try await store.pause(
                untilSeconds: until, audit: AuditRow(until == 0 ? .pauseOff : .pause, by: nil, .service))
            try await store.tellRunning("pause:\(until)")
        }
        let target = wish.group.map { "group \($0.value)" } ?? "all"
        let replicas = try await store.replicaCount()
        let heard = replicas == 1 ? "1 running replica" : "\(replicas) running replicas"
        Terminal.print(
            until == 0
                ? "The pause is over (\(target)), told to \(heard)."
                : "Paused (\(target)) until \(PauseLimits.shown(untilSeconds: until)), told to \(heard).")
        return .ok
    }
}
