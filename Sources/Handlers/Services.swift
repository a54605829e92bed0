// What every handler is given: one value made by the wiring, handed down, never looked up.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// The settings that handlers follow; made by the wiring from the configuration.
public struct HandlerSettings: Sendable {
    /// The bot's id: the digits of its token.
    public var botID: UserID
    /// The bot's name without `@`, known after `getMe`.
    public var botUsername: String
    /// Who runs the service: `ADMIN_IDS`.
    public var adminIDs: [UserID]
    /// Where Telegram delivers: `WEBHOOK_PATH`.
    public var webhookPath = "/webhook"
    /// Where the service is reached from outside, if it is.
    public var publicURL: String?
    /// How long a positive verdict counts: `CACHE_POSITIVE_TTL`.
    public var positiveSeconds: Int64 = 600
    /// Whether an answer waits for all effects: `API_LOG_SYNC_FLUSH`.
    public var waitsForEffects = false
    /// Days for which verdicts and calls are kept: `RETENTION_DAYS`.
    public var retentionDays = 90
    /// How many updates may be in work: `MAX_INFLIGHT_UPDATES`.
    public var maximumInFlight = 1000

    /// Settings of a bot, the rest at its defaults.
    public init(botID: UserID, botUsername: String = "", adminIDs: [UserID] = []) {
        self.botID = botID
        self.botUsername = botUsername
        self.adminIDs = adminIDs
    }
}

/// Who watches what happens: the live view of a terminal.
@IO
public protocol ServiceEvents: AnyObject {
    /// A person is held; `name` only where the update told it.
    func held(_ user: UserID, name: String?, in group: ChatID, reason: String, milliseconds: Int64)
    /// A person is released.
    func released(_ user: UserID, in group: ChatID, reason: String)
}

/// The lower rooms and the running parts, as handlers use them.
@IO
public final class Services {
    /// The database.
    public let store: any Store
    /// The Bot API.
    public let api: BotAPI
    /// What this replica remembers.
    public let caches: Caches
    /// Where log rows go.
    public let log: any LogSink
    /// How many messages may be sent.
    public var budget: MessageBudget
    /// How many replicas share that budget.
    public var replicas: @IO () -> Int = { 1 }
    /// The settings; the bot's name is filled in when `getMe` answered.
    public var settings: HandlerSettings
    /// Who watches, if anybody.
    public weak var events: (any ServiceEvents)?
    /// Those who perform effects.
    public private(set) lazy var workers = EffectWorkers(services: self)
    /// Notes, names and highest message numbers that live in the process only.
    let notes = ProcessNotes()
    /// Questions about memberships under way: whoever asks the same meanwhile shares the answer.
    let flights = StaleCache<PairOrder.Pair, ChannelAnswer, Never>(
        capacity: 1, freshMilliseconds: 0, staleMilliseconds: 0)

    /// Puts the parts together.
    public init(
        store: any Store, api: BotAPI, caches: Caches, log: any LogSink, settings: HandlerSettings,
        budget: MessageBudget
    ) {
        self.store = store
        self.api = api
        self.caches = caches
        self.log = log
        self.settings = settings
        self.budget = budget
    }

    /// Tells the other replicas' caches. A lost word costs them the rest of an entry's life, never truth.
    func tell(_ message: String) async {
        do throws(StoreError) { try await store.tellCaches(message) } catch {
            Log.debug("caches_not_told", .error("store"))
        }
    }

    /// Whether decisions about a group are carried out now.
    func enforcement(of group: ProtectedGroup) -> Enforcement {
        if caches.pause.isOn || group.isPaused(atSeconds: WallClock.now.seconds) { return .paused }
        return group.params.mode == .observe ? .observe : .enforced
    }

    /// A group's configuration: from memory, else from the store.
    func group(_ id: ChatID) async throws(FetchFailed) -> ProtectedGroup? {
        try await caches.groups.value(id) { [store] () async throws(FetchFailed) -> ProtectedGroup? in
            do throws(StoreError) { return try await store.group(id) } catch {
                throw FetchFailed(errorClass: "store")
            }
        }
    }
}
