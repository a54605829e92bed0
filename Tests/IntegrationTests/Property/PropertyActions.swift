// What may happen in a random world: people, administrators, commands, faults, restarts, time.

import Domain
import EventLoop
import Handlers
import Storage

@testable import Simulator

extension PropertyWorld {
    private static let methods = [
        "getChatMember", "deleteMessage", "restrictChatMember", "sendMessage", "editMessageText",
        "getChatAdministrators",
    ]

    /// One thing happens, the bot is told, and sometimes everything that follows is waited for.
    func step() async throws {
        let person = people[random.below(people.count)]
        switch random.below(100) {
        case 0..<32: try await write(person)
        case 32..<39: try joinOrLeave(person, group)
        case 39..<56: try joinOrLeave(person, random.happens(0.6) ? world.news : world.market)
        case 56..<65: try press(person)
        case 65..<72: byHand(person)
        case 72..<80: try command(person)
        case 80..<87: fault()
        case 87..<89:
            note("a replica is restarted")
            await restart()
        case 89..<93: rights()
        case 93..<95: askToJoin(person)
        default:
            let seconds = [1, 5, 20, 90, 700][random.below(5)]
            note("\(seconds) s pass")
            try await settle()
            try await pass(milliseconds: Int64(seconds) * 1000)
        }
        try await deliver()
        if random.happens(0.5) { try await settle() }
        if random.happens(0.3) { calm() }
    }

    private func joinOrLeave(_ person: Int64, _ chat: Int64) throws {
        let name = chat == group ? "the group" : chat == world.news ? "News" : "Market"
        let isThere = simulator.member(person, in: chat).isMember
        do throws(Refusal) {
            if isThere {
                try simulator.personLeaves(person, chat)
            } else {
                try simulator.personJoins(person, chat)
            }
            // Nobody tells the bot what happens where it is no administrator.
            if !isAdministrator(in: chat) { unseen.insert(person) }
            note("\(person) \(isThere ? "leaves" : "joins") \(name)")
        } catch {
            return  // banned, for instance
        }
    }

    /// A button under one of the bot's messages, of whomever it is.
    private func press(_ person: Int64) throws {
        let messages = simulator.botMessages(in: group).filter { !simulator.world.buttons(of: $0).isEmpty }
        guard !messages.isEmpty else { return }
        let message = messages[random.below(messages.count)]
        let buttons = simulator.world.buttons(of: message)
        let data = buttons[random.below(buttons.count)].data
        do throws(Refusal) { _ = try simulator.personPresses(person, message: message.id, in: group, data: data) } catch
        {
            return
        }
        note("\(person) presses \(data)")
    }

    private func askToJoin(_ person: Int64) {
        guard !simulator.member(person, in: group).isMember else { return }
        do throws(Refusal) { try simulator.personAsksToJoin(person, group) } catch { return }
        note("\(person) asks to be let in")
    }

    /// The bot loses rights, or has them again.
    private func rights() {
        excuseStanding()
        switch random.below(8) {
        case 0:
            simulator.setBotRights(in: group, [.manageChat, .deleteMessages])
            note("the bot may not restrict any more")
        case 1:
            simulator.setBotRights(in: group, [.manageChat, .restrictMembers])
            note("the bot may not delete any more")
        case 2:
            simulator.setBotRights(in: group, nil)
            note("the bot is a member only")
        case 3:
            simulator.setBotPresence(in: group, .kicked)
            wasThrownOut = true
            note("the bot is thrown out")
        case 4:
            simulator.setBotRights(in: world.market, nil)
            note("the bot cannot see Market any more")
        case 5:
            simulator.setBotRights(in: world.market, .bot)
            note("the bot sees Market")
        default:
            simulator.setBotRights(in: group, .bot)
            note("the bot has all its rights")
        }
    }

    private func byHand(_ person: Int64) {
        // Of what happens meanwhile the bot is not told.
        guard isAdministrator(in: group), simulator.member(person, in: group).isMember else { return }
        switch random.below(4) {
        case 0:
            simulator.adminFrees(person, in: group, by: admin)
            mutedByAdmin.remove(person)
            note("the administrator frees \(person)")
        case 1:
            // Whoever is fully muted already is not changed by it, and nobody is told.
            guard !simulator.permissions(of: person, in: group).isEmpty else { return }
            simulator.adminRestricts(person, in: group, to: [], by: admin)
            mutedByAdmin.insert(person)
            note("the administrator mutes \(person)")
        case 2:
            simulator.adminBans(person, in: group, by: admin)
            mutedByAdmin.insert(person)
            note("the administrator bans \(person)")
        default:
            let isAdmin = simulator.member(person, in: group).status == .administrator
            simulator.ownerPromotes(person, in: group, isAdmin ? nil : [.manageChat])
            mutedByAdmin.remove(person)
            note("the owner makes \(person) \(isAdmin ? "a member" : "an administrator")")
        }
    }

    private func command(_ person: Int64) throws {
        let texts = [
            "/release \(person)", "/exempt \(person)", "/exempt \(person) off", "/pause 1m", "/pause off",
            "/settings mode observe", "/settings mode enforce", "/settings fail_mode closed",
            "/settings fail_mode open", "/unprotect", "/protect @the_news", "/protect @the_market",
            "/unprotect @the_market", "/why \(person)", "/status",
        ]
        let text = texts[random.below(texts.count)]
        // What was decided and not done yet is not done any more.
        if ["/pause 1m", "/settings mode observe", "/unprotect"].contains(text) { excuseStanding() }
        do throws(Refusal) { _ = try simulator.personWrites(world.owner, in: group, text) } catch { return }
        if WallClock.now.seconds < faultySeconds { unsureWords.insert(person) }
        note(text)
    }

    private func fault() {
        let faults: [Fault] = [
            .tooManyRequests(retryAfter: Int64(1 + random.below(30))), .serverError(500), .cut, .malformed,
            .answerLost, .slow(milliseconds: 20),
        ]
        let method = Self.methods[random.below(Self.methods.count)]
        let fault = faults[random.below(faults.count)]
        let count = 1 + random.below(3)
        plan(fault, of: method, count: count)
        note("\(count) × \(fault) of \(method)")
        if random.happens(0.3) {
            let replica = replicas[random.below(replicas.count)]
            let isLost = random.happens(0.5)
            replica.database.failNext(.record, isLost ? .answerLost : .away)
            note("a record's \(isLost ? "answer is lost" : "database is away")")
        }
    }
}
