// Where updates come in: repeats, malformed ones, bounds, order, and when Telegram is answered.

import Domain
import EventLoop
import Gate
import JSON
import Observability
import Storage
import TelegramBotAPI

/// What Telegram is answered.
public struct IntakeAnswer: Equatable, Sendable {
    /// HTTP status.
    public var status: Int
    /// Seconds for `Retry-After`.
    public var retryAfterSeconds: Int?

    /// Handled, or recorded.
    public static let ok = IntakeAnswer(status: 200, retryAfterSeconds: nil)
    static func again(seconds: Int) -> IntakeAnswer { IntakeAnswer(status: 503, retryAfterSeconds: seconds) }
}

/// The one way in for updates, from the webhook or from `getUpdates`.
@IO
public final class UpdateIntake {
    private static let recordMilliseconds: Int64 = 10_000
    private let services: Services
    private let router: UpdateRouter
    private let messages: MessageHandler
    private var malformed = LRU<UInt64, Int>(capacity: 1000)
    private var raids: [ChatID: [Instant]] = [:]
    private var raidsSwept = Instant(nanoseconds: 0)
    private var waitingForEffects = 0
    private var isDraining = false
    private var idle: Completion<Void, Never>?

    /// An intake over the service's parts.
    public init(services: Services, commands: Commands, menu: MenuButtons, buttons: ButtonHandler) {
        self.services = services
        messages = MessageHandler(services: services)
        router = UpdateRouter(services: services, commands: commands, menu: menu, buttons: buttons)
    }

    /// Takes one update's bytes. `done` is called once, before this returns when memory knew everything.
    public func handle(_ body: [UInt8], done: @escaping @IO (IntakeAnswer) -> Void) {
        let update: Update
        do throws(UpdateError) { update = try Update(parsing: body) } catch { return done(refuse(body, error)) }
        let recent = services.caches.recentUpdates
        if recent.isFinished(update.id) {
            HandlerMetrics.updates.add(update.typeName, "duplicate")
            return done(.ok)
        }
        guard !isDraining else {
            HandlerMetrics.rejected.add("draining")
            return done(.again(seconds: 1))
        }
        if decideAtOnce(update) {
            recent.noteFinished(update.id)
            count(update, as: "ignored", ofMessage: HandlerMetrics.ignoredMessages)
            return done(.ok)
        }
        guard recent.workingCount < services.settings.maximumInFlight else {
            HandlerMetrics.rejected.add("overload")
            return done(.again(seconds: 1))
        }
        handleLater(update, body, done: done)
    }

    /// The same for callers who wait.
    public func handle(_ body: [UInt8]) async -> IntakeAnswer {
        let answer = Completion<IntakeAnswer, Never>()
        handle(body) { answer.finish(.success($0)) }
        return await answer.wait()
    }

    /// Counts a delivery that was refused from its head, for it did not carry the secret.
    public func countWrongSecret() { HandlerMetrics.rejected.add("secret") }

    /// Counts a delivery that was refused from its head, for it said that its body is too long.
    public func countTooLarge() { HandlerMetrics.rejected.add("too_large") }

    /// Refuses new updates and waits at most that long for those in work.
    public func drain(graceMilliseconds: Int64) async {
        isDraining = true
        guard services.caches.recentUpdates.workingCount > 0 else { return }
        let done = Completion<Void, Never>()
        idle = done
        let timer = Loop.shared.schedule(afterMilliseconds: graceMilliseconds) { done.finish(.success(())) }
        await done.wait()
        timer.cancel()
    }

    // MARK: - From memory

    private func decideAtOnce(_ update: Update) -> Bool {
        let (message, occasion): (Message, Occasion)
        switch update.kind {
        case .message(let new):
            count(new)
            (message, occasion) = (new, .message)
        case .editedMessage(let edited): (message, occasion) = (edited, .edit)
        case .other: return true
        case .callbackQuery:
            HandlerMetrics.messageTypes.add("callback")
            return false
        case .chatMember, .myChatMember, .chatJoinRequest, .preCheckoutQuery, .subscription:
            services.sighted(update)
            return false
        }
        guard message.chat.isGroup else { return false }
        guard !message.isService, occasion == .edit || !message.mayBeCommand else {
            services.sighted(update)
            return false
        }
        // While an earlier update of the pair is in work, this one waits for its turn.
        if let user = message.from?.id, services.caches.pairs.isTaken(.init(chat: message.chat.id, user: user)) {
            return false
        }
        return messages.decideAtOnce(message, occasion: occasion) != nil
    }

    /// Counts an update by its outcome; messages, most of all, in a series at hand.
    private func count(_ update: Update, as outcome: String, ofMessage messages: CounterCell) {
        if case .message = update.kind { messages.add() } else { HandlerMetrics.updates.add(update.typeName, outcome) }
    }

    private func count(_ message: Message) {
        if message.isPayment {
            HandlerMetrics.messageTypes.add("payment")
        } else if message.isService {
            HandlerMetrics.messageTypes.add("service")
        } else if message.mayBeCommand {
            HandlerMetrics.messageTypes.add("command")
        } else if message.hasText {
            HandlerMetrics.texts.add()
        } else {
            HandlerMetrics.messageTypes.add("media")
        }
        guard message.date > 0 else { return }
        let lag = Double(WallClock.now.microseconds) / 1_000_000 - Double(message.date)
        HandlerMetrics.lag.observe(seconds: max(0, lag))
    }

    // MARK: - With work

    private func handleLater(_ update: Update, _ body: [UInt8], done: @escaping @IO (IntakeAnswer) -> Void) {
        let recent = services.caches.recentUpdates
        if let first = recent.begin(update.id) {
            // Owned by the update in work, which ends.
            return _ = Task { @IO in
                await first.wait()
                HandlerMetrics.updates.add(update.typeName, "duplicate")
                done(recent.isFinished(update.id) ? .ok : .again(seconds: 1))
            }
        }
        var isAnswered = false
        let answer: @IO (IntakeAnswer) -> Void = { result in
            guard !isAnswered else { return }
            isAnswered = true
            done(result)
        }
        let timer = Loop.shared.schedule(afterMilliseconds: Self.recordMilliseconds) {
            HandlerMetrics.rejected.add("overload")
            answer(.again(seconds: 2))
        }
        // Owned by the table of updates in work; when the timer was first, its result counts for the next delivery.
        Task { @IO in
            let result = await work(update, body, recorded: { timer.cancel() })
            timer.cancel()
            recent.end(update.id, isHandled: result == .ok)
            answer(result)
            if recent.workingCount == 0 { idle?.finish(.success(())) }
        }
    }

    private func work(
        _ update: Update, _ body: [UInt8], recorded: @escaping @IO () -> Void
    ) async -> IntakeAnswer {
        let began = Loop.shared.current()
        let pair = update.pair
        if let pair { await services.caches.pairs.enter(pair) }
        let handled: Handled
        do throws(UpdateFailure) {
            handled = try await router.handle(update)
            if let pair { services.caches.pairs.leave(pair) }  // a pair's turn ends at the record
        } catch {
            if let pair { services.caches.pairs.leave(pair) }
            return await failed(update, body, error)
        }
        recorded()
        switch handled {
        case .nothing: count(update, as: "ignored", ofMessage: HandlerMetrics.ignoredMessages)
        case .repeated: HandlerMetrics.updates.add(update.typeName, "duplicate")
        case .recorded(let effects, let group):
            count(update, as: "handled", ofMessage: HandlerMetrics.handledMessages)
            await finish(effects, in: group, began: began)
        }
        return .ok
    }

    /// Starts the effects and waits for them: at most 1 s, not at all in a raid or a pause.
    private func finish(_ effects: [Effect], in group: ChatID?, began: Instant) async {
        let isRaid = isRaid(group)
        guard !effects.isEmpty else { return }
        let isPaused = effects.contains { services.workers.isPaused($0.chat) }
        let done = services.workers.perform(effects, began: began)
        guard !isPaused, !isRaid, waitingForEffects < 20 else { return }
        waitingForEffects += 1
        defer { waitingForEffects -= 1 }
        let milliseconds: Int64 = services.settings.waitsForEffects ? 8000 : 1000
        let timer = Loop.shared.schedule(afterMilliseconds: milliseconds) { done.finish(.success(())) }
        await done.wait()
        timer.cancel()
    }

    /// More than 5 recorded updates of one group within a second.
    private func isRaid(_ group: ChatID?) -> Bool {
        guard let group else { return false }
        let now = Loop.shared.now
        if raids.count > 1000, now.milliseconds(since: raidsSwept) >= 1000 {
            raidsSwept = now
            raids = raids.filter { now.milliseconds(since: $0.value.last ?? now) < 1000 }
        }
        var times = (raids[group] ?? []).filter { now.milliseconds(since: $0) < 1000 }
        times.append(now)
        raids[group] = times.suffix(6)
        return times.count > 5
    }

    // MARK: - What goes wrong

    private func failed(_ update: Update, _ body: [UInt8], _ failure: UpdateFailure) async -> IntakeAnswer {
        switch failure {
        case .storeAway:
            HandlerMetrics.rejected.add("database")
            // What was stored without our knowing lies under our lease.
            services.workers.wake()
            return .again(seconds: 2)
        case .overloaded:
            HandlerMetrics.rejected.add("overload")
            return .again(seconds: 5)
        case .ownFault(let cause):
            ErrorMetrics.count(.other, operation: "update")
            Log.error("update_failing", .updateID(update.id.value), .error(cause))
            do throws(StoreError) {
                guard try await services.store.failed(update.id, body: UpdateTrace.stripped(body)) else {
                    return .again(seconds: 2)
                }
                HandlerMetrics.updates.add(update.typeName, "failed")
                Log.error("update_failed", .updateID(update.id.value))
                return .ok
            } catch {
                return .again(seconds: 2)
            }
        }
    }

    /// Not JSON: 400 twice, then 200, so that Telegram does not block the chat for a day. Odd shape: 200 at once.
    private func refuse(_ body: [UInt8], _ error: UpdateError) -> IntakeAnswer {
        HandlerMetrics.rejected.add("undecodable")
        HandlerMetrics.updates.add("other", "rejected")
        Log.error("update_undecodable", .count(Int64(body.count)), .error(error == .notJSON ? "not_json" : "odd_shape"))
        guard error == .notJSON else { return .ok }
        let hash = body.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let deliveries = (malformed.value(hash) ?? 0) + 1
        malformed.set(hash, deliveries)
        return deliveries <= 2 ? IntakeAnswer(status: 400, retryAfterSeconds: nil) : .ok
    }
}

/// What is kept of an update that failed.
enum UpdateTrace {
    private static let personal: Set<String> = [
        "text", "caption", "first_name", "last_name", "username", "title", "entities", "caption_entities", "contact",
        "bio", "language_code", "file_name", "quote", "poll", "location", "venue",
    ]

    /// The JSON without texts and names.
    static func stripped(_ body: [UInt8]) -> String {
        do throws(JSONError) {
            return String(decoding: strip(try JSONValue(parsing: body)).encoded(), as: UTF8.self)
        } catch {
            return "{}"
        }
    }

    private static func strip(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(members.filter { !personal.contains($0.key) }.map { (key: $0.key, value: strip($0.value)) })
        case .array(let values): .array(values.map(strip))
        case .null, .bool, .int, .double, .string: value
        }
    }
}
