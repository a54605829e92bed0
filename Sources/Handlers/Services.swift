// What every handler is given: one value made by the wiring, handed down, never looked up.

import Domain
import EventLoop
import Storage

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
    /// Where log rows go.
    public let log: any LogSink
    /// The settings; the bot's name is filled in when `getMe` answered.
    public var settings: HandlerSettings
    /// Who watches, if anybody.
    public weak var events: (any ServiceEvents)?

    /// Puts the parts together.
    public init(store: any Store, log: any LogSink, settings: HandlerSettings) {
        self.store = store
        self.log = log
        self.settings = settings
    }
}
