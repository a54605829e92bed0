// The simulated Telegram of a fault test: what happens there, what is asked of it.

import Domain
import EventLoop
import HTTPClient
import JSON
import Storage

extension FaultWorld {
    @discardableResult
    func control(_ name: String, _ members: KeyValuePairs<String, JSONValue> = [:]) async throws -> JSONValue {
        try await post("\(base)/control/\(name)", members)
    }

    /// A method call of the tests, as the bot.
    func call(_ method: String, _ members: KeyValuePairs<String, JSONValue> = [:]) async throws -> JSONValue {
        try await post("\(base)/bot\(Self.token)/\(method)", members)
    }

    private func post(_ url: String, _ members: KeyValuePairs<String, JSONValue>) async throws -> JSONValue {
        let body = JSONValue.object(members.map { (key: $0.key, value: $0.value) })
        let reply = try await client.send(
            HTTPClientRequest(
                method: "POST", url: url, headers: [("Content-Type", "application/json")], body: body.encoded(),
                timeoutMilliseconds: 10_000, maximumReplyBytes: 8 << 20))
        let answer = try JSONValue(parsing: reply.body)
        guard answer["ok"]?.bool == true else {
            throw Trouble(description: "\(url.suffix(30)): \(String(decoding: reply.body, as: UTF8.self))")
        }
        return answer
    }

    func id(_ name: String, _ members: KeyValuePairs<String, JSONValue>) async throws -> Int64 {
        guard let id = try await control(name, members)["id"]?.int else { throw Trouble(description: "\(name): no id") }
        return id
    }

    func person(_ name: String, in group: TestGroup? = nil, isSubscribed: Bool = false) async throws -> Int64 {
        let person = try await id("addPerson", ["name": .string(name)])
        if let group { try await control("place", ["user": .int(person), "chat": .int(group.id)]) }
        if isSubscribed { try await control("place", ["user": .int(person), "chat": .int(channel)]) }
        return person
    }

    /// A new protected group with an owner of its own.
    func group(warningSeconds: Int64? = nil) async throws -> TestGroup {
        groupCount += 1
        let owner = try await person("Owner \(groupCount)", isSubscribed: true)
        let title = "Group \(groupCount)"
        let group = TestGroup(
            id: try await id("addGroup", ["title": .string(title), "owner": .int(owner)]), owner: owner)
        let store = DatabaseStore(database: database, botID: 123_456)
        try await store.protect(
            Protection(
                group: ChatID(group.id), title: title, owner: UserID(owner), ownerUsername: nil, replacesOwner: false,
                channels: [RequiredChannel(id: ChatID(channel), title: "News", username: "the_news")]))
        if let warningSeconds {
            var params = GroupParams()
            params.warningSeconds = warningSeconds
            _ = try await store.changeParams(
                from: GroupParams(), to: params, of: ChatID(group.id), releasing: nil, audit: nil)
        }
        return group
    }

    @discardableResult
    func write(_ person: Int64, in group: TestGroup, _ text: String = "hello") async throws -> Int64 {
        let answer = try await control(
            "write", ["user": .int(person), "chat": .int(group.id), "text": .string(text)])
        return answer["message_id"]?.int ?? 0
    }

    func stands(_ message: Int64, in group: TestGroup) async throws -> Bool {
        try await control("message", ["chat": .int(group.id), "message": .int(message)])["stands"]?.bool == true
    }

    /// Status and whether nothing at all is allowed.
    func member(_ person: Int64, in chat: Int64) async throws -> (status: String, isPresent: Bool, isMuted: Bool) {
        let found = try await control("member", ["user": .int(person), "chat": .int(chat)])
        return (
            found["status"]?.string ?? "", found["is_present"]?.bool == true,
            found["status"]?.string == "restricted" && found["permissions"]?.array?.isEmpty == true
        )
    }

    /// Texts of the bot's messages that stand in a chat.
    func botMessages(in chat: Int64) async throws -> [(id: Int64, text: String)] {
        let list = try await control("botMessages", ["chat": .int(chat)])["messages"]?.array ?? []
        return list.map { ($0["message_id"]?.int ?? 0, $0["text"]?.string ?? "") }
    }

    /// How often the bot called; of one method, or all.
    func callCount(of method: String? = nil) async throws -> Int {
        if let method { return Int(try await control("calls", ["method": .string(method)])["count"]?.int ?? 0) }
        return Int(try await control("calls")["count"]?.int ?? 0)
    }

    /// The bot's calls since they were last forgotten.
    func calls() async throws -> [JSONValue] { try await control("calls")["calls"]?.array ?? [] }

    /// The next such call stands still until the replica is killed or `release` is called.
    func hold(_ method: String, in chat: Int64?, _ when: String = "before", count: Int64 = 1) async throws {
        var members: [(String, JSONValue)] = [
            ("method", .string(method)), ("when", .string(when)), ("count", .int(count)),
        ]
        if let chat { members.append(("chat", .int(chat))) }
        let body = JSONValue.object(members.map { (key: $0.0, value: $0.1) })
        _ = try await client.send(
            HTTPClientRequest(
                method: "POST", url: "\(base)/control/hold", body: body.encoded(), timeoutMilliseconds: 10_000))
    }

    /// How many calls stand still.
    func heldCount() async throws -> Int { try await control("held")["calls"]?.array?.count ?? 0 }

    /// Updates that wait for the bot, taken as `getUpdates` gives them.
    func takeUpdates() async throws -> [JSONValue] {
        let updates = try await call("getUpdates", ["limit": .int(100)])["result"]?.array ?? []
        if let last = updates.last?["update_id"]?.int { _ = try await call("getUpdates", ["offset": .int(last + 1)]) }
        return updates
    }

    /// Nothing waits for the bot any more.
    func allDelivered(seconds: Double = 30) async throws {
        try await until("all updates are taken", seconds: seconds) {
            try await control("state")["pending"]?.int == 0
        }
    }
}
