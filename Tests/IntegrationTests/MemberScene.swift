// A scripted scene: the whole service with a simulated Telegram; people act, then everything that follows is done.

import Domain
import EventLoop
import Handlers
import JSON
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

/// A test world in which updates are handled and effects performed, on a clock that the script moves.
@IO
final class MemberScene {
    let world: TestWorld
    let intake: UpdateIntake
    let commands: Commands
    private let engine: Engine
    /// Kinds of updates that Telegram loses in this scene.
    var lost: Set<String> = []
    /// What was handled, in order.
    private(set) var updates: [(id: Int64, body: [UInt8])] = []
    private var nextMadeUp: Int64 = 1 << 40

    var simulator: Simulator { world.simulator }
    var services: Services { world.services }
    var store: DatabaseStore { world.store }
    var group: Int64 { world.group }
    var news: Int64 { world.news }
    var market: Int64 { world.market }

    /// A group that requires `News`, and `Market` too if there are to be two.
    init(_ engine: Engine, requires two: Bool = false) async throws {
        self.engine = engine
        world = try await TestWorld(engine)
        world.simulator.delivery.queues.allow(Update.allowedKinds)
        let services = world.services
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: services.caches, telegram: world.telegram, verifying: buttons,
            start: { effects in
                services.workers.perform(effects)
                services.workers.wake()
            }, countSoon: { _ in })
        commands = Commands(tools: tools)
        intake = UpdateIntake(
            services: services, commands: commands, menu: MenuButtons(tools: tools), buttons: buttons)
        try await protect(group, by: two ? [news, market] : [news])
        services.workers.start()
    }

    /// Ends the service, then the world.
    func end() async {
        await services.workers.drain(graceMilliseconds: 2000)
        await #expect(throws: Never.self) {
            let decisions = try await Replay.stored(in: world.database) + Replay.offered(to: world.log)
            #expect(try Replay.differences(of: decisions).isEmpty)
        }
        await world.end()
    }

    /// A group is protected by these chats, as `/protect` stores it.
    func protect(_ group: Int64, by channels: [Int64]) async throws {
        try await store.protect(
            Protection(
                group: ChatID(group), title: simulator.world.title(of: group), owner: UserID(world.owner),
                ownerUsername: "anna", replacesOwner: false,
                channels: channels.map { id in
                    RequiredChannel(
                        id: ChatID(id), title: simulator.world.title(of: id),
                        username: simulator.world.chats[id]?.username)
                }))
        services.caches.groups.forget(ChatID(group))
    }

    /// A person in the group; `knows` are the chats to which they are subscribed.
    func person(
        _ name: String, knows channels: [Int64] = [], languageCode: String? = "en", isInGroup: Bool = true
    ) -> Int64 {
        let person = simulator.addPerson(name, languageCode: languageCode, username: name.lowercased())
        if isInGroup { simulator.place(person, in: group) }
        for channel in channels { simulator.place(person, in: channel) }
        return person
    }

    /// Somebody writes and is held for it.
    func held(_ name: String, knows channels: [Int64] = []) async throws -> Int64 {
        let person = person(name, knows: channels)
        try simulator.personWrites(person, in: group, "hello")
        try await settle()
        #expect(isMuted(person))
        return person
    }

    // MARK: - Time

    /// Hands the service what waits, without waiting for what follows.
    @discardableResult
    func deliver() async throws -> Bool {
        let waiting = simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        simulator.delivery.queues.confirm(offset: (waiting.last?.id ?? 0) + 1)
        for entry in waiting {
            let value = try JSONValue(parsing: entry.body)
            guard lost.allSatisfy({ value[$0] == nil }) else { continue }
            updates.append((entry.id, entry.body))
            #expect(await intake.handle(entry.body) == .ok)
        }
        return !waiting.isEmpty
    }

    /// Until nothing is in work, and no effect is due within `soon` milliseconds.
    func settle(soon: Int64 = 300) async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        var quietLooks = 0
        while Loop.shared.current() < deadline {
            services.workers.wake()
            // Twice: while it is looked at, an effect may be leased, done and followed by another.
            if try await !deliver(), try await isQuiet(soon) { quietLooks += 1 } else { quietLooks = 0 }
            if quietLooks == 2 { return }
            await Loop.shared.sleep(milliseconds: 2)
        }
        Issue.record("the scene does not come to rest")
    }

    private func isQuiet(_ soon: Int64) async throws -> Bool {
        guard services.workers.activeCount == 0,
            try await world.ask("SELECT count(*) FROM effects WHERE lease_owner IS NOT NULL") == "0"
        else { return false }
        guard let next = try await store.nextDueMilliseconds(lanes: [1, 2, 3, 4]) else {
            return services.workers.activeCount == 0
        }
        return next > soon && services.workers.activeCount == 0
    }

    /// Time goes by: for the service, for Telegram and for the database.
    func pass(seconds: Int64) async throws {
        Loop.shared.advance(milliseconds: seconds * 1000)
        if engine == .postgreSQL {
            let shift = "- interval '\(seconds) seconds'"
            try await run("UPDATE effects SET due_at = due_at \(shift), created_at = created_at \(shift)")
            try await run("UPDATE user_restrictions SET held_at = held_at \(shift)")
        }
        try await settle()
    }

    /// Open holds began at this moment of Telegram's: the server's clock does not know that the scene's was moved.
    func heldNow() async throws {
        guard engine == .postgreSQL else { return }
        try await run("UPDATE user_restrictions SET held_at = to_timestamp(\(WallClock.now.seconds))")
    }

    /// Changes rows behind the service's back.
    func run(_ statement: String) async throws { _ = try await world.database.run([SQLStatement(statement)], .command) }

    /// Waits for work that nothing else tells the end of.
    func until(_ isSo: @IO () async throws -> Bool) async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        while try await !isSo() {
            guard Loop.shared.current() < deadline else {
                Issue.record("it did not come to be")
                return
            }
            await Loop.shared.sleep(milliseconds: 5)
        }
    }

    /// An update as a script writes it: the members after `update_id`.
    @discardableResult
    func tell(_ members: String) async throws -> IntakeAnswer {
        nextMadeUp += 1
        let answer = await intake.handle(Array(#"{"update_id":\#(nextMadeUp),\#(members)}"#.utf8))
        try await settle()
        return answer
    }

    /// All updates come again, to a replica that has seen none of them.
    func repeatElsewhere() async throws {
        let services = Services(
            store: store, api: self.services.api, caches: Caches(), log: world.log, settings: self.services.settings,
            budget: MessageBudget())
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: services.caches, telegram: world.telegram, verifying: buttons,
            start: { services.workers.perform($0) }, countSoon: { _ in })
        let other = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
        for update in updates { #expect(await other.handle(update.body) == .ok) }
        await services.workers.drain(graceMilliseconds: 2000)
        try await settle()
    }

    // MARK: - Looking

    /// Whether the person may not write in the group.
    func isMuted(_ person: Int64, in chat: Int64? = nil) -> Bool {
        !simulator.permissions(of: person, in: chat ?? group).contains(.sendMessages)
    }

    /// Texts of the bot that stand in the group, or in a private chat.
    func said(in chat: Int64? = nil) -> [String] { simulator.botMessages(in: chat ?? group).map(\.text) }

    /// Labels and data of the buttons under the bot's latest message there.
    func buttons(in chat: Int64? = nil) -> [String] {
        guard let last = simulator.botMessages(in: chat ?? group).last else { return [] }
        var found: [String] = []
        for row in last.replyMarkup?["inline_keyboard"]?.array ?? [] {
            for button in row.array ?? [] {
                let target = button["callback_data"]?.string ?? button["url"]?.string ?? ""
                found.append("\(button["text"]?.string ?? "") \(target)")
            }
        }
        return found
    }

    /// The open hold of a person.
    func hold(of person: Int64, in chat: Int64? = nil) async throws -> Hold? {
        try await store.openHold(of: UserID(person), in: ChatID(chat ?? group))
    }

    /// Closed rows: reasons in order.
    func releases(of person: Int64) async throws -> String {
        try await world.ask(
            """
            SELECT release_reason FROM user_restrictions WHERE user_id = \(person) AND lifted_at IS NOT NULL
            ORDER BY id
            """)
    }

    /// Presses the button with that data under the bot's latest message that has it; gives the toast, `!` for alerts.
    func press(_ person: Int64, _ data: String, in chat: Int64? = nil) async throws -> String {
        let place = chat ?? group
        let message = simulator.botMessages(in: place).last {
            simulator.world.buttons(of: $0).contains { $0.data == data }
        }
        let id = try #require(message?.id)
        let query = try simulator.personPresses(person, message: id, in: place, data: data)
        try await settle()
        return toast(query)
    }

    /// What the bot answered to a press: `nil`, or more than once, is said in words.
    func toast(_ query: String) -> String {
        let answers = simulator.callbackAnswers.filter { $0.queryID == query }
        guard answers.count == 1, let answer = answers.first else { return "answered \(answers.count) times" }
        return (answer.showsAlert ? "! " : "") + (answer.text ?? "")
    }

    /// Calls of a method that name a chat and a person.
    func calls(_ method: String, _ chat: Int64? = nil, _ person: Int64? = nil) -> Int {
        simulator.calls.count { call in
            call.method.lowercased() == method.lowercased() && (chat == nil || call.chatID == chat)
                && (person == nil || call.userID == person)
        }
    }

    /// Somebody writes a command in the group (`nil`: in private); gives the bot's new messages.
    func command(
        _ text: String, by person: Int64? = nil, inPrivate: Bool = false, replyTo message: Int64? = nil
    ) async throws -> [String] {
        let person = person ?? world.owner
        let place = inPrivate ? person : group
        let known = Set(simulator.botMessages(in: place).map(\.id))
        if inPrivate {
            try simulator.personWritesToBot(person, text)
        } else if let message, let replied = simulator.world.chats[place]?.messages[message] {
            _ = try simulator.world.write(
                person, in: place, text,
                extra: [("reply_to_message", simulator.world.messageObject(replied, in: place))], now: WallClock.now)
            simulator.settle()
        } else {
            try simulator.personWrites(person, in: place, text)
        }
        try await settle()
        return simulator.botMessages(in: place).filter { !known.contains($0.id) }.map(\.text)
    }
}
