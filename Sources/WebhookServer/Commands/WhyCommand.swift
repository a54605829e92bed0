// why: the trace of decisions at a terminal, and another try at an update that was given up.

import Configuration
import Domain
import EventLoop
import Handlers
import JSON
import Storage

enum WhyCommand: Subcommand {
    static let name = "why"
    static let summary = "tells why somebody was muted, or not"
    static let usage = """
        Usage: nezuko why UPDATE_ID [--json | --retry]
               nezuko why --user ID --group ID [--json]

          UPDATE_ID   what an update led to; its id stands in the log
          --user, --group
                      the latest decisions about a person in a group (-100…)
          --json      the rows as they are stored
          --retry     handles an update again that failed five times by our own
                      fault ("update_failed" in the log)
        Decisions are kept 30 days. Exit 0: told, 3: nothing is recorded.
        """
    private static let limit = 20

    private enum Wish {
        case update(UpdateID)
        case retry(UpdateID)
        case person(UserID, ChatID)
    }

    static func run(_ arguments: [String]) async -> ExitCode {
        var words = arguments
        let isJSON = take("--json", from: &words)
        let isRetry = take("--retry", from: &words)
        guard let wish = wish(words, isRetry: isRetry), !(isJSON && isRetry) else {
            Terminal.error("nezuko why: say UPDATE_ID, or --user ID --group ID. Run: nezuko why --help")
            return .usage
        }
        guard let configuration = Environment.configuration(for: .tool) else { return .usage }
        return await Databases.use(configuration, for: name) { (database) async throws(StoreError) in
            if case .retry(let update) = wish { return try await retry(update, configuration, database) }
            return try await tell(wish, DatabaseStore(database: database, botID: configuration.botID), isJSON: isJSON)
        }
    }

    private static func take(_ flag: String, from words: inout [String]) -> Bool {
        let count = words.count
        words.removeAll { $0 == flag }
        return words.count < count
    }

    private static func wish(_ words: [String], isRetry: Bool) -> Wish? {
        if words.count == 1, let id = Int64(words[0]), id >= 0 {
            return isRetry ? .retry(UpdateID(id)) : .update(UpdateID(id))
        }
        guard words.count == 4, !isRetry else { return nil }
        let pairs = [words[0]: words[1], words[2]: words[3]]
        guard let user = pairs["--user"].flatMap({ Int64($0) }), let group = pairs["--group"].flatMap({ Int64($0) })
        else {
            return nil
        }
        return .person(UserID(user), ChatID(group))
    }

    // MARK: - Telling

    private static func tell(_ wish: Wish, _ store: DatabaseStore, isJSON: Bool) async throws(StoreError) -> ExitCode {
        var rows: [StoredDecision]
        var hold: Hold?
        var state: String?
        switch wish {
        case .update(let update), .retry(let update):
            rows = try await store.decisions(of: update)
            state = try await store.updateState(update).map(said)
        case .person(let user, let group):
            rows = try await store.decisions(about: user, in: group, limit: limit)
            hold = try await store.openHold(of: user, in: group)
        }
        if isJSON {
            Terminal.print(String(decoding: JSONValue.array(rows.map(json)).encoded(), as: UTF8.self))
            return rows.isEmpty ? .telegram : .ok
        }
        guard !rows.isEmpty || hold != nil || state != nil else {
            Terminal.error("nezuko why: nothing is recorded. Decisions are kept 30 days; check the ids.")
            return .telegram
        }
        if let state { Terminal.print(state) }
        if case .person = wish {
            let now = Languages.standard.word(.state(hold.map(PersonState.init) ?? .notHeld))
            Terminal.print("Now: \(now)")
        }
        var names: [ChatID: [RequiredChannel]] = [:]
        for row in rows {
            if names[row.group] == nil { names[row.group] = try await store.group(row.group)?.channels ?? [] }
            Terminal.print(text(row, names[row.group] ?? []))
        }
        return .ok
    }

    private static func said(_ state: UpdateState) -> String {
        switch state {
        case .recorded: "The update was handled."
        case .failing(let attempts): "The update failed \(attempts) times so far; Telegram sends it again."
        case .failed: "The update failed five times and was given up. Try again: nezuko why UPDATE_ID --retry"
        }
    }

    private static func text(_ row: StoredDecision, _ channels: [RequiredChannel]) -> String {
        var head = "\nDecision \(row.id), rule set \(row.ruleVersion), group \(row.group.value)"
        if let user = row.user { head += ", person \(user.value)" }
        if let update = row.update { head += ", update \(update.value)" }
        do throws(JSONError) {
            let trace = try DecisionTrace(row, channels: channels)
            return head + HTML.plain(Languages.standard.text(.decision(trace)).html)
        } catch {
            return head + "\nIts facts are of another version: \(row.facts)"
        }
    }

    private static func json(_ row: StoredDecision) -> JSONValue {
        func parsed(_ text: String) -> JSONValue {
            // The database keeps valid JSON only; what is not is shown as it is.
            do throws(JSONError) { return try JSONValue(parsing: Array(text.utf8)) } catch { return .string(text) }
        }
        return .object([
            ("id", .int(row.id)), ("update_id", row.update.map { .int($0.value) } ?? .null),
            ("group_id", .int(row.group.value)), ("user_id", row.user.map { .int($0.value) } ?? .null),
            ("at", .string(SQLTime.text(Timestamp(microseconds: row.atMicroseconds)))),
            ("rule_version", .int(Int64(row.ruleVersion))), ("outcome", .string(row.outcome)),
            ("facts", parsed(row.facts)), ("effects", parsed(row.effects)),
        ])
    }

    // MARK: - Trying again

    /// Handles the update in this process, as `serve` would; what is not done at once is left to `serve`.
    private static func retry(
        _ update: UpdateID, _ configuration: Configuration, _ database: any Database
    ) async throws(StoreError) -> ExitCode {
        guard let token = configuration.botToken else {
            Terminal.error("nezuko why: BOT_TOKEN is not set, and without it nothing can be done again.")
            return .usage
        }
        let service = Service(
            configuration, database: database, token: token, baseURL: configuration.telegramBaseURL)
        guard let body = try await service.store.reopen(update) else {
            await service.stop(requestsUntil: Loop.shared.current())
            Terminal.error("nezuko why: update \(update.value) was not given up. Only those can be tried again.")
            return .telegram
        }
        let answer = await service.intake.handle(Array(body.utf8))
        let state = try await service.store.updateState(update)
        await service.stop(
            requestsUntil: Loop.shared.current().adding(milliseconds: Int64(configuration.shutdownGraceSeconds) * 500))
        guard state != .failed else {
            Terminal.error("nezuko why: it failed again. The line \"update_failing\" above says of what.")
            return .failed
        }
        guard answer == .ok else {
            Terminal.error("nezuko why: it could not be handled now. Once the database answers, try again.")
            return .later
        }
        Terminal.print("Handled. What it led to: nezuko why \(update.value)")
        return .ok
    }
}
