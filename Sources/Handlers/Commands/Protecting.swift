// The steps of protecting a group, whoever asks and wherever: each refuses with its reason, and nothing is stored then.

import Domain
import EventLoop
import JSON
import Storage
import TelegramBotAPI

/// A wish to require channels in a group: by `/protect` there, or by a choice in private.
@IO
struct Protecting {
    /// Above that many members people are better watched first.
    private static let largeMembers: Int64 = 200

    let tools: CommandTools
    /// The group, with its title.
    let group: Chat
    /// Who asks; `nil`: an anonymous administrator.
    let caller: User?
    /// Whether the group is only to watch.
    var isObserving = false
    /// The language of the answer; `nil`: the group's.
    var language: (any Catalogue)?

    /// Why a channel cannot be linked.
    private enum Refusal: Error {
        case answer(Text)
        case failed(CommandError)
    }

    /// Links the channels and switches protection on.
    func require(_ references: [ChatReference]) async throws(CommandError) -> Reply {
        let existing = try await stored { () async throws(StoreError) in try await tools.store.group(group.id) }
        do throws(Refusal) {
            var channels: [RequiredChannel] = []
            for reference in references {
                let chat = try await find(reference)
                try await checkStanding(in: chat)
                channels.append(try await withLink(chat, existing: existing))
            }
            try await checkRights()
            return try await link(channels, existing: existing)
        } catch {
            switch error {
            case .answer(let text): return Reply(text)
            case .failed(let failure): throw failure
            }
        }
    }

    // MARK: - Steps

    private func find(_ reference: ChatReference) async throws(Refusal) -> Chat {
        let chat: Chat
        do throws(BotAPIError) {
            chat = try await tools.telegram.chat(reference, for: group.id)
        } catch {
            throw error.isTransient
                ? .failed(.telegram(error)) : .answer(.channelNotFound(ChannelArgument.written(reference)))
        }
        guard chat.type == .channel || chat.type == .supergroup else {
            throw .answer(.notAChannel(ChannelArgument.written(reference)))
        }
        guard chat.id != group.id else { throw .answer(.ownRequiredChannel) }
        return chat
    }

    /// The bot is administrator there; of a private channel the caller too, else anybody could learn its link.
    private func checkStanding(in channel: Chat) async throws(Refusal) {
        let title = Naming.shown(channel.title ?? "\(channel.id)", maximum: 64)
        guard try await isAdministrator(tools.botID, in: channel.id) else {
            throw .answer(.botNotInChannel(title))
        }
        guard channel.username == nil else { return }
        guard let user = caller else { throw .answer(.anonymousCaller(title)) }
        guard try await isAdministrator(user.id, in: channel.id) else {
            throw .answer(.callerNotInChannel(title))
        }
    }

    private func isAdministrator(
        _ user: UserID, in channel: ChatID
    ) async throws(Refusal) -> Bool {
        do throws(BotAPIError) {
            return try await tools.telegram.member(user, of: channel, for: group.id).isAdministrator
        } catch {
            // A refusal for good says that the bot does not see the members, so it is no administrator.
            if error.isTransient { throw .failed(.telegram(error)) }
            return false
        }
    }

    private func checkRights() async throws(Refusal) {
        let missing: [BotRight]
        do throws(BotAPIError) {
            missing = try await tools.missingRights(in: group.id)
        } catch {
            throw .failed(.telegram(error))
        }
        if !missing.isEmpty { throw .answer(.missingRights(missing)) }
    }

    /// A private channel needs a link: the one stored, its primary one, or a new one of ours.
    private func withLink(
        _ chat: Chat, existing: ProtectedGroup?
    ) async throws(Refusal) -> RequiredChannel {
        var channel = RequiredChannel(id: chat.id, title: chat.title ?? "", username: chat.username)
        guard chat.username == nil else { return channel }
        channel.inviteLink = chat.inviteLink ?? existing?.channels.first { $0.id == chat.id }?.inviteLink
        guard channel.inviteLink == nil else { return channel }
        do throws(BotAPIError) {
            channel.inviteLink = try await tools.telegram.makeInviteLink(to: chat.id, for: group.id)
        } catch {
            throw error.isTransient ? .failed(.telegram(error)) : .answer(.inviteRightNeeded(Naming.channel(channel)))
        }
        return channel
    }

    private func link(
        _ channels: [RequiredChannel], existing: ProtectedGroup?
    ) async throws(Refusal) -> Reply {
        guard let admins = await tools.administrators(of: group.id),
            let owner = caller?.id ?? existing?.owner.standing(in: admins) ?? admins.creator ?? admins.first
        else { throw .answer(.permissionsUnknown) }
        let isWatching = isObserving || existing?.params.mode == .observe
        let protection = Protection(
            group: group.id, title: group.title ?? "", owner: owner, ownerUsername: caller?.username,
            replacesOwner: existing.map { !admins.ids.contains($0.owner) } ?? false, channels: channels,
            watching: isWatching ? .unprotected(group.id) : nil,
            audit: AuditRow(
                .protect, by: caller?.id, .group(group.id),
                [("channels", .array(channels.map { .int($0.id.value) })), ("observe", .bool(isObserving))]))
        do throws(StoreError) {
            try await tools.store.protect(protection)
            await tools.forget(group.id)
            tools.start([])
            let linked = try await tools.store.group(group.id)?.channels ?? channels
            tools.countSoon(
                [SyncChat(id: group.id, isChannel: false, count: 0, title: group.title ?? "")]
                    + channels.map { SyncChat(id: $0.id, isChannel: true, count: 0, title: $0.title) })
            let done = Text.protected(
                group: Naming.shown(group.title ?? "", maximum: 128), channels: linked.map(Naming.channel),
                isObserving: isWatching)
            let parts = [done] + (try await warning(of: admins, in: group.id))
            let language = language ?? Languages.named(existing?.params.language ?? GroupParams().language)
            let keyboard = try await buttons(owner, isWatching, language)
            return Reply(parts: parts.map { .text($0) }, keyboard: keyboard)
        } catch {
            throw .failed(.store(error))
        }
    }

    /// What is worth a press now: notices in private, and, where many would feel it, watching before enforcing.
    private func buttons(
        _ owner: UserID, _ isWatching: Bool, _ language: any Catalogue
    ) async throws(StoreError) -> InlineKeyboard? {
        var rows: [[InlineButton]] = []
        if try await !tools.store.canMessage(owner), let notices = Notices.button(tools.services.settings, language) {
            rows.append([notices])
        }
        if isWatching {
            rows.append([ModeButton.button(.enforce, group.id, language)])
        } else if await isLarge(group.id) {
            rows.append([ModeButton.button(.observe, group.id, language)])
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
