// What Telegram says of all groups and channels that are protected or required, asked a few at a time.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// The answers; what there was no time for is missing.
struct GroupSurvey: Sendable {
    /// What was learnt of one group.
    struct Group: Sendable {
        let group: InspectedGroup
        let answer: Result<[ChatMember], BotAPIError>
    }

    /// What was learnt of one channel.
    struct Channel: Sendable {
        let channel: InspectedChannel
        let bot: Result<ChatMember, BotAPIError>
        let chat: Result<Chat, BotAPIError>
    }

    private(set) var groups: [Group] = []
    private(set) var channels: [Channel] = []
    /// How many there are in all.
    let groupCount: Int
    let channelCount: Int
    let botID: UserID

    /// Calls under way at a time: a running service shares Telegram's patience with us.
    private static let lanes = 8

    /// Asks until there is no more, the time is over, or Telegram wants a pause.
    @IO
    static func make(
        of groups: [InspectedGroup], _ channels: [InspectedChannel], _ api: BotAPI, until end: Instant, _ botID: UserID
    ) async -> GroupSurvey {
        var survey = GroupSurvey(groupCount: groups.count, channelCount: channels.count, botID: botID)
        // Channels first: one that is broken concerns all its groups.
        survey.channels = await inLanes(channels, until: end) { await look(at: $0, api, end, botID) }
        survey.groups = await inLanes(groups, until: end) { group in
            let answer = await result { () async throws(BotAPIError) in
                try await api.getChatAdministrators(group.id, CallContext(deadline: end))
            }
            return hasEnded(answer) ? nil : Group(group: group, answer: answer)
        }
        return survey
    }

    @IO
    private static func look(
        at channel: InspectedChannel, _ api: BotAPI, _ end: Instant, _ botID: UserID
    ) async -> Channel? {
        let id = channel.channel.id
        let bot = await result { () async throws(BotAPIError) in
            try await api.getChatMember(botID, in: id, CallContext(deadline: end))
        }
        let chat = await result { () async throws(BotAPIError) in
            try await api.getChat(id, CallContext(deadline: end))
        }
        return hasEnded(bot) || hasEnded(chat) ? nil : Channel(channel: channel, bot: bot, chat: chat)
    }

    @IO
    private static func result<Value: Sendable>(
        _ call: @IO () async throws(BotAPIError) -> Value
    ) async -> Result<Value, BotAPIError> {
        do throws(BotAPIError) { return .success(try await call()) } catch { return .failure(error) }
    }

    /// Whether no answer came that says anything of the chat.
    private static func hasEnded<Value>(_ result: Result<Value, BotAPIError>) -> Bool {
        if case .failure(let error) = result { error.isTransient } else { false }
    }

    /// Handles elements in order, `lanes` at a time; one that gives nothing ends it.
    @IO
    private static func inLanes<Element: Sendable, Answer: Sendable>(
        _ elements: [Element], until end: Instant, _ ask: @escaping @IO (Element) async -> Answer?
    ) async -> [Answer] {
        let queue = LaneQueue<Element, Answer>(elements, until: end)
        let tasks = (0..<min(lanes, elements.count)).map { _ in
            Task { @IO in
                while let (place, element) = queue.next() { queue.note(await ask(element), at: place) }
            }
        }
        for task in tasks { await task.value }
        return queue.answers.compactMap(\.self)
    }
}

/// Elements that several tasks take one after another.
@IO
private final class LaneQueue<Element: Sendable, Answer: Sendable> {
    private let elements: [Element]
    private let end: Instant
    private var place = 0
    private(set) var answers: [Answer?]

    init(_ elements: [Element], until end: Instant) {
        self.elements = elements
        self.end = end
        answers = Array(repeating: nil, count: elements.count)
    }

    func next() -> (place: Int, element: Element)? {
        guard place < elements.count, Loop.shared.current() < end else { return nil }
        defer { place += 1 }
        return (place, elements[place])
    }

    func note(_ answer: Answer?, at index: Int) {
        if answer == nil { place = elements.count }
        answers[index] = answer
    }
}
