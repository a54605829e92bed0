// Simulator: a Bot API server of our own, so that a real bot runs against it.
//
// Invariants of the room:
// - `World` is a value: state and rules of chats, people and methods. It knows no clock, no socket and no store;
//   time and randomness come in, replies, updates and events come out. Same seed, same calls: same world.
// - `Simulator` owns one world, serves it over HTTP, delivers its updates and lets its people act.
// - What is assumed about Telegram without a source stands in docs/simulator.md.

import EventLoop
import HTTPServer

/// How a simulator is set up.
public struct SimulatorOptions: Sendable {
    /// All chance follows from it.
    public var seed: UInt64 = 1
    /// The only token that is let in; the part before the colon is the bot's id.
    public var token = "123456:SIMULATOR-TOKEN-FOR-THIS-MACHINE-ONLY"
    /// The bot's name.
    public var botName = "Nezuko"
    /// The bot's public name without `@`.
    public var botUsername = "nezuko_simulated_bot"
    /// How often people act by themselves, per minute; 0: only when told to.
    public var rate = 0.0
    /// Shares of calls that fail.
    public var faults = FaultRates()
    /// Benchmarks: nothing is delivered, limited, failed on purpose or kept, and unknown people count as members.
    public var isFast = false
    /// How long every answer to a method call takes, as if Telegram were that far away.
    public var latencyMilliseconds: Int64 = 0
    /// Whether the flood limits of messages apply.
    public var hasFloodLimits = true
    /// The id of the first update; `nil`: it follows from the seed.
    public var firstUpdateID: Int64?

    /// The options of a quiet simulator without faults.
    public init() {}

    /// A first id above those of worlds that began earlier, as long as they made no more than 16 updates a second:
    /// for a bot that kept its rows. It stays below 2^31 until 2030, for clients that count in 32 bits.
    public static func freshUpdateID() -> Int64 {
        let startOf2026: Int64 = 1_767_225_600
        return max(1, (WallClock.now.seconds - startOf2026) * 16)
    }
}

/// A Bot API server with people in it.
@IO
public final class Simulator {
    /// As given at the start.
    public let options: SimulatorOptions
    /// The simulated Telegram. After a change from outside call `settle()`.
    public var world: World
    /// Called with everything that happens, for a live view.
    public var onEvent: ((SimulatorEvent) -> Void)?

    let delivery: Delivery
    let webhookMethods: WebhookMethods
    var faults = Faults()
    var holds = Holds()
    var mistakes = Mistakes()
    var waits = CallWaits()
    var log = CallLog()
    var people: PeopleRunner?
    private var fast: FastAnswers
    private var faultRandom: SplitMix64
    private var servers: [HTTPServer] = []
    private var handlers: [SimulatorHandler] = []

    /// A simulator with an empty world that listens nowhere yet.
    public init(options: SimulatorOptions = .init()) {
        self.options = options
        let botID = Int64(options.token.prefix { $0 != ":" }) ?? 123_456
        world = World(
            seed: options.seed, botID: botID, botName: options.botName, botUsername: options.botUsername,
            isFast: options.isFast)
        world.floods.isOff = options.isFast || !options.hasFloodLimits
        fast = FastAnswers(world: world)
        faultRandom = SplitMix64(seed: options.seed ^ 0xFA17)
        faults.rates = options.isFast ? FaultRates() : options.faults
        // A bot must not take ids for small or even.
        let firstID = options.firstUpdateID ?? 700_000_000 + Int64(options.seed % 1_000_000)
        delivery = Delivery(seed: options.seed, firstID: firstID)
        webhookMethods = WebhookMethods(delivery: delivery)
        delivery.onMethodInAnswer = { [weak self] type, body in self?.performAnswered(type, body) }
    }

    /// Listens there too and returns the real port. Controls are served on addresses of this machine only.
    public func listen(_ address: ListenAddress, tls: TLSConfiguration? = nil) throws(HTTPServerError) -> Int {
        let isLocal = address.host.hasPrefix("127.") || ["localhost", "::1", "[::1]"].contains(address.host)
        let handler = SimulatorHandler(simulator: self, hasControls: isLocal)
        var limits = HTTPLimits()
        limits.maximumBody = SimulatorHandler.bodyLimit
        limits.maximumBuffered = 4 * SimulatorHandler.bodyLimit
        let server = HTTPServer(limits: limits, handler: handler, tls: tls)
        let port = try server.listen(address)
        handlers.append(handler)
        servers.append(server)
        return port
    }

    /// People begin to act by themselves, `rate` times a minute.
    public func start() {
        guard options.rate > 0, !options.isFast, people == nil else { return }
        people = PeopleRunner(simulator: self, seed: options.seed, rate: options.rate)
        people?.start()
    }

    /// People rest and nothing is delivered any more.
    public func stop() {
        people?.stop()
        people = nil
        delivery.stop()
        let servers = servers
        self.servers = []
        Task { @IO in for server in servers { await server.drain(graceMilliseconds: 200) } }
    }

    /// Hands what the world produced to the delivery and to `onEvent`. Every control does it by itself.
    public func settle() {
        let updates = world.takeUpdates()
        for event in world.takeEvents() { onEvent?(event) }
        guard !updates.isEmpty else { return }
        for update in updates { delivery.queues.add(update) }
        webhookMethods.updatesArrived()
        delivery.pump()
    }

    // MARK: - Method calls

    /// What becomes of one call on the wire.
    enum Answer {
        case reply(Reply)
        case malformed
        case cut
    }

    /// The body of a 200 for the calls that the fast mode knows without the world's rules.
    func fastAnswer(_ method: String, _ body: [UInt8]) -> [UInt8]? {
        guard options.isFast else { return nil }
        log.tally(method)
        answerWaits()
        return fast.answer(method, body, world)
    }

    /// Performs a call with its fault, if it has one; the answer may come later.
    func callAtOnce(_ method: String, _ parameters: Parameters, answer: @escaping @IO (Answer) -> Void) {
        let name = method.lowercased()
        guard let fault = faults.take(method: name, &faultRandom) else {
            perform(name, parameters, isFault: false, record: method) { answer(.reply($0)) }
            return
        }
        switch fault {
        case .tooManyRequests(let seconds):
            refuse(method, parameters, .tooMany(seconds), answer)
        case .serverError(let code):
            refuse(method, parameters, .server(code), answer)
        case .refused(let code, let text):
            refuse(method, parameters, MethodError(code: code, description: text), answer)
        case .malformed:
            write(method, parameters, status: 502, nil, isFault: true)
            answer(.malformed)
        case .cut:
            write(method, parameters, status: 0, nil, isFault: true)
            answer(.cut)
        case .slow(let milliseconds):
            perform(name, parameters, isFault: true, record: method) { reply in
                Loop.shared.schedule(afterMilliseconds: milliseconds) { answer(.reply(reply)) }
            }
        case .answerLost:
            perform(name, parameters, isFault: true, record: method) { _ in answer(.cut) }
        }
    }

    private func perform(
        _ name: String, _ parameters: Parameters, isFault: Bool, record method: String,
        _ answer: @escaping @IO (Reply) -> Void
    ) {
        if WebhookMethods.names.contains(name) {
            webhookMethods.perform(name, parameters) { reply in
                self.write(method, parameters, reply, isFault: isFault)
                answer(reply)
            }
            return answerWaits()
        }
        let reply = world.apply(name, parameters, now: WallClock.now)
        write(method, parameters, reply, isFault: isFault)
        answer(reply)
        settle()
    }

    private func refuse(
        _ method: String, _ parameters: Parameters, _ error: MethodError, _ answer: (Answer) -> Void
    ) {
        let reply = Reply(outcome: .failure(error))
        write(method, parameters, reply, isFault: true)
        onEvent?(.callFailed(method: method, code: error.code))
        answer(.reply(reply))
    }

    /// A method call in the body of a webhook answer: done silently, a few kinds not at all (W20).
    private func performAnswered(_ contentType: String?, _ body: [UInt8]) {
        // What cannot be read is not performed: nobody is there to be told.
        guard let parameters = try? Parameters(query: nil, contentType: contentType, body: body),
            let method = parameters.string("method")?.lowercased(), !method.hasPrefix("get"),
            !["setwebhook", "deletewebhook", "close", "logout"].contains(method)
        else { return }
        perform(method, parameters, isFault: false, record: method) { _ in }
    }

    private func write(_ method: String, _ parameters: Parameters, _ reply: Reply, isFault: Bool) {
        guard !options.isFast else { return }
        guard case .failure(let error) = reply.outcome else {
            write(method, parameters, status: 200, nil, isFault: isFault)
            return
        }
        write(method, parameters, status: error.code, error.description, isFault: isFault)
    }

    /// A call that was ended on purpose before it was done.
    func noteCut(_ method: String, _ parameters: Parameters) {
        write(method, parameters, status: 0, nil, isFault: true)
    }

    private func write(_ method: String, _ parameters: Parameters, status: Int, _ text: String?, isFault: Bool) {
        guard !options.isFast else { return }
        log.add(
            CallRecord(
                method: method, chatID: parameters.int("chat_id"), userID: parameters.int("user_id"),
                messageID: parameters.int("message_id"), text: parameters.string("text"), status: status,
                description: text, isFault: isFault, at: WallClock.now))
        answerWaits()
    }
}
