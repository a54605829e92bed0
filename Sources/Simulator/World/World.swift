// The simulated Telegram as a value: chats, people, what waits to be told to the bot. The rules are in extensions.

import EventLoop
import JSON

/// The queue an update waits in; only the head of a queue is on its way (docs/simulator.md, W9).
public enum QueueKey: Hashable, Sendable {
    /// Messages, edits, posts and the bot's own standing, by chat.
    case chat(Int64)
    /// Button presses, by person.
    case callbacks(Int64)
    /// Changes of members and join requests, by person.
    case members(Int64)
    /// Payments, by person.
    case payments(Int64)
    /// A poll and its answers.
    case polls(String)
    /// Questions in inline mode, by person.
    case inline(Int64)
}

/// Something the bot is to be told of. The delivery gives it its id.
public struct WorldUpdate: Sendable {
    /// Telegram's name of the kind: `message`, `chat_member` …
    public let kind: String
    /// Where it waits.
    public let queue: QueueKey
    /// The object.
    public let value: JSONValue
    /// When it is worth nothing any more (W13), in seconds since 1970.
    public let expiresAt: Int64
}

/// A button press that waits for its answer.
struct Callback: Sendable {
    let userID: Int64
    let at: Timestamp
}

/// A request to join about which the bot was asked as guard.
struct JoinQuery: Sendable {
    let personID: Int64
    let chatID: Int64
    let at: Timestamp
}

/// What the bot answered to a button press.
public struct CallbackAnswer: Sendable {
    /// The query's id.
    public let queryID: String
    /// Who pressed.
    public let userID: Int64
    /// The toast or alert.
    public let text: String?
    /// Whether it has to be closed by hand.
    public let showsAlert: Bool
}

/// State and rules of the simulated Telegram.
///
/// Every function takes the time it happens at. Updates and events gather until they are taken.
public struct World: Sendable {
    /// The generator of ids and links.
    public internal(set) var random: SplitMix64
    /// The bot's own id, from its token.
    public let botID: Int64
    /// Everybody by id, the bot too.
    public internal(set) var persons: [Int64: Person] = [:]
    /// Ids of people in order of arrival, without the bot.
    public internal(set) var people: [Int64] = []
    /// Chats by id.
    public internal(set) var chats: [Int64: Chat] = [:]
    /// Ids of groups and channels in order of arrival.
    public internal(set) var chatOrder: [Int64] = []
    /// Answers to button presses, oldest first; the latest 10,000.
    public internal(set) var answers: [CallbackAnswer] = []
    /// Whether the bot may be added to groups, as its owner set it.
    public internal(set) var botMayJoinGroups = true
    /// Benchmarks: no limits, no updates, unknown people count as members (docs/simulator.md).
    public let isFast: Bool
    var callbacks: [String: Callback] = [:]
    var callbackOrder: [String] = []
    var commands: [String: JSONValue] = [:]
    var preCheckouts: [String: Timestamp] = [:]
    var joinQueries: [String: JoinQuery] = [:]
    var polls = Recent<Poll>()
    var inlineQuestions = Recent<InlineQuestion>()
    var files = FileShelf()
    /// What the bot says of itself, by `kind/language`.
    var profile: [String: String] = [:]
    /// By person; 0: everybody.
    var menuButtons: [Int64: JSONValue] = [:]
    /// The rights that the bot wishes for; the key says whether in channels.
    var defaultRights: [Bool: AdminRights] = [:]
    var floods = FloodLimits()
    private var updates: [WorldUpdate] = []
    private var events: [SimulatorEvent] = []
    private var nextPersonID: Int64 = 1_000_001
    private var nextSupergroupID: Int64 = -1_001_000_000_001
    private var nextGroupID: Int64 = -4_000_000_001

    /// An empty world with a bot.
    public init(seed: UInt64, botID: Int64, botName: String, botUsername: String, isFast: Bool = false) {
        random = SplitMix64(seed: seed)
        self.botID = botID
        self.isFast = isFast
        persons[botID] = Person(id: botID, name: botName, username: botUsername, isBot: true)
        persons[StandIn.anonymousAdmin] = Person(
            id: StandIn.anonymousAdmin, name: "Group", username: "GroupAnonymousBot", isBot: true)
        persons[StandIn.channel] = Person(
            id: StandIn.channel, name: "Channel", username: "Channel_Bot", isBot: true)
        persons[StandIn.telegram] = Person(id: StandIn.telegram, name: "Telegram")
    }

    /// Ids that stand in `from` where no person speaks (docs/simulator.md, M7).
    public enum StandIn {
        /// An administrator who writes as the group.
        public static let anonymousAdmin: Int64 = 1_087_968_824
        /// Somebody who writes as a channel.
        public static let channel: Int64 = 136_817_688
        /// The service that forwards a channel's posts into its discussion group.
        public static let telegram: Int64 = 777_000
    }

    // MARK: - What goes out

    /// What the bot is to be told since the last call.
    public mutating func takeUpdates() -> [WorldUpdate] {
        defer { updates.removeAll(keepingCapacity: true) }
        return updates
    }

    /// What happened since the last call.
    public mutating func takeEvents() -> [SimulatorEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    mutating func tell(_ kind: String, _ queue: QueueKey, _ value: JSONValue, lives seconds: Int64, now: Timestamp) {
        guard !isFast else { return }
        updates.append(WorldUpdate(kind: kind, queue: queue, value: value, expiresAt: now.seconds + seconds))
    }

    mutating func note(_ event: SimulatorEvent) {
        guard !isFast else { return }
        events.append(event)
    }

    // MARK: - Building

    /// A new person, who is nowhere yet.
    public mutating func addPerson(_ name: String, languageCode: String? = "en", username: String? = nil) -> Int64 {
        let id = nextPersonID
        nextPersonID += 1
        persons[id] = Person(id: id, name: name, username: username, languageCode: languageCode)
        people.append(id)
        return id
    }

    /// A new group or channel, without members.
    public mutating func addChat(
        _ title: String, kind: ChatKind, isForum: Bool = false, username: String? = nil
    ) -> Int64 {
        let id = kind == .group ? nextGroupID : nextSupergroupID
        if kind == .group { nextGroupID -= 1 } else { nextSupergroupID -= 1 }
        var chat = Chat(id: id, kind: kind, title: title, username: username, isForum: isForum)
        if kind == .channel { chat.hasServiceMessages = false }
        if isForum { chat.topics[1] = Topic(name: "General") }
        chats[id] = chat
        chatOrder.append(id)
        return id
    }

    /// Puts a record there without telling anybody: how a world is furnished.
    public mutating func place(_ person: Int64, in chat: Int64, as member: Member) {
        if chats[chat]?.members[person] == nil { chats[chat]?.order.append(person) }
        chats[chat]?.members[person] = member
    }

    /// The private chat with that person, made at the first use.
    mutating func privateChat(of person: Int64) -> Int64 {
        if chats[person] == nil, let known = persons[person] {
            chats[person] = Chat(id: person, kind: .private, title: known.name, username: known.username)
        }
        return person
    }

    // MARK: - Looking

    /// The person's record in the chat, ended restrictions left out.
    public func member(_ person: Int64, in chat: Int64, now: Timestamp) -> Member {
        guard let chat = chats[chat] else { return Member(status: .left) }
        guard var record = chat.members[person] else {
            // Benchmarks ask about people who exist in their updates only.
            let isAssumed = isFast && (chat.kind != .channel || person % 2 == 0)
            return Member(status: isAssumed ? .member : .left)
        }
        guard record.untilDate != 0, record.untilDate <= now.seconds else { return record }
        if record.status == .restricted { record = Member(status: record.isMember ? .member : .left) }
        if record.status == .kicked { record = Member(status: .left) }
        return record
    }

    /// What the person may do in the chat, by record and the chat's own permissions.
    public func permissions(of person: Int64, in chat: Int64, now: Timestamp) -> Permissions {
        let record = member(person, in: chat, now: now)
        return switch record.status {
        case .creator, .administrator: .all
        case .member: chats[chat]?.permissions ?? []
        case .restricted: record.permissions.intersection(chats[chat]?.permissions ?? [])
        case .left: chats[chat]?.kind == .supergroup ? chats[chat]?.permissions ?? [] : []
        case .kicked: []
        }
    }

    /// Whether the message is there and was not deleted.
    public func stands(_ message: Int64, in chat: Int64) -> Bool {
        chats[chat]?.messages[message].map { !$0.isGone } ?? false
    }

    /// The chat with that public name, `@` left out.
    func chat(named name: String) -> Int64? {
        chatOrder.first { chats[$0]?.username?.lowercased() == name.lowercased() }
    }

    func name(of person: Int64) -> String { persons[person]?.name ?? "?" }
    func title(of chat: Int64) -> String { chats[chat]?.title ?? "?" }
}
