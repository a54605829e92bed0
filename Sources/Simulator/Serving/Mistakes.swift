// Set-ups gone wrong on purpose, for what looks for mistakes: a clock, a bot's settings, a webhook's history.

import EventLoop
import HTTPClient
import JSON

/// What is wrong with this Telegram, or with how the bot was set up there.
struct Mistakes {
    /// How far the `Date` of answers is ahead of the clock.
    var dateAheadSeconds: Int64 = 0
    private var lastDate = (seconds: Int64.min, text: "")

    /// The `Date` of an answer given at `now`; written once a second.
    mutating func date(at now: Timestamp) -> String {
        let seconds = now.seconds + dateAheadSeconds
        if seconds != lastDate.seconds { lastDate = (seconds, Timestamp(seconds: seconds).httpDate) }
        return lastDate.text
    }
}

extension Simulator {
    /// Telegram's clock is that far ahead of ours; negative: behind.
    public func setDateAhead(seconds: Int64) { mistakes.dateAheadSeconds = seconds }

    /// What BotFather's `/setjoingroups` sets.
    public func setMayJoinGroups(_ mayJoin: Bool) { world.botMayJoinGroups = mayJoin }

    /// The last delivery failed with those words, that long ago.
    public func setWebhookError(_ text: String, secondsAgo: Int64 = 0) {
        delivery.noteError(text, atSeconds: WallClock.now.seconds - secondsAgo)
    }

    /// Another bot, which may be made an administrator.
    @discardableResult
    public func addBot(_ name: String, username: String) -> Int64 {
        let id = world.addPerson(name, languageCode: nil, username: username)
        world.persons[id]?.isBot = true
        // It is nobody who acts.
        world.people.removeAll { $0 == id }
        return id
    }

    /// The mistakes over HTTP; nothing if none has that name.
    func mistake(_ name: String, _ input: ControlInput) throws(Refusal) -> Given? {
        switch name {
        case "dateAhead": setDateAhead(seconds: input.number("seconds") ?? 0)
        case "mayJoinGroups": setMayJoinGroups(input.flag("allowed") ?? true)
        case "webhookError": setWebhookError(input.text("text") ?? "", secondsAgo: input.number("seconds_ago") ?? 0)
        case "addBot":
            let bot = addBot(input.text("name") ?? "Other", username: input.text("username") ?? "other_bot")
            return [("id", .int(bot))]
        default: return nil
        }
        return []
    }
}
