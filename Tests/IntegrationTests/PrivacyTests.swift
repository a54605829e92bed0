// /privacy and /forget: what is told, what goes and what stays, and rows that are on their way at that moment.

import Domain
import EventLoop
import Handlers
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

/// A scene whose log rows go to the database, as in service.
@IO
private final class PrivacyScene {
    let scene: Scene
    let log: LogWriter
    private let intake: UpdateIntake

    init(_ engine: Engine) async throws {
        scene = try await Scene(engine)
        let (base, world) = (scene.services, scene.world)
        log = LogWriter(store: base.store)
        let services = Services(
            store: base.store, api: base.api, caches: base.caches, log: log, settings: base.settings,
            budget: MessageBudget())
        let buttons = ButtonHandler(services: services)
        let tools = CommandTools(
            services: services, caches: base.caches, telegram: world.telegram, verifying: buttons,
            start: { services.workers.perform($0) }, countSoon: { _ in })
        intake = UpdateIntake(
            services: services, commands: Commands(tools: tools), menu: MenuButtons(tools: tools), buttons: buttons)
    }

    /// Hands over what waits.
    func deliver() async throws {
        let waiting = scene.simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        scene.simulator.delivery.queues.confirm(offset: (waiting.last?.id ?? 0) + 1)
        for entry in waiting { #expect(await intake.handle(entry.body).status == 200) }
    }

    /// Somebody writes in the group, or a command in private; gives what the bot says in private.
    func write(_ person: Int64, _ text: String, inPrivate: Bool = false) async throws -> [String] {
        let known = Set(scene.simulator.botMessages(in: person).map(\.id))
        if inPrivate {
            try scene.simulator.personWritesToBot(person, text)
        } else {
            try scene.simulator.personWrites(person, in: scene.group, text)
        }
        try await deliver()
        return scene.simulator.botMessages(in: person).filter { !known.contains($0.id) }.map(\.text)
    }

    /// Presses the button of the bot's latest message in private; gives the message's new text.
    func press(_ person: Int64, _ data: String = "forget:ok") async throws -> String {
        let message = try #require(scene.simulator.botMessages(in: person).last)
        let query = try scene.simulator.personPresses(person, message: message.id, in: person, data: data)
        try await deliver()
        #expect(scene.simulator.callbackAnswers.count { $0.queryID == query } == 1)
        return scene.simulator.botMessages(in: person).last?.text ?? ""
    }

    func buttons(_ person: Int64) -> [String] {
        scene.simulator.botMessages(in: person).last.map { scene.simulator.world.buttons(of: $0).map(\.data) } ?? []
    }

    /// Rows that name a person, by table.
    func rows(_ person: Int64) async throws -> [String] {
        var found: [String] = []
        for table in ["user_activity", "decisions", "verification_log", "user_restrictions"] {
            found.append(try await scene.ask("SELECT count(*) FROM \(table) WHERE user_id = \(person)"))
        }
        return found
    }
}

@Suite("Privacy", .serialized) struct PrivacyTests {
    private static let asked = """
        Forget you?
        I delete how many commands you sent and the decisions about you, take your id off verdicts, and drop your \
        public name and language. A restriction that I set stays until it is lifted, and what you do from now on is \
        stored again. This cannot be undone.
        """

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `what is stored is told, and after one press it is gone, rows on their way too`(
        engine: Engine
    ) async throws {
        let privacy = try await PrivacyScene(engine)
        let scene = privacy.scene
        let person = scene.simulator.addPerson("Boris", languageCode: "en", username: "boris")
        for chat in [scene.group, scene.news] { scene.simulator.place(person, in: chat) }
        scene.note(.member, of: person, in: scene.news)
        _ = try await privacy.write(person, "/start", inPrivate: true)
        #expect(try await scene.services.store.person(named: "boris") == UserID(person))
        // A verdict from memory waits a minute for more of its kind.
        _ = try await privacy.write(person, "hello")
        #expect(privacy.log.pendingRows > 0)
        let told = try await privacy.write(person, "/privacy", inPrivate: true)
        #expect(told.count == 1 && told.first?.contains("without their content; 90 days.") == true)
        #expect(try await privacy.write(person, "/forget", inPrivate: true) == [Self.asked])
        #expect(privacy.buttons(person) == ["forget:ok"])
        // Held since, and told of it.
        try await scene.world.hold(person, for: [scene.market])
        let decision = DecisionRow(
            update: nil, group: ChatID(scene.group), user: UserID(person), ruleVersion: 1, outcome: "hold", facts: "{}")
        privacy.log.offer(.decision(decision))
        #expect(
            try await privacy.press(person)
                == "Done. Deleted: days of activity 1, decisions 1. Verdicts without your id now: 1.")
        #expect(privacy.buttons(person).isEmpty)
        #expect(try await privacy.rows(person) == ["0", "0", "0", "1"])
        #expect(await privacy.log.flush())
        #expect(try await privacy.rows(person) == ["0", "0", "0", "1"])
        #expect(try await scene.ask("SELECT count(*) FROM verification_log WHERE user_id = 0") == "1")
        #expect(try await scene.services.store.person(named: "boris") == nil)
        #expect(try await scene.services.store.canMessage(UserID(person)))
        // What comes later is stored again.
        _ = try await privacy.write(person, "/id", inPrivate: true)
        #expect(await privacy.log.flush())
        #expect(try await privacy.rows(person) == ["1", "0", "0", "1"])
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(2)), arguments: Engine.allCases)
    @IO func `while the database is away nothing is promised, and the button works later`(engine: Engine) async throws {
        let privacy = try await PrivacyScene(engine)
        let scene = privacy.scene
        let person = scene.subscriber("Boris")
        _ = try await privacy.write(person, "/forget", inPrivate: true)
        scene.database.isAway = true
        let answer = try await privacy.press(person)
        #expect(answer.hasPrefix("Something went wrong, please try again. Reference: "))
        #expect(privacy.buttons(person) == ["forget:ok"])
        scene.database.isAway = false
        #expect(
            try await privacy.press(person)
                == "Done. Deleted: days of activity 1, decisions 0. Verdicts without your id now: 0.")
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `rows that wait on another replica go too`() async throws {
        let privacy = try await PrivacyScene(.postgreSQL)
        let scene = privacy.scene
        let person = scene.subscriber("Boris")
        let second = try await Storage.open(url: scene.world.url, poolMax: 4)
        let store = DatabaseStore(database: second, botID: scene.simulator.world.botID)
        let log = LogWriter(store: store)
        let forgetting = Forgetting(store: store, log: log)
        second.onCacheMessage { forgetting.told($0) }
        var row = VerificationRow(
            user: UserID(person), group: ChatID(scene.group), channel: ChatID(scene.news), status: "verified",
            latencyMilliseconds: 0, isCached: true, isDecisive: true, source: .message, errorType: nil,
            atMicroseconds: WallClock.now.microseconds)
        log.offer(.verification(row))
        row.user = UserID(scene.world.owner)
        log.offer(.verification(row))
        _ = try await privacy.write(person, "/forget", inPrivate: true)
        _ = try await privacy.press(person)
        try await scene.until("the other replica has heard") {
            try await scene.ask("SELECT count(*) FROM verification_log WHERE user_id = 0") == "1"
        }
        #expect(log.pendingRows == 0)
        #expect(try await privacy.rows(person) == ["0", "0", "0", "0"])
        #expect(try await privacy.rows(scene.world.owner)[2] == "1")
        await second.close()
        try await scene.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `in groups both say where they work, and made-up presses change nothing`() async throws {
        let world = try await TestWorld()
        for command in ["/privacy", "/forget"] {
            #expect(try await world.say(command) == ["Please send me this command in private."])
        }
        let scene = try await MemberScene(.sqlite)
        try await scene.run(
            "INSERT INTO user_activity (user_id, activity_date) VALUES (\(scene.world.owner), '2020-01-01')")
        let answers = [
            try await scene.intakePress(scene.world.owner, data: "forget:ok"),
            try await scene.intakePress(scene.world.owner, data: "forget:yes"),
            try await scene.intakePress(scene.world.owner, data: "forget:ok:5"),
        ]
        #expect(Set(answers) == ["This button is out of date."])
        #expect(try await scene.world.ask("SELECT count(*) FROM user_activity") == "1")
        await scene.end()
        await world.end()
    }

    @Test(.timeLimit(.minutes(1)))
    @IO func `in Russian it is asked in Russian`() async throws {
        let scene = try await MemberScene(.sqlite)
        let person = scene.person("Boris", languageCode: "ru")
        let asked = try await scene.command("/forget", by: person, inPrivate: true)
        #expect(asked.first?.hasPrefix("Забыть вас?") == true)
        #expect(scene.buttons(in: person) == ["Да, забыть меня forget:ok"])
        await scene.end()
    }
}
