// /protect: links channels to a group and switches its protection on.

import Domain
import EventLoop
import Storage
import TelegramBotAPI

struct Protect: Command {
    static let name = CommandName.protect
    static let audience = Audience.supergroupRestrictors

    /// Above that many members people are better watched first.
    private static let largeMembers: Int64 = 200

    let tools: CommandTools

    /// Why a channel cannot be linked; nothing is stored then.
    private enum Refusal: Error {
        case answer(Text)
        case failed(BotAPIError)
    }

    func run(_ call: CommandCall) async throws(CommandError) -> [Reply] {
        var references: [ChatReference] = []
        let isObserving = call.arguments.last?.lowercased() == "observe"
        for word in ChannelArgument.words(isObserving ? call.arguments.dropLast() : call.arguments) {
            guard let reference = ChannelArgument.parse(word) else { return [Reply(.channelNotFound(word))] }
            if !references.contains(reference) { references.append(reference) }
        }
        if references.isEmpty, let origin = call.message.replyTo?.forwardOrigin { references = [.id(origin.id)] }
        guard !references.isEmpty else { return [Reply(.protectUsage)] }
        guard references.count <= 5 else { return [Reply(.tooManyChannels)] }

        let existing = try await stored { () async throws(StoreError) in try await tools.store.group(call.chat.id) }
        do throws(Refusal) {
            var channels: [RequiredChannel] = []
            for reference in references {
                let chat = try await find(reference, call)
                try await checkStanding(in: chat, call)
                channels.append(try await withLink(chat, existing: existing, call))
            }
            try await checkRights(call)
            return try await link(channels, existing: existing, isObserving: isObserving, call)
        } catch {
            switch error {
            case .answer(let text): return [Reply(text)]
            case .failed(let failure): throw .telegram(failure)
            }
        }
    }

    // MARK: - Steps

    private func find(_ reference: ChatReference, _ call: CommandCall) async throws(Refusal) -> Chat {
        let chat: Chat
        do throws(BotAPIError) {
            chat = try await tools.telegram.chat(reference, for: call.chat.id)
        } catch {
            throw error.isTransient ? .failed(error) : .answer(.channelNotFound(ChannelArgument.written(reference)))
        }
        guard chat.type == .channel || chat.type == .supergroup else {
            throw .answer(.notAChannel(ChannelArgument.written(reference)))
        }
        guard chat.id != call.chat.id else { throw .answer(.ownRequiredChannel) }
        return chat
    }

    /// The bot is administrator there; of a private channel the caller too, else anybody could learn its link.
    private func checkStanding(in channel: Chat, _ call: CommandCall) async throws(Refusal) {
        let title = Naming.shown(channel.title ?? "\(channel.id)", maximum: 64)
        guard try await isAdministrator(tools.botID, in: channel.id, call) else {
            throw .answer(.botNotInChannel(title))
        }
        guard channel.username == nil else { return }
        guard let user = call.user else { throw .answer(.anonymousCaller(title)) }
        guard try await isAdministrator(user.id, in: channel.id, call) else {
            throw .answer(.callerNotInChannel(title))
        }
    }

    private func isAdministrator(
        _ user: UserID, in channel: ChatID, _ call: CommandCall
    ) async throws(Refusal) -> Bool {
        do throws(BotAPIError) {
            return try await tools.telegram.member(user, of: channel, for: call.chat.id).isAdministrator
        } catch {
            // A refusal for good says that the bot does not see the members, so it is no administrator.
            if error.isTransient { throw .failed(error) }
            return false
        }
    }

    private func checkRights(_ call: CommandCall) async throws(Refusal) {
        let missing: [BotRight]
        do throws(BotAPIError) {
            missing = try await tools.missingRights(in: call.chat.id)
        } catch {
            throw .failed(error)
        }
        if !missing.isEmpty { throw .answer(.missingRights(missing)) }
    }

    /// A private channel needs a link: the one stored, its primary one, or a new one of ours.
    private func withLink(
        _ chat: Chat, existing: ProtectedGroup?, _ call: CommandCall
    ) async throws(Refusal) -> RequiredChannel {
        var channel = RequiredChannel(id: chat.id, title: chat.title ?? "", username: chat.username)
        guard chat.username == nil else { return channel }
        channel.inviteLink = chat.inviteLink ?? existing?.channels.first { $0.id == chat.id }?.inviteLink
        guard channel.inviteLink == nil else { return channel }
        do throws(BotAPIError) {
            channel.inviteLink = try await tools.telegram.makeInviteLink(to: chat.id, for: call.chat.id)
        } catch {
            throw error.isTransient ? .failed(error) : .answer(.inviteRightNeeded(Naming.channel(channel)))
        }
        return channel
    }

    private func link(
        _ channels: [RequiredChannel], existing: ProtectedGroup?, isObserving: Bool, _ call: CommandCall
    ) async throws(Refusal) -> [Reply] {
        guard let admins = await tools.administrators(of: call.chat.id),
            let owner = call.user?.id ?? existing?.owner.standing(in: admins) ?? admins.creator ?? admins.first
        else { throw .answer(.permissionsUnknown) }
        var params = existing?.params ?? GroupParams()
        params.mode = isObserving ? .observe : params.mode
        let protection = Protection(
            group: call.chat.id, title: call.chat.title ?? "", owner: owner, ownerUsername: call.user?.username,
            replacesOwner: existing.map { !admins.ids.contains($0.owner) } ?? false, channels: channels,
            params: isObserving ? params : nil)
        do throws(StoreError) {
            try await tools.store.protect(protection)
            if isObserving {
                _ = try await tools.store.releaseAll(as: .unprotected(call.chat.id))
                tools.start([])
            }
            if try await tools.store.adoptOrphans(in: call.chat.id) > 0 {
                var record = Record(update: nil)
                record.effects = [.prompt(in: call.chat.id)]
                _ = try await tools.store.record(record)
                tools.start([])
            }
            await tools.forget(call.chat.id)
            let group = try await tools.store.group(call.chat.id)
            let linked = group?.channels ?? channels
            tools.countSoon(
                [SyncChat(id: call.chat.id, isChannel: false, count: 0, title: call.chat.title ?? "")]
                    + channels.map { SyncChat(id: $0.id, isChannel: true, count: 0, title: $0.title) })
            let done = Text.protected(
                group: Naming.shown(call.chat.title ?? "", maximum: 128), channels: linked.map(Naming.channel),
                isObserving: params.mode == .observe)
            let parts = [done] + (try await warning(of: admins, in: call.chat.id))
            let keyboard = try await buttons(owner, params, call.chat.id)
            return [Reply(parts: parts.map { .text($0) }, keyboard: keyboard)]
        } catch {
            throw .answer(.somethingWrong(reference: CommandFailure.report(.store(error), call)))
        }
    }

    /// What is worth a press now: notices in private, and, where many would feel it, watching before enforcing.
    private func buttons(
        _ owner: UserID, _ params: GroupParams, _ group: ChatID
    ) async throws(StoreError) -> InlineKeyboard? {
        let language = Languages.named(params.language)
        var rows: [[InlineButton]] = []
        if try await !tools.store.canMessage(owner), let notices = Notices.button(tools.services.settings, language) {
            rows.append([notices])
        }
        if params.mode == .observe {
            rows.append([ModeButton.button(.enforce, group, language)])
        } else if await isLarge(group) {
            rows.append([ModeButton.button(.observe, group, language)])
        }
        return rows.isEmpty ? nil : InlineKeyboard(rows)
    }

    private func isLarge(_ group: ChatID) async -> Bool {
        do throws(BotAPIError) {
            return try await tools.telegram.memberCount(of: group) > Self.largeMembers
        } catch {
            return false  // the button is an offer; without it there is `/settings mode observe`
        }
    }

    /// Two bots that restrict un-mute each other's people: said once.
    private func warning(of admins: AdminList, in group: ChatID) async throws(StoreError) -> [Text] {
        let others = admins.restrictingBots.filter { $0.key != tools.botID }.values.sorted()
        let key = "notice:other_bot:\(group.value)"
        guard let name = others.first, try await tools.store.setting(key) == nil else { return [] }
        try await tools.store.setSetting(key, String(WallClock.now.seconds))
        return [.otherRestrictingBot(Naming.shown(name, maximum: 64))]
    }
}

extension UserID {
    fileprivate func standing(in admins: AdminList) -> UserID? { admins.ids.contains(self) ? self : nil }
}
