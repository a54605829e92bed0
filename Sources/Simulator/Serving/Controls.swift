// What a test or a script can do with the world, and what it can ask. Each control settles by itself.

import EventLoop
import JSON

extension Simulator {
    // MARK: - Furnishing

    /// A new group with an owner; the bot is an administrator with all it needs unless told otherwise.
    @discardableResult
    public func addGroup(
        _ title: String, kind: ChatKind = .supergroup, isForum: Bool = false, username: String? = nil,
        owner: Int64? = nil, bot: AdminRights? = .bot
    ) -> Int64 {
        furnish(world.addChat(title, kind: kind, isForum: isForum, username: username), owner: owner, bot: bot)
    }

    /// A new channel with an owner; the bot is an administrator unless told otherwise.
    @discardableResult
    public func addChannel(
        _ title: String, username: String? = nil, owner: Int64? = nil, bot: AdminRights? = .bot
    ) -> Int64 {
        furnish(world.addChat(title, kind: .channel, username: username), owner: owner, bot: bot)
    }

    private func furnish(_ chat: Int64, owner: Int64?, bot: AdminRights?) -> Int64 {
        world.place(
            owner ?? world.addPerson("Owner of \(world.title(of: chat))"), in: chat, as: Member(status: .creator))
        if let bot {
            world.place(world.botID, in: chat, as: Member(status: .administrator, rights: bot.union(.manageChat)))
        }
        return chat
    }

    /// A new person, who is nowhere yet. Names need not differ.
    @discardableResult
    public func addPerson(_ name: String, languageCode: String? = "en", username: String? = nil) -> Int64 {
        world.addPerson(name, languageCode: languageCode, username: username)
    }

    /// The person is in the chat, as if for long: nobody is told.
    public func place(_ person: Int64, in chat: Int64, status: MemberStatus = .member, rights: AdminRights = []) {
        world.place(person, in: chat, as: Member(status: status, rights: rights))
    }

    /// A discussion group gets the channel's posts by itself.
    public func link(channel: Int64, discussion group: Int64) {
        world.chats[channel]?.linkedChatID = group
        world.chats[group]?.linkedChatID = channel
    }

    /// A topic in a forum.
    public func addTopic(_ name: String, in chat: Int64, isClosed: Bool = false) -> Int64 {
        let id = world.chats[chat]?.nextMessageID ?? 2
        world.chats[chat]?.nextMessageID = id + 1
        world.chats[chat]?.topics[max(id, 2)] = Topic(name: name, isClosed: isClosed)
        return max(id, 2)
    }

    /// An invite link made by the chat's owner.
    public func addLink(to chat: Int64, asks: Bool = false, isPrimary: Bool = false) -> String {
        let owner = world.chats[chat]?.order.first ?? 0
        var link = InviteLink(url: "https://t.me/+" + world.random.token(16), creatorID: owner)
        link.createsJoinRequest = asks
        link.isPrimary = isPrimary
        world.chats[chat]?.links.append(link)
        return link.url
    }

    // MARK: - People

    /// Somebody writes in a group or posts in a channel. Gives the message's id.
    @discardableResult
    public func personWrites(
        _ person: Int64, in chat: Int64, _ text: String, thread: Int64? = nil, answers: Int64? = nil
    ) throws(Refusal) -> Int64 {
        defer { settle() }
        return try world.write(person, in: chat, text, thread: thread, answers: answers, now: WallClock.now)
    }

    /// Somebody writes as one of their channels.
    @discardableResult
    public func personSpeaks(_ person: Int64, asChannel channel: Int64, in chat: Int64, _ text: String)
        throws(Refusal) -> Int64
    {
        defer { settle() }
        return try world.write(person, in: chat, text, asChannel: channel, now: WallClock.now)
    }

    /// Somebody sends pictures as one album. Gives the ids.
    @discardableResult
    public func personSendsAlbum(_ person: Int64, in chat: Int64, count: Int) throws(Refusal) -> [Int64] {
        defer { settle() }
        let group = String(world.random.next() >> 1)
        var ids: [Int64] = []
        for _ in 0..<count {
            ids.append(
                try world.write(
                    person, in: chat, "", media: ("photo", World.mediaObject(world.addSample(.photo))),
                    extra: [("media_group_id", .string(group))], needs: .photos, now: WallClock.now))
        }
        return ids
    }

    /// Somebody edits their message.
    public func personEdits(_ message: Int64, in chat: Int64, to text: String) throws(Refusal) {
        defer { settle() }
        try world.edit(message, in: chat, to: text, now: WallClock.now)
    }

    /// Somebody joins a group or channel, perhaps by a link.
    public func personJoins(_ person: Int64, _ chat: Int64, link: String? = nil) throws(Refusal) {
        defer { settle() }
        try world.join(person, chat, link: link, now: WallClock.now)
    }

    /// Somebody asks to be let in.
    public func personAsksToJoin(_ person: Int64, _ chat: Int64) throws(Refusal) {
        defer { settle() }
        try world.requestToJoin(person, chat, now: WallClock.now)
    }

    /// Somebody leaves a group or channel.
    public func personLeaves(_ person: Int64, _ chat: Int64) throws(Refusal) {
        defer { settle() }
        try world.leave(person, chat, now: WallClock.now)
    }

    /// Somebody presses the button with that data. Gives the query's id.
    @discardableResult
    public func personPresses(_ person: Int64, message: Int64, in chat: Int64, data: String) throws(Refusal) -> String {
        defer { settle() }
        return try world.press(person, message: message, in: chat, data: data, now: WallClock.now)
    }

    /// Somebody presses the button with that number among those that send data.
    @discardableResult
    public func personPresses(_ person: Int64, message: Int64, in chat: Int64, button: Int) throws(Refusal) -> String {
        guard let shown = world.chats[chat]?.messages[message] else { throw .unknown }
        let buttons = world.buttons(of: shown)
        guard buttons.indices.contains(button) else { throw .unknown }
        return try personPresses(person, message: message, in: chat, data: buttons[button].data)
    }

    /// Somebody starts the bot, perhaps with an argument.
    @discardableResult
    public func personStarts(_ person: Int64, argument: String = "") throws(Refusal) -> Int64 {
        try personWritesToBot(person, argument.isEmpty ? "/start" : "/start \(argument)")
    }

    /// Somebody writes to the bot in private.
    @discardableResult
    public func personWritesToBot(
        _ person: Int64, _ text: String, answers: Int64? = nil
    ) throws(Refusal) -> Int64 {
        defer { settle() }
        return try world.writeToBot(person, text, answers: answers, now: WallClock.now)
    }

    /// Somebody blocks the bot, or lets it write again.
    public func personBlocks(_ person: Int64, isBlocked: Bool = true) {
        world.setBlocked(person, isBlocked, now: WallClock.now)
        settle()
    }

    /// That many new people come into the group and write once each, evenly over the time. Gives them.
    @discardableResult
    public func raid(_ chat: Int64, people count: Int, seconds: Int64) -> [Int64] {
        var raiders: [Int64] = []
        for index in 0..<count {
            let person = addPerson("Raider \(index + 1)")
            world.place(person, in: chat, as: Member(status: .member))
            raiders.append(person)
            Loop.shared.schedule(afterMilliseconds: seconds * 1000 * Int64(index) / Int64(max(count, 1))) {
                [weak self] in
                unlessRefused { () throws(Refusal) in try self?.personWrites(person, in: chat, "Buy now! \(index)") }
            }
        }
        return raiders
    }

    // MARK: - Administrators

    /// The bot's rights in a chat from now on; `nil` makes it a plain member.
    public func setBotRights(in chat: Int64, _ rights: AdminRights?) {
        world.promote(world.botID, in: chat, rights: rights, by: owner(of: chat), now: WallClock.now)
        settle()
    }

    /// The bot is put into the chat, or thrown out of it.
    public func setBotPresence(in chat: Int64, _ status: MemberStatus) {
        let member = Member(status: status)
        world.change(world.botID, in: chat, to: member, by: owner(of: chat), now: WallClock.now)
        settle()
    }

    /// An administrator sets what somebody may do; everything lifts the restriction.
    public func adminRestricts(
        _ person: Int64, in chat: Int64, to permissions: Permissions = [], until: Int64 = 0, by admin: Int64? = nil
    ) {
        world.restrict(
            person, in: chat, to: permissions, until: until, by: admin ?? owner(of: chat), now: WallClock.now)
        settle()
    }

    /// An administrator lifts somebody's restriction.
    public func adminFrees(_ person: Int64, in chat: Int64, by admin: Int64? = nil) {
        adminRestricts(person, in: chat, to: .all, by: admin)
    }

    /// An administrator bans somebody, or takes it back.
    public func adminBans(_ person: Int64, in chat: Int64, isBanned: Bool = true, by admin: Int64? = nil) {
        world.ban(person, in: chat, isBanned: isBanned, by: admin ?? owner(of: chat), now: WallClock.now)
        settle()
    }

    /// Somebody becomes administrator with those rights, or a plain member again (`nil`).
    public func ownerPromotes(_ person: Int64, in chat: Int64, _ rights: AdminRights?) {
        world.promote(person, in: chat, rights: rights, by: owner(of: chat), now: WallClock.now)
        settle()
    }

    /// The basic group becomes a supergroup, whose id is given.
    public func migrate(_ group: Int64) throws(Refusal) -> Int64 {
        defer { settle() }
        return try world.migrate(group, now: WallClock.now)
    }

    private func owner(of chat: Int64) -> Int64 {
        world.chats[chat]?.order.first { world.chats[chat]?.members[$0]?.status == .creator } ?? 0
    }

    // MARK: - Faults and questions

    /// The next calls of a method (`nil`: of any) fail so.
    public func failNext(_ fault: Fault, of method: String? = nil, count: Int = 1) {
        for _ in 0..<count { faults.plan(fault, method: method) }
    }

    /// Shares of calls that fail from now on.
    public func setFaultRates(_ rates: FaultRates) { faults.rates = options.isFast ? FaultRates() : rates }

    /// No fault is planned any more.
    public func clearFaults() { faults.clear() }

    /// Whether the message was not deleted.
    public func stands(_ message: Int64, in chat: Int64) -> Bool { world.stands(message, in: chat) }

    /// What the person may do in the chat now.
    public func permissions(of person: Int64, in chat: Int64) -> Permissions {
        world.permissions(of: person, in: chat, now: WallClock.now)
    }

    /// The person's record in the chat now.
    public func member(_ person: Int64, in chat: Int64) -> Member {
        world.member(person, in: chat, now: WallClock.now)
    }

    /// The latest calls, oldest first.
    public var calls: [CallRecord] { log.records }

    /// How many calls came in all; with a method's name, of that one.
    public func callCount(of method: String? = nil) -> Int { method.map { log.counts[$0] ?? 0 } ?? log.total }

    /// Forgets the calls.
    public func clearCalls() { log.clear() }

    /// Answers to button presses, oldest first.
    public var callbackAnswers: [CallbackAnswer] { world.answers }

    /// Messages of the bot that stand in the chat, oldest first.
    public func botMessages(in chat: Int64) -> [Message] {
        let messages = world.chats[chat]?.messages.values.filter { $0.senderID == world.botID && !$0.isGone } ?? []
        return messages.sorted { $0.id < $1.id }
    }

    /// How many updates wait or are on their way, were taken, and failed.
    public var deliveryCounts: (pending: Int, delivered: Int, failed: Int) {
        (delivery.pendingCount, delivery.deliveredCount, delivery.failedCount)
    }
}
