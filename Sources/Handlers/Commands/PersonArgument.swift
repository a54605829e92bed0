// The person whom a command is about: by reply, by mention, by name or by id.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

/// Finds the person of `/exempt`, `/why`, `/release`.
@IO
struct PersonArgument {
    /// Whom a command names.
    enum Found {
        /// This person; the name is empty where Telegram did not tell it.
        case person(User)
        /// A message of the bot that tells of several people.
        case several([User])
        /// A word that stands for nobody whom the bot knows.
        case unknown(String)
        /// Nobody was named.
        case missing
    }

    let tools: CommandTools

    /// People with their ids, one a line, for "which of them?".
    static func list(_ people: [User]) -> Markup {
        .joined(
            people.map { "• \(HTML.mention($0.id, name: $0.fullName)) <code>\($0.id.value)</code>" }, separator: "\n")
    }

    /// By a mention that carries the person, by `word`, or by reply. A reply to a prompt is about whom it addresses.
    func find(_ call: CommandCall, word: String?) async throws(CommandError) -> Found {
        for entity in call.message.entities {
            if case .textMention(let user) = entity.kind { return .person(user) }
        }
        if let word { return try await written(word, call).map(Found.person) ?? .unknown(word) }
        guard let reply = call.message.replyTo, reply.senderChat == nil, let author = reply.from else {
            return .missing
        }
        guard author.id == tools.botID else { return .person(author) }
        return try await addressed(by: reply, call)
    }

    private func written(_ word: String, _ call: CommandCall) async throws(CommandError) -> User? {
        if word.hasPrefix("@") { return try await named(String(word.dropFirst()), call) }
        guard let number = Int64(word), number > 0, number < 1 << 52 else { return nil }
        return await member(UserID(number), call)
    }

    /// Telegram tells bots nobody's id by a name: known are those who wrote to the bot and have the name still.
    private func named(_ name: String, _ call: CommandCall) async throws(CommandError) -> User? {
        let known = try await stored { () async throws(StoreError) in try await tools.store.person(named: name) }
        guard let known else { return nil }
        let user = await member(known, call)
        return user.username?.lowercased() == name.lowercased() ? user : nil
    }

    /// The ledger knows who was told; the message's own mentions tell it of older ones.
    private func addressed(by reply: RepliedMessage, _ call: CommandCall) async throws(CommandError) -> Found {
        let told = try await stored { () async throws(StoreError) in
            try await tools.store.people(toldBy: reply.id, in: call.chat.id)
        }
        var ids: [UserID] = []
        for id in told + reply.mentioned.map(\.id) where !ids.contains(id) { ids.append(id) }
        guard ids.count > 1 else {
            guard let id = ids.first else { return .missing }
            return .person(await member(id, call))
        }
        return .several(
            ids.prefix(10).map { id in
                reply.mentioned.first { $0.id == id && !$0.fullName.isEmpty }
                    ?? User(id: id, firstName: tools.services.notes.name(of: id)?.name ?? "")
            })
    }

    private func member(_ id: UserID, _ call: CommandCall) async -> User {
        do throws(BotAPIError) {
            return try await tools.telegram.member(id, of: call.chat.id, for: call.chat.id).user
        } catch {
            return User(id: id)  // Telegram need not know them here for the answer to be right.
        }
    }
}
