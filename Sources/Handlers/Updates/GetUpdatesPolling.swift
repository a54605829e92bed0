// Updates by getUpdates, for one process without a public address.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// Fetches updates and feeds them to the intake; the offset passes only what was answered 2xx.
@IO
public final class GetUpdatesPolling {
    private static let atOnce = 40
    private let api: BotAPI
    private let intake: UpdateIntake
    private var isStopping = false
    private var task: Task<Void, Never>?

    /// A poller of this bot's updates.
    public init(api: BotAPI, intake: UpdateIntake) {
        self.api = api
        self.intake = intake
    }

    /// Begins to fetch.
    public func start() {
        guard task == nil else { return }
        task = Task { @IO in await run() }
    }

    /// Ends the fetching; what is in work is the intake's.
    public func stop() async {
        isStopping = true
        task?.cancel()
        await task?.value
    }

    private func run() async {
        var offset: Int64 = 0
        var isTaken = false
        while !isStopping {
            do throws(BotAPIError) {
                let fetched = try await api.getUpdates(offset: offset, timeoutSeconds: 25, limit: Self.atOnce)
                if isTaken { Log.info("polling_ours_again") }
                isTaken = false
                let next = await handle(fetched)
                // Nothing went through: Telegram gives the same again, so not at once.
                if let next { offset = next } else if !fetched.isEmpty { await Loop.shared.sleep(milliseconds: 1000) }
            } catch {
                guard !isStopping else { return }
                if error.errorClass == .conflict, !isTaken {
                    isTaken = true
                    Log.error(
                        "webhook_changed", .name("polling"),
                        .text("a webhook is set, or another process polls: nezuko webhook delete, or stop the other"))
                }
                Log.warning("get_updates_failed", .error(error.errorClass.rawValue))
                let seconds = error.errorClass == .unauthorized ? 60 : min(error.retryAfterSeconds ?? 1, 60)
                await Loop.shared.sleep(milliseconds: seconds * 1000)
            }
        }
    }

    /// All at once, each queue of W9 in its order. Returns the offset behind the last one before the first failure.
    private func handle(_ fetched: [FetchedUpdate]) async -> Int64? {
        var queues: [[(index: Int, update: FetchedUpdate)]] = []
        var places: [String: Int] = [:]
        for (index, update) in fetched.enumerated() {
            let key = Self.queue(update)
            if let place = places[key] {
                queues[place].append((index, update))
            } else {
                places[key] = queues.count
                queues.append([(index, update)])
            }
        }
        var answered = [Bool](repeating: false, count: fetched.count)
        let intake = intake
        let tasks = queues.map { queue in
            Task { @IO in
                var good: [Int] = []
                for entry in queue {
                    guard (200..<300).contains(await intake.handle(entry.update.body).status) else { break }
                    good.append(entry.index)
                }
                return good
            }
        }
        for task in tasks { for index in await task.value { answered[index] = true } }
        let count = answered.prefix { $0 }.count
        return count == 0 ? nil : fetched[count - 1].id + 1
    }

    /// Telegram's own queues.
    private static func queue(_ fetched: FetchedUpdate) -> String {
        let update: Update
        do throws(UpdateError) { update = try Update(parsing: fetched.body) } catch { return "odd:\(fetched.id)" }
        return switch update.kind {
        case .message(let message), .editedMessage(let message): "chat:\(message.chat.id)"
        case .callbackQuery(let query): "press:\(query.from.id)"
        case .chatMember(let change): "member:\(change.new.user.id)"
        case .chatJoinRequest(let request): "member:\(request.from.id)"
        case .myChatMember(let change): "own:\(change.chat.id)"
        case .preCheckoutQuery(let query): "pay:\(query.from.id)"
        case .subscription, .other: "other:\(fetched.id)"
        }
    }
}
