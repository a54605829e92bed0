// A random world: people, administrators, faults, replicas that come and go. Everything follows from the seed.

import Domain
import EventLoop
import HTTPClient
import Handlers
import Storage
import TelegramBotAPI
import Testing

@testable import Simulator

/// A message of a person, and what has to become of it.
struct WrittenMessage {
    let person: Int64
    let id: Int64
    /// Whether it may not stand in the end, by what was true when it was written.
    var mustGo: Bool
    /// Where it stands in the journal.
    let step: Int
}

/// The world of one seed, and what happened in it.
@IO
final class PropertyWorld {
    let engine: Engine
    let seed: UInt64
    var random: SplitMix64
    let world: TestWorld
    let database: any Database
    private(set) var replicas: [Replica] = []
    private var born = 0
    let people: [Int64]
    /// An administrator besides the owner, who may restrict.
    let admin: Int64
    private(set) var written: [WrittenMessage] = []
    /// People whom an administrator muted or banned with their last word about them.
    var mutedByAdmin: Set<Int64> = []
    /// People about whom an administrator gave a word that may have been answered with "try again".
    var unsureWords: Set<Int64> = []
    /// People who joined or left something where the bot could not see it.
    var unseen: Set<Int64> = []
    /// Whether the bot was out of the group for a while.
    var wasThrownOut = false
    private(set) var journal: [String] = []
    /// Until then answers may have failed, so that messages may stand in a group that lets them.
    private(set) var faultySeconds: Int64 = 0

    var simulator: Simulator { world.simulator }
    var group: Int64 { world.group }

    init(_ engine: Engine, seed: UInt64) async throws {
        self.engine = engine
        self.seed = seed
        random = SplitMix64(seed: seed)
        world = try await TestWorld(engine)
        if engine == .postgreSQL {
            try await Scene.makeClock(world)
            database = try await Storage.open(url: world.url, poolMax: 4)
        } else {
            database = world.database
        }
        let simulator = world.simulator
        simulator.delivery.queues.allow(Update.gateKinds)
        var people: [Int64] = []
        for number in 0..<(3 + random.below(4)) {
            let person = simulator.addPerson("P\(number)", username: "person\(number)")
            if random.happens(0.8) { simulator.place(person, in: world.group) }
            for channel in [world.news, world.market] where random.happens(0.4) { simulator.place(person, in: channel) }
            people.append(person)
        }
        self.people = people
        admin = simulator.addPerson("Admin", username: "admin")
        simulator.place(admin, in: world.group, status: .administrator, rights: [.manageChat, .restrictMembers])
        for _ in 0..<(engine == .sqlite ? 1 : 2) { start() }
        try await protect()
    }

    private func protect() async throws {
        var channels = [RequiredChannel(id: ChatID(world.news), title: "News", username: "the_news")]
        if random.happens(0.5) {
            channels.append(RequiredChannel(id: ChatID(world.market), title: "Market", username: "the_market"))
        }
        var params = GroupParams()
        params.failMode = random.happens(0.3) ? .closed : .open
        params.offersPrivateVerify = random.happens(0.3)
        params.deletesJoins = random.happens(0.3)
        params.warningSeconds = [0, 30, 300][random.below(3)]
        try await world.store.protect(
            Protection(
                group: ChatID(group), title: "Talk", owner: UserID(world.owner), ownerUsername: "anna",
                replacesOwner: false, channels: channels))
        _ = try await world.store.changeParams(
            from: GroupParams(), to: params, of: ChatID(group), releasing: nil, audit: nil)
        note("world: \(people.count) people, \(channels.count) channels, fail \(params.failMode.rawValue)")
    }

    /// A process of the service begins; the others tell it what changes.
    func start() {
        born += 1
        let replica = Replica(world, owner: "replica-\(seed)-\(born)", over: database)
        replica.database.toldCaches = { [weak self, weak replica] message in
            for other in self?.replicas ?? [] where other !== replica { other.services.caches.told(message) }
        }
        replica.services.workers.start()
        replicas.append(replica)
    }

    /// A process ends, and another one, which remembers nothing, takes its place.
    func restart() async {
        let index = random.below(replicas.count)
        let old = replicas.remove(at: index)
        await old.stop()
        start()
    }

    func end() async {
        for replica in replicas { await replica.stop() }
        if engine == .postgreSQL { await database.close() }
        await world.end()
    }

    // MARK: - What happens

    func note(_ line: String) {
        journal.append("\(journal.count) \(SQLTime.text(WallClock.now).dropFirst(11)): \(line)")
    }

    /// Somebody writes, if Telegram lets them.
    func write(_ person: Int64) async throws {
        let mustGo = try await isUnwanted(person)
        let id: Int64
        do throws(Refusal) { id = try simulator.personWrites(person, in: group, "hello") } catch { return }
        note("\(person) writes \(id)\(mustGo ? ", unsubscribed" : "")")
        written.append(WrittenMessage(person: person, id: id, mustGo: mustGo, step: journal.count))
    }

    /// Whether a message of the person may not stay, by the settings and the world as they are.
    private func isUnwanted(_ person: Int64) async throws -> Bool {
        guard let stored = try await world.store.group(ChatID(group)), stored.isProtected else { return false }
        guard stored.params.mode == .enforce, !stored.isPaused(atSeconds: WallClock.now.seconds),
            !stored.isExempt(UserID(person), atSeconds: WallClock.now.seconds)
        else { return false }
        guard isAdministrator(in: group, with: [.deleteMessages, .restrictMembers]), !unseen.contains(person) else {
            return false
        }
        let member = simulator.member(person, in: group)
        guard member.status != .administrator, member.status != .creator else { return false }
        if stored.params.failMode == .open, WallClock.now.seconds < faultySeconds { return false }
        return !isSubscribed(person, to: stored)
    }

    /// Whether the bot is administrator of a chat, with these rights.
    func isAdministrator(in chat: Int64, with rights: AdminRights = []) -> Bool {
        let bot = simulator.member(simulator.world.botID, in: chat)
        return bot.status == .administrator && bot.rights.isSuperset(of: rights)
    }

    /// What was written and still stands cannot be asked of a bot that loses its rights, or is told to stop.
    func excuseStanding() {
        for index in written.indices where simulator.stands(written[index].id, in: group) {
            written[index].mustGo = false
        }
    }

    func isSubscribed(_ person: Int64, to stored: ProtectedGroup) -> Bool {
        stored.requiredChannels.allSatisfy { channel in
            switch simulator.member(person, in: channel.id.value).status {
            case .member, .administrator, .creator: true
            case .restricted, .left, .kicked: false
            }
        }
    }

    /// The next calls of a method fail; for a while after that, what follows from it goes on.
    func plan(_ fault: Fault, of method: String, count: Int) {
        simulator.failNext(fault, of: method, count: count)
        faultySeconds = WallClock.now.seconds + 120
    }

    func calm() { simulator.clearFaults() }

    /// Telegram delivers what waits, each to some replica, some of it twice, until it is taken.
    func deliver() async throws {
        let list = simulator.delivery.queues.list(limit: 1000, now: WallClock.now.seconds)
        simulator.delivery.queues.confirm(offset: (list.last?.id ?? 0) + 1)
        for entry in list {
            for _ in 0..<(random.happens(0.15) ? 2 : 1) {
                var tries = 0
                while await replicas[random.below(replicas.count)].intake.handle(entry.body) != .ok {
                    tries += 1
                    guard tries < 60 else { throw Stuck(what: "an update is never taken") }
                    try await pass(milliseconds: 1000)
                    for replica in replicas { replica.services.workers.wake() }
                    await Loop.shared.sleep(milliseconds: 1)
                }
            }
        }
    }

    struct Stuck: Error { let what: String }

    /// What the rows and the calls tell, for whoever reads of a violation.
    func traces() async throws -> [String] {
        let ledger = try await world.ask(
            """
            SELECT id, user_id, state, source, prior_permissions, held_at, lifted_at, release_reason
            FROM user_restrictions ORDER BY id
            """)
        let decisions = try await world.ask(
            "SELECT id, user_id, at, outcome, facts, effects FROM decisions ORDER BY id")
        let calls = simulator.calls.filter { $0.method.lowercased().contains("chatmember") }.map {
            "\(SQLTime.text($0.at)) \($0.method) chat \($0.chatID ?? 0) user \($0.userID ?? 0) \($0.status)"
        }
        return ["ledger:"] + ledger.split(separator: ", ").map(String.init) + ["decisions:", decisions, "calls:"]
            + calls
    }

    // MARK: - Time

    func pass(milliseconds: Int64) async throws {
        Loop.shared.advance(milliseconds: milliseconds)
        if engine == .postgreSQL { try await Scene.setClock(world) }
    }

    /// Until nothing is in work and nothing is due.
    func settle() async throws {
        let deadline = Loop.shared.current().adding(milliseconds: 30_000)
        var quiet = 0
        while quiet < 2 {
            guard Loop.shared.current() < deadline else {
                throw Stuck(
                    what: "effects never end: \(try await world.ask("SELECT dedup_key, attempts FROM effects"))")
            }
            for replica in replicas { replica.services.workers.wake() }
            await Loop.shared.sleep(milliseconds: 1)
            try await deliver()
            let soon = SQLTime.text(Timestamp(microseconds: WallClock.now.microseconds + 100_000))
            let open = try await world.ask(
                "SELECT count(*) FROM effects WHERE lease_owner IS NOT NULL OR due_at <= '\(soon)'")
            let isBusy = replicas.contains { $0.services.workers.activeCount > 0 }
            quiet = open == "0" && !isBusy && simulator.delivery.queues.count == 0 ? quiet + 1 : 0
        }
    }

    /// Faults end, and time goes by until everything that was begun is over.
    func comeToRest() async throws {
        calm()
        for replica in replicas { replica.database.heal() }
        for chat in [group, world.news, world.market] { simulator.setBotRights(in: chat, .bot) }
        for _ in 0..<4 {
            try await settle()
            try await pass(milliseconds: 61_000)
        }
        try await settle()
    }
}
