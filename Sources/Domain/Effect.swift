// What is done to Telegram because of a decision: kinds, lanes and keys of the outbox.

/// The closed list of effects. Each has one file in `Handlers/Effects`.
public enum EffectKind: String, CaseIterable, Sendable {
    /// Delete one message.
    case delete
    /// Mute the person of a ledger row.
    case restrict
    /// Give a person their rights back.
    case lift
    /// Let a join request in.
    case approve
    /// Tell all who are held in a group and were not told yet.
    case prompt
    /// Bring a prompt or standing notice up to date.
    case edit
    /// A prompt's time is up: delete it, or make it the standing notice.
    case expire
    /// A message to a person or chat.
    case send
    /// A notice to the administrators of a group.
    case notify
    /// Look again whether a person is to be held or released.
    case recheck

    /// Lanes keep cheap and urgent work from waiting behind mass work; 1 goes first.
    public var lane: Int {
        switch self {
        case .delete, .restrict: 1
        case .lift, .approve: 2
        case .prompt, .edit, .expire: 3
        case .send, .notify, .recheck: 4
        }
    }
}

/// Which ledger row an effect belongs to.
public enum EffectLedger: Equatable, Sendable {
    /// None.
    case none
    /// The row that the same record opens: its id is not known yet.
    case opened
    /// A known row.
    case row(LedgerID)
}

/// An effect that is to be recorded. Its key makes a second wish for the same thing a revision.
public struct EffectWish: Equatable, Sendable {
    /// What is to be done.
    public var kind: EffectKind
    /// `dedup_key`; `nil` for `restrict` and `lift`, whose key is made of the ledger row's id.
    public var key: String?
    /// The chat in which it is done.
    public var chat: ChatID
    /// The person whom it concerns.
    public var user: UserID?
    /// The hold that it belongs to.
    public var ledger: EffectLedger
    /// JSON object; what the effect cannot read from the world when it is performed.
    public var payload: String
    /// Milliseconds from recording until it is due.
    public var delayMilliseconds: Int64
    /// Whether the recording replica takes it under its own lease and starts it at once.
    public var startsAtOnce: Bool

    /// An effect with the given facts.
    public init(
        _ kind: EffectKind, key: String?, chat: ChatID, user: UserID? = nil, ledger: EffectLedger = .none,
        payload: String = "{}", delayMilliseconds: Int64 = 0, startsAtOnce: Bool = false
    ) {
        self.kind = kind
        self.key = key
        self.chat = chat
        self.user = user
        self.ledger = ledger
        self.payload = payload
        self.delayMilliseconds = delayMilliseconds
        self.startsAtOnce = startsAtOnce
    }

    /// Deletes one message.
    public static func delete(_ message: MessageID, in chat: ChatID, delayMilliseconds: Int64 = 0) -> EffectWish {
        EffectWish(
            .delete, key: "delete:\(chat.value):\(message.value)", chat: chat,
            payload: #"{"message":\#(message.value)}"#, delayMilliseconds: delayMilliseconds)
    }

    /// Mutes the person of the row that the same record opens.
    public static func restrict(_ user: UserID, in chat: ChatID) -> EffectWish {
        EffectWish(.restrict, key: nil, chat: chat, user: user, ledger: .opened)
    }

    /// Gives the person of a known row their rights back.
    public static func lift(
        _ ledger: LedgerID, of user: UserID, in chat: ChatID, delayMilliseconds: Int64 = 0
    ) -> EffectWish {
        EffectWish(
            .lift, key: "lift:\(ledger.value)", chat: chat, user: user, ledger: .row(ledger),
            delayMilliseconds: delayMilliseconds)
    }

    /// Tells all who are held in a group and untold. `thread` is where, if the group has topics.
    public static func prompt(in group: ChatID, thread: Int64? = nil) -> EffectWish {
        let payload = thread.map { #"{"thread":\#($0)}"# } ?? "{}"
        return EffectWish(.prompt, key: "prompt:\(group.value)", chat: group, payload: payload)
    }

    /// Brings a prompt up to date with who is still held.
    public static func edit(_ message: MessageID, in chat: ChatID, afterMilliseconds: Int64 = 0) -> EffectWish {
        EffectWish(
            .edit, key: "edit:\(chat.value):\(message.value)", chat: chat,
            payload: #"{"message":\#(message.value)}"#, delayMilliseconds: afterMilliseconds)
    }

    /// Ends a prompt after its time. `thread` is the topic in which it stands.
    public static func expire(
        _ message: MessageID, in chat: ChatID, thread: Int64? = nil, afterMilliseconds: Int64
    ) -> EffectWish {
        let place = thread.map { #","thread":\#($0)"# } ?? ""
        return EffectWish(
            .expire, key: "expire:\(chat.value):\(message.value)", chat: chat,
            payload: #"{"message":\#(message.value)\#(place)}"#, delayMilliseconds: afterMilliseconds)
    }

    /// Lets a person in who asked to join.
    public static func approve(_ user: UserID, in group: ChatID) -> EffectWish {
        EffectWish(.approve, key: "approve:\(group.value):\(user.value)", chat: group, user: user)
    }

    /// Looks at a person in a group again. `messages` (at most 20) are deleted if they turn out unsubscribed.
    public static func recheck(
        _ user: UserID, in group: ChatID, messages: [MessageID] = [], audits: Bool = false,
        source: VerificationSource, delayMilliseconds: Int64 = 0
    ) -> EffectWish {
        let ids = messages.prefix(20).map { String($0.value) }.joined(separator: ",")
        return EffectWish(
            .recheck, key: "recheck:\(group.value):\(user.value)", chat: group, user: user,
            payload: #"{"messages":[\#(ids)],"audit":\#(audits),"source":"\#(source.rawValue)"}"#,
            delayMilliseconds: delayMilliseconds)
    }
}

/// An effect as the outbox has it, under this replica's lease.
///
/// Behind a reference: it goes through a dozen functions that wait, and each would keep copies of 200 bytes.
public final class Effect: Sendable, Equatable {
    /// Row id.
    public let id: Int64
    /// `dedup_key`.
    public let key: String
    /// What is to be done.
    public let kind: EffectKind
    /// The chat in which it is done.
    public let chat: ChatID
    /// The person whom it concerns.
    public let user: UserID?
    /// The hold that it belongs to.
    public let ledger: LedgerID?
    /// The decision that it follows from.
    public let decision: Int64?
    /// JSON object, as recorded (merged when the key came again).
    public let payload: String
    /// Transient failures so far.
    public let attempts: Int
    /// Which wish for this key it is; a finish with an older one leaves the row.
    public let revision: Int
    /// How often a message may have been sent for it, this attempt included.
    public let sends: Int
    /// Milliseconds since it was recorded, by the database's clock.
    public let ageMilliseconds: Int64
    /// Whether another replica held it before: its outcome may be unknown.
    public let isTakenOver: Bool
    /// The hold as it was when the effect was leased; for a prompt: the only one that its group had to be told of.
    /// `nil`: it has to be read.
    public let freshHold: Hold?

    /// A row with the given columns.
    public init(
        id: Int64, key: String, kind: EffectKind, chat: ChatID, user: UserID?, ledger: LedgerID?, decision: Int64?,
        payload: String, attempts: Int, revision: Int, sends: Int, ageMilliseconds: Int64, isTakenOver: Bool,
        freshHold: Hold? = nil
    ) {
        self.id = id
        self.key = key
        self.kind = kind
        self.chat = chat
        self.user = user
        self.ledger = ledger
        self.decision = decision
        self.payload = payload
        self.attempts = attempts
        self.revision = revision
        self.sends = sends
        self.ageMilliseconds = ageMilliseconds
        self.isTakenOver = isTakenOver
        self.freshHold = freshHold
    }

    /// Whether both are the same wish of the same row.
    public static func == (one: Effect, other: Effect) -> Bool {
        one.id == other.id && one.revision == other.revision
    }

    /// The same effect, with its hold as it is now.
    public func with(freshHold hold: Hold) -> Effect {
        Effect(
            id: id, key: key, kind: kind, chat: chat, user: user, ledger: ledger, decision: decision, payload: payload,
            attempts: attempts, revision: revision, sends: sends, ageMilliseconds: ageMilliseconds,
            isTakenOver: isTakenOver, freshHold: hold)
    }
}
