// Updates that wait for the bot: one queue a chat or person, of which only the head is on its way (W9, W13, W16).

import EventLoop
import JSON

/// One update with its id and its fate so far.
struct WaitingUpdate {
    let id: Int64
    let kind: String
    let queue: QueueKey
    let body: [UInt8]
    let expiresAt: Int64
    var failures = 0
}

/// The queues, and which of them may send.
struct UpdateQueues {
    /// The kinds that are not delivered unless asked for.
    static let unlisted: Set<String> = ["chat_member", "message_reaction", "message_reaction_count"]
    static let known: Set<String> = [
        "message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "chat_member",
        "my_chat_member", "chat_join_request", "pre_checkout_query", "subscription", "message_reaction",
        "message_reaction_count", "inline_query", "chosen_inline_result", "shipping_query", "poll", "poll_answer",
        "chat_boost", "removed_chat_boost", "business_connection", "business_message", "edited_business_message",
        "deleted_business_messages", "purchased_paid_media",
    ]

    /// The kinds asked for; `nil` is the default.
    private(set) var allowed: [String]?
    private var queues: [QueueKey: [WaitingUpdate]] = [:]
    /// Queues whose head may be sent, in the order in which they became so.
    private var ready: [QueueKey] = []
    /// How many updates are in `queues`, and how many may be.
    private var loaded = 0
    private var loadLimit: Int?
    /// What waits beyond the limit, by id; what lies before `nextToLoad` is loaded already.
    private var unloaded: [WaitingUpdate] = []
    private var nextToLoad = 0
    private var nextID: Int64

    init(firstID: Int64) { nextID = firstID }

    /// How many wait or are on their way.
    var count: Int { loaded + unloaded.count - nextToLoad }

    /// Whether a queue may send.
    var hasReady: Bool { !ready.isEmpty }

    /// Takes over a list as Telegram does: unknown names are left out, none left is the default.
    mutating func allow(_ kinds: [String]) {
        let usable = kinds.filter { Self.known.contains($0) }
        allowed = usable.isEmpty ? nil : usable
    }

    func isAllowed(_ kind: String) -> Bool {
        allowed.map { $0.contains(kind) } ?? !Self.unlisted.contains(kind)
    }

    /// Takes an update in, unless nobody asked for its kind.
    mutating func add(_ update: WorldUpdate) {
        guard isAllowed(update.kind) else { return }
        let id = nextID
        nextID += 1
        let body = JSONValue.object([("update_id", .int(id)), (update.kind, update.value)]).encoded()
        unloaded.append(
            WaitingUpdate(id: id, kind: update.kind, queue: update.queue, body: body, expiresAt: update.expiresAt))
        fill()
    }

    /// Takes the next head that may be sent; its queue waits until `finished` or `release`.
    mutating func takeReady(now: Int64) -> WaitingUpdate? {
        while !ready.isEmpty {
            let key = ready.removeFirst()
            while let head = queues[key]?.first {
                if head.expiresAt > now {
                    ready.removeAll { $0 == key }
                    return head
                }
                // What is loaded in its place may belong to the same queue.
                drop(key)
            }
        }
        return nil
    }

    /// The update was taken by the bot: the next of its queue may be sent.
    mutating func finished(_ update: WaitingUpdate) {
        guard queues[update.queue]?.first?.id == update.id else { return }
        drop(update.queue)
        if queues[update.queue] != nil, !ready.contains(update.queue) { ready.append(update.queue) }
    }

    /// Counts a failure of the head. Gives how many there were.
    mutating func failed(_ update: WaitingUpdate) -> Int {
        guard queues[update.queue]?.first?.id == update.id else { return 0 }
        queues[update.queue]?[0].failures += 1
        return update.failures + 1
    }

    /// The pause of a queue is over.
    mutating func release(_ key: QueueKey) {
        if queues[key] != nil, !ready.contains(key) { ready.append(key) }
    }

    /// Everything that waits, by id: what `getUpdates` gives. What has expired is forgotten.
    mutating func list(limit: Int, now: Int64) -> [WaitingUpdate] {
        let waiting = all.filter { $0.expiresAt > now }
        restart(waiting)
        return Array(waiting.prefix(limit))
    }

    /// Forgets what has an id below `offset`; a negative one keeps that many of the last.
    mutating func confirm(offset: Int64) {
        let waiting = all
        let limit = offset < 0 ? waiting.suffix(Int(min(-offset, 100_000))).first?.id ?? 0 : offset
        restart(waiting.filter { $0.id >= limit })
    }

    /// Forgets everything that waits.
    mutating func clear() { restart([]) }

    /// Looks at so many of the oldest at a time (`nil`: at all); after such a change nothing is paused.
    mutating func load(upTo limit: Int?) {
        loadLimit = limit
        restart(all)
    }

    /// What waits, by id.
    private var all: [WaitingUpdate] {
        (Array(queues.values.joined()) + unloaded[nextToLoad...]).sorted { $0.id < $1.id }
    }

    private mutating func restart(_ waiting: [WaitingUpdate]) {
        queues = [:]
        ready = []
        loaded = 0
        unloaded = waiting
        nextToLoad = 0
        fill()
    }

    /// Loads as many as may be.
    private mutating func fill() {
        while nextToLoad < unloaded.count, loaded < loadLimit ?? .max {
            let update = unloaded[nextToLoad]
            nextToLoad += 1
            loaded += 1
            queues[update.queue, default: []].append(update)
            if queues[update.queue]?.count == 1 { ready.append(update.queue) }
        }
        if nextToLoad == unloaded.count || nextToLoad > 1000 {
            unloaded.removeFirst(nextToLoad)
            nextToLoad = 0
        }
    }

    private mutating func drop(_ key: QueueKey) {
        guard queues[key]?.isEmpty == false else { return }
        queues[key]?.removeFirst()
        loaded -= 1
        if queues[key]?.isEmpty == true { queues[key] = nil }
        fill()
    }
}
