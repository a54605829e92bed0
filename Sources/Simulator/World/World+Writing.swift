// People write, edit, press, start: what Telegram lets them, and what the bot is told of it.

import EventLoop
import JSON

/// Why somebody could not do something.
public enum Refusal: Error, Equatable, Sendable {
    /// There is no such chat, person, message or button.
    case unknown
    /// The person is not in the chat, or was banned from it.
    case notThere
    /// A restriction forbids it.
    case restricted
    /// The link does not work any more.
    case linkInvalid
    /// The person waits to be let in.
    case waitsForApproval

    /// What the word says to whoever reads the answer of a control.
    var meaning: String {
        switch self {
        case .unknown: "there is no such person, chat, message, button or kind, or it is not named"
        case .notThere: "the person is not in the chat, or was banned from it"
        case .restricted: "the person may not do that there"
        case .linkInvalid: "the link does not work any more"
        case .waitsForApproval: "the person asks to be let in; the bot was told"
        }
    }
}

/// Lets somebody try something. Whom Telegram does not let does nothing, as in life: after a ban, while muted.
func unlessRefused<Result>(_ action: () throws(Refusal) -> Result) {
    do throws(Refusal) { _ = try action() } catch {}
}

extension World {
    /// How many messages of a chat are remembered.
    static let messagesKept: Int64 = 20_000

    /// Somebody writes, or sends what needs another permission than text. Gives the message's id.
    public mutating func write(
        _ person: Int64, in chat: Int64, _ text: String, thread: Int64? = nil, asChannel: Int64? = nil,
        answers: Int64? = nil, media: (key: String, value: JSONValue)? = nil,
        extra: [(key: String, value: JSONValue)] = [], needs permission: Permissions = .sendMessages, now: Timestamp
    ) throws(Refusal) -> Int64 {
        guard let place = chats[chat]?.head, place.migratedTo == nil, persons[person] != nil else { throw .unknown }
        let record = member(person, in: chat, now: now)
        let isDiscussion = place.linkedChatID != nil
        guard record.isPresent || (isDiscussion && record.status != .kicked) else { throw .notThere }
        guard place.kind != .channel || record.isAdmin else { throw .restricted }
        guard record.isAdmin || permissions(of: person, in: chat, now: now).contains(permission) else {
            note(.writeRefused(person: name(of: person), chat: place.title))
            throw .restricted
        }
        if let asChannel, place.bannedChannels.contains(asChannel) { throw .restricted }
        if let thread, place.topics[thread]?.isClosed != false, !record.isAdmin { throw .restricted }
        let isAnonymous = record.isAdmin && record.rights.contains(.anonymous)
        let speaker = asChannel ?? (place.kind == .channel || isAnonymous ? chat : nil)
        let from = asChannel != nil ? StandIn.channel : isAnonymous ? StandIn.anonymousAdmin : person
        var message = newMessage(in: chat, from: place.kind == .channel ? 0 : from, text: text, now: now)
        message.senderChatID = speaker
        message.entities = TextMarks.found(in: text)
        message.threadID = place.isForum ? (thread == 1 ? nil : thread) : nil
        message.extra = extra
        message.media = media
        message.answersID = answers
        keep(message, in: chat)
        let speakerName = speaker.map { title(of: $0) } ?? name(of: person)
        note(.wrote(person: speakerName, chat: place.title, text: message.shownText))
        let kind = place.kind == .channel ? "channel_post" : "message"
        tell(kind, .chat(chat), messageObject(message, in: chat), lives: 86_400, now: now)
        if place.kind == .channel, let group = place.linkedChatID { forward(message, from: chat, to: group, now: now) }
        return message.id
    }

    /// The channel's post appears in its discussion group by itself.
    private mutating func forward(_ post: Message, from channel: Int64, to group: Int64, now: Timestamp) {
        var copy = newMessage(in: group, from: StandIn.telegram, text: post.text, now: now)
        copy.senderChatID = channel
        copy.entities = post.entities
        var origin = Fields()
        origin.add("type", "channel")
        origin.add("date", post.date)
        origin.add("chat", chatObject(channel))
        origin.add("message_id", post.id)
        copy.extra = [("forward_origin", origin.object), ("is_automatic_forward", .bool(true))]
        copy.media = post.media
        copy.isFixed = true
        keep(copy, in: group)
        tell("message", .chat(group), messageObject(copy, in: group), lives: 86_400, now: now)
    }

    /// Somebody edits a message of their own.
    public mutating func edit(
        _ message: Int64, in chat: Int64, to text: String, now: Timestamp
    ) throws(Refusal) {
        guard var edited = chats[chat]?.messages[message], !edited.isGone else { throw .unknown }
        guard
            persons[edited.senderID]?.isBot != false
                || permissions(of: edited.senderID, in: chat, now: now).contains(.sendMessages)
        else { throw .restricted }
        edited.text = text
        edited.entities = TextMarks.found(in: text)
        edited.editDate = now.seconds
        chats[chat]?.messages[message] = edited
        let kind = chats[chat]?.kind == .channel ? "edited_channel_post" : "edited_message"
        tell(kind, .chat(chat), messageObject(edited, in: chat), lives: 86_400, now: now)
    }

    /// Somebody presses a button under a message. Gives the query's id.
    public mutating func press(
        _ person: Int64, message: Int64, in chat: Int64, data: String, now: Timestamp
    ) throws(Refusal) -> String {
        guard persons[person] != nil, let pressed = chats[chat]?.messages[message], !pressed.isGone else {
            throw .unknown
        }
        guard pressed.receiverID == nil || pressed.receiverID == person else { throw .unknown }
        guard let label = buttons(of: pressed).first(where: { $0.data == data })?.label else { throw .unknown }
        let query = String(random.next() >> 1)
        callbacks[query] = Callback(userID: person, at: now)
        callbackOrder.append(query)
        if callbackOrder.count > 10_000 { callbacks[callbackOrder.removeFirst()] = nil }
        note(.pressed(person: name(of: person), button: label))
        var fields = Fields()
        fields.add("id", query)
        fields.add("from", userObject(person))
        fields.add("message", messageObject(pressed, in: chat))
        fields.add("chat_instance", String(chat &* 31 &+ botID))
        fields.add("data", data)
        tell("callback_query", .callbacks(person), fields.object, lives: 150, now: now)
        return query
    }

    /// The buttons of a message that send data, row by row.
    public func buttons(of message: Message) -> [(label: String, data: String)] {
        var found: [(label: String, data: String)] = []
        for row in message.replyMarkup?["inline_keyboard"]?.array ?? [] {
            for button in row.array ?? [] {
                guard let data = button["callback_data"]?.string else { continue }
                found.append((button["text"]?.string ?? "", data))
            }
        }
        return found
    }

    /// Somebody writes to the bot in private; `/start` makes it possible for the bot to answer.
    public mutating func writeToBot(
        _ person: Int64, _ text: String, answers: Int64? = nil, media: (key: String, value: JSONValue)? = nil,
        now: Timestamp
    ) throws(Refusal) -> Int64 {
        guard let known = persons[person], !known.isBot else { throw .unknown }
        let chat = privateChat(of: person)
        if known.hasBlocked { setBlocked(person, false, now: now) }
        persons[person]?.hasStarted = true
        if text.hasPrefix("/start") { note(.started(person: known.name)) }
        var message = newMessage(in: chat, from: person, text: text, now: now)
        message.entities = TextMarks.found(in: text)
        message.media = media
        message.answersID = answers
        keep(message, in: chat)
        tell("message", .chat(chat), messageObject(message, in: chat), lives: 86_400, now: now)
        return message.id
    }

    // MARK: - Keeping messages

    mutating func newMessage(in chat: Int64, from sender: Int64, text: String, now: Timestamp) -> Message {
        let id = chats[chat]?.nextMessageID ?? 1
        chats[chat]?.nextMessageID = id + 1
        return Message(id: id, date: now.seconds, senderID: sender, text: text)
    }

    mutating func keep(_ message: Message, in chat: Int64) {
        chats[chat]?.messages[message.id] = message
        chats[chat]?.messages[message.id - Self.messagesKept] = nil
    }

    /// A line of Telegram's own in the chat, such as "joined".
    mutating func addServiceMessage(
        in chat: Int64, from person: Int64, _ extra: [(key: String, value: JSONValue)], thread: Int64? = nil,
        now: Timestamp
    ) {
        var message = newMessage(in: chat, from: person, text: "", now: now)
        message.extra = extra
        message.isFixed = true
        message.isService = true
        message.threadID = thread
        keep(message, in: chat)
        tell("message", .chat(chat), messageObject(message, in: chat), lives: 86_400, now: now)
    }
}
