// What people do by themselves: one seeded choice after the other, from what each can see of the world.

import EventLoop

/// Chooses whose turn it is and what they do.
public struct People: Sendable {
    private var random: SplitMix64
    private static let lines = [
        "Good morning!", "Has anybody tried the new recipe?", "I agree.", "See you tonight", "What time is it there?",
        "That is a good question", "Photos will follow", "Thanks a lot!", "No idea, sorry", "Can somebody help me?",
        "Доброе утро!", "Ha, very good", "I read that as well", "Who comes on Sunday?", "Let us meet at the gate",
    ]

    /// One run of people's choices follows from the seed.
    public init(seed: UInt64) { random = SplitMix64(seed: seed ^ 0x9E09_1E) }

    /// One person does one thing.
    public mutating func act(in world: inout World, now: Timestamp) {
        let people = world.people
        let groups = world.chatOrder.filter {
            world.chats[$0]?.kind == .supergroup || world.chats[$0]?.kind == .group
        }.filter { world.chats[$0]?.migratedTo == nil }
        guard !people.isEmpty, !groups.isEmpty else { return }
        let person = people[random.below(people.count)]
        let chat = groups[random.below(groups.count)]
        let record = world.member(person, in: chat, now: now)
        let choice = random.below(100)
        if record.status == .restricted, record.isPresent {
            freeOneself(person, in: chat, &world, now: now)
        } else if !record.isPresent {
            // Most stay away: a group must not grow to hold everybody.
            if choice < 15 { unlessRefused { () throws(Refusal) in try world.join(person, chat, now: now) } }
        } else if choice < 4, !record.isAdmin {
            unlessRefused { () throws(Refusal) in try world.leave(person, chat, now: now) }
        } else if choice < 10, let channel = subscribed(person, world, now: now) {
            unlessRefused { () throws(Refusal) in try world.leave(person, channel, now: now) }
        } else {
            let line = Self.lines[random.below(Self.lines.count)]
            let topics = world.chats[chat]?.isForum == true ? world.chats[chat]?.topics.keys.sorted() : nil
            let thread = topics.flatMap { $0.isEmpty ? nil : $0[random.below($0.count)] }
            unlessRefused { () throws(Refusal) in try world.write(person, in: chat, line, thread: thread, now: now) }
        }
    }

    /// Who is muted joins what is asked for, then presses the button; a few give up and wait.
    private mutating func freeOneself(_ person: Int64, in chat: Int64, _ world: inout World, now: Timestamp) {
        let missing = world.chatOrder.filter {
            world.chats[$0]?.kind == .channel && !world.member(person, in: $0, now: now).isPresent
        }
        if !missing.isEmpty, random.happens(0.7) {
            for channel in missing { unlessRefused { () throws(Refusal) in try world.join(person, channel, now: now) } }
            return
        }
        guard random.happens(0.8), let message = prompt(for: person, in: chat, world),
            let data = world.buttons(of: message).first(where: { Self.isFor(person, $0.data) })?.data
        else { return }
        unlessRefused { () throws(Refusal) in
            try world.press(person, message: message.id, in: chat, data: data, now: now)
        }
    }

    private func prompt(for person: Int64, in chat: Int64, _ world: World) -> Message? {
        let messages = world.chats[chat]?.messages.values.filter { message in
            !message.isGone && message.senderID == world.botID
                && world.buttons(of: message).contains { Self.isFor(person, $0.data) }
        }
        return messages?.max { $0.id < $1.id }
    }

    /// A button that names nobody, or this person.
    private static func isFor(_ person: Int64, _ data: String) -> Bool {
        let numbers = data.split(separator: ":").dropFirst()
        return numbers.isEmpty || numbers.contains { Int64($0) == person }
    }

    private mutating func subscribed(_ person: Int64, _ world: World, now: Timestamp) -> Int64? {
        let channels = world.chatOrder.filter {
            let record = world.member(person, in: $0, now: now)
            return world.chats[$0]?.kind == .channel && record.isPresent && !record.isAdmin
        }
        return channels.isEmpty ? nil : channels[random.below(channels.count)]
    }
}
