// The controls over HTTP, for tests with real processes: `POST /control/<name>` with a JSON object.
// Answers `{"ok":true,…}`, or 400 with `{"ok":false,"error":…}`. The names are listed in docs/simulator.md.

import EventLoop
import HTTPServer
import JSON

extension Simulator {
    /// Does what the path asks for; only `await` answers later.
    func control(_ name: String, body: [UInt8], answer: @escaping @IO (HTTPResponse) -> Void) {
        var document = JSONValue.object([])
        if !body.isEmpty {
            do throws(JSONError) {
                document = try JSONValue(parsing: body)
            } catch {
                return answer(Self.refused("the body is not JSON"))
            }
        }
        let input = ControlInput(document)
        if name == "await" { return awaitCalls(input, answer: answer) }
        answer(control(name, input))
    }

    /// Does what the control of that name says.
    func control(_ name: String, _ input: ControlInput) -> HTTPResponse {
        do throws(Refusal) {
            var given = try perform(name, input)
            if given == nil { given = try performAdmin(name, input) }
            if given == nil { given = try performMore(name, input) }
            if given == nil { given = try ask(name, input) }
            if given == nil { given = try hold(name, input) }
            if given == nil { given = try mistake(name, input) }
            guard let given else { return Self.refused("no control has the name \(name)") }
            return .json(200, JSONValue.object([("ok", .bool(true))] + given).encoded())
        } catch {
            return Self.refused("\(error)", meaning: error.meaning)
        }
    }

    /// - Parameter meaning: what the word of a refusal says to a person.
    static func refused(_ text: String, meaning: String? = nil) -> HTTPResponse {
        var fields = Fields()
        fields.add("ok", .bool(false))
        fields.add("error", text)
        fields.add("meaning", meaning)
        return .json(400, fields.object.encoded())
    }

    typealias Given = [(key: String, value: JSONValue)]

    /// What people do.
    private func perform(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "addPerson":
            let id = addPerson(
                input.text("name") ?? "Somebody", languageCode: input.text("language_code") ?? "en",
                username: input.text("username"))
            return [("id", .int(id))]
        case "write":
            let id = try personWrites(
                input.id("user"), in: input.id("chat"), input.text("text") ?? "", thread: input.number("thread"),
                answers: input.number("reply_to"))
            return [("message_id", .int(id))]
        case "speakAsChannel":
            let id = try personSpeaks(
                input.id("user"), asChannel: input.id("channel"), in: input.id("chat"), input.text("text") ?? "")
            return [("message_id", .int(id))]
        case "album":
            let ids = try personSendsAlbum(
                input.id("user"), in: input.id("chat"), count: Int(min(max(input.number("count") ?? 2, 2), 10)))
            return [("ids", .array(ids.map { .int($0) }))]
        case "edit":
            try personEdits(input.id("message"), in: input.id("chat"), to: input.text("text") ?? "")
        case "join":
            try personJoins(input.id("user"), input.id("chat"), link: input.text("link"))
        case "leave":
            try personLeaves(input.id("user"), input.id("chat"))
        case "askToJoin":
            try personAsksToJoin(input.id("user"), input.id("chat"))
        case "press":
            let (user, message, chat) = (try input.id("user"), try input.id("message"), try input.id("chat"))
            let query: String
            if let data = input.text("data") {
                query = try personPresses(user, message: message, in: chat, data: data)
            } else {
                query = try personPresses(user, message: message, in: chat, button: Int(input.number("button") ?? 0))
            }
            return [("query_id", .string(query))]
        case "start":
            return [("message_id", .int(try personStarts(input.id("user"), argument: input.text("argument") ?? "")))]
        case "writeToBot":
            let id = try personWritesToBot(
                input.id("user"), input.text("text") ?? "", answers: input.number("reply_to"))
            return [("message_id", .int(id))]
        case "block":
            personBlocks(try input.id("user"), isBlocked: input.flag("blocked") ?? true)
        case "raid":
            let ids = raid(
                try input.id("chat"), people: Int(input.number("people") ?? 10), seconds: input.number("seconds") ?? 10)
            return [("ids", .array(ids.map { .int($0) }))]
        default: return nil
        }
        return []
    }

    /// What administrators do, and how the world is furnished.
    private func performAdmin(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "addGroup":
            let id = addGroup(
                input.text("title") ?? "Group", kind: ChatKind(rawValue: input.text("kind") ?? "") ?? .supergroup,
                isForum: input.flag("forum") ?? false, username: input.text("username"), owner: input.number("owner"),
                bot: input.rights("bot") ?? .bot)
            return [("id", .int(id))]
        case "addChannel":
            let id = addChannel(
                input.text("title") ?? "Channel", username: input.text("username"), owner: input.number("owner"),
                bot: input.rights("bot") ?? .bot)
            return [("id", .int(id))]
        case "place":
            place(
                try input.id("user"), in: try input.id("chat"),
                status: MemberStatus(rawValue: input.text("status") ?? "") ?? .member,
                rights: input.rights("rights") ?? [])
        case "link":
            link(channel: try input.id("channel"), discussion: try input.id("group"))
        case "addTopic":
            let id = addTopic(
                input.text("name") ?? "Topic", in: try input.id("chat"), isClosed: input.flag("closed") ?? false)
            return [("id", .int(id))]
        case "addLink":
            let url = addLink(
                to: try input.id("chat"), asks: input.flag("asks") ?? false, isPrimary: input.flag("primary") ?? false)
            return [("link", .string(url))]
        case "botRights":
            setBotRights(in: try input.id("chat"), input.rights("rights"))
        case "botPresence":
            setBotPresence(in: try input.id("chat"), MemberStatus(rawValue: input.text("status") ?? "") ?? .left)
        case "restrict":
            adminRestricts(
                try input.id("user"), in: try input.id("chat"), to: input.permissions("permissions"),
                until: input.number("until") ?? 0, by: input.number("by"))
        case "free":
            adminFrees(try input.id("user"), in: try input.id("chat"), by: input.number("by"))
        case "ban":
            adminBans(
                try input.id("user"), in: try input.id("chat"), isBanned: input.flag("banned") ?? true,
                by: input.number("by"))
        case "promote":
            ownerPromotes(try input.id("user"), in: try input.id("chat"), input.rights("rights"))
        case "migrate":
            return [("id", .int(try migrate(input.id("chat"))))]
        case "fault":
            guard let fault = input.fault() else { throw .unknown }
            failNext(fault, of: input.text("method"), count: Int(input.number("count") ?? 1))
        case "faultRates":
            let list = input.text("percents") ?? ""
            guard let rates = list.isEmpty ? FaultRates() : FaultRates(percents: list) else { throw .unknown }
            setFaultRates(rates)
        case "clearFaults":
            clearFaults()
        case "clearCalls":
            clearCalls()
        case "advance":
            Loop.shared.advance(milliseconds: input.number("milliseconds") ?? 0)
        default: return nil
        }
        return []
    }
}

/// The object of a control, read leniently.
struct ControlInput {
    private let document: JSONValue

    init(_ document: JSONValue) { self.document = document }

    func text(_ name: String) -> String? { document[name]?.string }
    func number(_ name: String) -> Int64? { document[name]?.int }
    func flag(_ name: String) -> Bool? { document[name]?.bool }
    func list(_ name: String) -> [JSONValue]? { document[name]?.array }

    func id(_ name: String) throws(Refusal) -> Int64 {
        guard let id = number(name) else { throw .unknown }
        return id
    }

    /// Rights by their names; absent and `null` are nothing.
    func rights(_ name: String) -> AdminRights? {
        document[name]?.array.map { AdminRights(names: $0.compactMap(\.string)) }
    }

    func permissions(_ name: String) -> Permissions {
        let given = (document[name]?.array ?? []).compactMap(\.string).compactMap { Permissions.named($0) }
        return given.reduce(into: []) { $0.formUnion($1) }
    }

    func fault() -> Fault? {
        switch text("kind") {
        case "429": .tooManyRequests(retryAfter: number("retry_after") ?? 1)
        case "500": .serverError(Int(number("status") ?? 500))
        case "cut": .cut
        case "slow": .slow(milliseconds: number("milliseconds") ?? 1000)
        case "malformed": .malformed
        case "lost": .answerLost
        case "error": .refused(Int(number("code") ?? 400), text("description") ?? "Bad Request")
        default: nil
        }
    }
}
