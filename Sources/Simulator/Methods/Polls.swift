// sendPoll, stopPoll, and people who vote.

import EventLoop
import JSON

/// A poll that the bot sent.
struct Poll: Sendable {
    let id: String
    let chatID: Int64
    let messageID: Int64
    /// The fields that never change, from `question` on.
    let fixed: [(key: String, value: JSONValue)]
    let options: [String]
    let isAnonymous: Bool
    let takesSeveral: Bool
    var votes: [Int64: [Int]] = [:]
    var isClosed = false
}

extension World {
    mutating func sendPoll(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard chat.kind != .private || isFast || persons[chat.id] != nil else { throw .badRequest("chat not found") }
        let question = parameters.string("question") ?? ""
        guard !question.isEmpty else { throw .badRequest("poll question must be non-empty") }
        guard question.utf16.count <= 300 else { throw .badRequest("poll question length must not exceed 300") }
        let options = (try parameters.document("options")?.array ?? []).map { $0.string ?? $0["text"]?.string ?? "" }
        guard options.count >= 2 else { throw .badRequest("poll must have at least 2 option") }
        guard options.count <= 12 else { throw .badRequest("poll can't have more than 12 options") }
        guard options.allSatisfy({ !$0.isEmpty }) else { throw .badRequest("poll options must be non-empty") }
        guard options.allSatisfy({ $0.utf16.count <= 100 }) else {
            throw .badRequest("poll options length must not exceed 100")
        }
        let isQuiz = parameters.string("type") == "quiz"
        let correct = try correctOptions(parameters, isQuiz: isQuiz, count: options.count)
        let isAnonymous = parameters["is_anonymous"] == nil || parameters.bool("is_anonymous")
        let takesSeveral = parameters.bool("allows_multiple_answers")
        var fixed: [(key: String, value: JSONValue)] = [
            ("is_anonymous", .bool(isAnonymous)), ("type", .string(isQuiz ? "quiz" : "regular")),
            ("allows_multiple_answers", .bool(takesSeveral)), ("allows_revoting", .bool(!isQuiz)),
            ("members_only", .bool(false)),
        ]
        if isQuiz { fixed.append(("correct_option_ids", .array(correct.map { .int($0) }))) }
        let id = String(random.next() >> 1)
        let sent = try posted(parameters, needs: .polls, "polls", now: now) { _, message in
            message.media = ("poll", .object([]))
            message.isFixed = true
        }
        polls[id] = Poll(
            id: id, chatID: sent.chat, messageID: sent.message.id, fixed: [("question", .string(question))] + fixed,
            options: options, isAnonymous: isAnonymous, takesSeveral: takesSeveral)
        return messageObject(show(id) ?? sent.message, in: sent.chat)
    }

    private func correctOptions(
        _ parameters: Parameters, isQuiz: Bool, count: Int
    ) throws(MethodError) -> [Int64] {
        guard isQuiz else { return [] }
        let given = try parameters.document("correct_option_ids")?.array?.compactMap(\.int)
        // The older name for one answer.
        let ids = given ?? parameters.int("correct_option_id").map { [$0] } ?? []
        guard !ids.isEmpty else { throw .badRequest("wrong correct option ID specified") }
        guard ids.allSatisfy({ (0..<Int64(count)).contains($0) }) else {
            throw .badRequest("wrong correct option ID specified")
        }
        return ids
    }

    mutating func stopPoll(_ parameters: Parameters, now: Timestamp) throws(MethodError) -> JSONValue {
        let chat = try enterChat(parameters, now: now)
        guard let message = parameters.int("message_id"),
            let id = polls.all.first(where: { $0.chatID == chat.id && $0.messageID == message })?.id
        else { throw .badRequest("message with poll to stop not found") }
        guard polls[id]?.isClosed == false else { throw .badRequest("poll has already been closed") }
        polls[id]?.isClosed = true
        show(id)
        let poll = pollObject(id)
        tell("poll", .polls(id), poll, lives: 86_400, now: now)
        return poll
    }

    /// Somebody chooses options of a poll by their numbers; none takes the vote back.
    public mutating func vote(
        _ person: Int64, message: Int64, in chat: Int64, options: [Int], now: Timestamp
    ) throws(Refusal) {
        guard let poll = polls.all.first(where: { $0.chatID == chat && $0.messageID == message }), !poll.isClosed,
            persons[person] != nil, options.allSatisfy({ poll.options.indices.contains($0) })
        else { throw .unknown }
        guard options.count <= 1 || poll.takesSeveral else { throw .restricted }
        polls[poll.id]?.votes[person] = options.isEmpty ? nil : options
        show(poll.id)
        tell("poll", .polls(poll.id), pollObject(poll.id), lives: 86_400, now: now)
        guard !poll.isAnonymous else { return }
        var fields = Fields()
        fields.add("poll_id", poll.id)
        fields.add("user", userObject(person))
        fields.add("option_ids", .array(options.map { .int(Int64($0)) }))
        fields.add("option_persistent_ids", .array(options.map { .string(String($0)) }))
        tell("poll_answer", .polls(poll.id), fields.object, lives: 86_400, now: now)
    }

    /// Writes the poll as it stands into its message, and gives that.
    @discardableResult
    private mutating func show(_ id: String) -> Message? {
        guard let poll = polls[id] else { return nil }
        let shown = pollObject(id)
        chats[poll.chatID]?.messages[poll.messageID]?.media = ("poll", shown)
        return chats[poll.chatID]?.messages[poll.messageID]
    }

    private func pollObject(_ id: String) -> JSONValue {
        guard let poll = polls[id] else { return .null }
        var fields = Fields()
        fields.add("id", poll.id)
        fields.members += poll.fixed
        let options = poll.options.enumerated().map { index, text in
            JSONValue.object([
                ("persistent_id", .string(String(index))), ("text", .string(text)),
                ("voter_count", .int(Int64(poll.votes.values.count { $0.contains(index) }))),
            ])
        }
        fields.add("options", .array(options))
        fields.add("total_voter_count", Int64(poll.votes.count))
        fields.add("is_closed", .bool(poll.isClosed))
        return fields.object
    }
}
