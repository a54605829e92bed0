// Facts that cost a call to Telegram: memberships, administrators, presence. Concurrent questions share a call.

import Domain
import EventLoop
import Gate
import Observability
import Storage
import TelegramBotAPI

/// One answer about a person in a required channel.
struct ChannelAnswer: Sendable {
    var fact: MembershipFact
    var milliseconds: Int64
    var errorType: String?
    var retryAfterMilliseconds: Int64?
}

extension AdminList {
    /// The list as Telegram gives it.
    init(_ members: [ChatMember]) {
        let bots = members.filter { $0.user.isBot && $0.canRestrictMembers }
        self.init(
            ids: Set(members.map(\.user.id)),
            restrictors: Set(members.filter(\.canRestrictMembers).map(\.user.id)),
            creator: members.first { $0.status == .creator }?.user.id,
            first: members.first { !$0.user.isBot }?.user.id,
            restrictingBots: Dictionary(bots.map { ($0.user.id, $0.user.fullName) }, uniquingKeysWith: { $1 }))
    }
}

extension Services {
    /// Asks Telegram whether a person is subscribed; writes the answer into the cache.
    func check(
        _ user: UserID, in channel: ChatID, for group: ChatID, deadline: Instant
    ) async -> ChannelAnswer {
        let key = PairOrder.Pair(chat: channel, user: user)
        return await flights.refresh(key) { [self] in
            await askMembership(user, in: channel, for: group, deadline: deadline)
        }
    }

    private func askMembership(
        _ user: UserID, in channel: ChatID, for group: ChatID, deadline: Instant
    ) async -> ChannelAnswer {
        let began = Loop.shared.current()
        // Whom Telegram does not know there is often a `left` a moment later: the call asks once more after 1 s.
        let context = CallContext(userID: user, groupID: group, deadline: deadline, retries: .upTo(3))
        do throws(BotAPIError) {
            let member = try await api.getChatMember(user, in: channel, context)
            let elapsed = Loop.shared.current().milliseconds(since: began)
            guard let membership = member.membership else {
                return ChannelAnswer(
                    fact: .failed(BotAPIErrorClass.unknownError.rawValue), milliseconds: elapsed,
                    errorType: "UnknownError")
            }
            caches.verdicts.note(membership, of: user, in: channel)
            let fact: MembershipFact = membership == .member ? .member : .notMember(ageMilliseconds: 0)
            return ChannelAnswer(fact: fact, milliseconds: elapsed)
        } catch {
            return answer(for: error, milliseconds: Loop.shared.current().milliseconds(since: began))
        }
    }

    private func answer(for error: BotAPIError, milliseconds: Int64) -> ChannelAnswer {
        let fact: MembershipFact
        switch error.errorClass {
        case .chatNotFound, .botKicked, .adminRightsMissing: fact = .unreachable(error.errorClass.rawValue)
        case .userUnknown: fact = .inferredNotMember
        default: fact = .failed(error.errorClass.rawValue)
        }
        let isInferred = fact == .inferredNotMember
        return ChannelAnswer(
            fact: fact, milliseconds: milliseconds, errorType: isInferred ? nil : error.verificationErrorType,
            retryAfterMilliseconds: error.errorClass == .retryAfter ? (error.retryAfterSeconds ?? 1) * 1000 : nil)
    }

    /// The administrators, from memory or asked; `nil`: they cannot be read.
    func administrators(of group: ChatID, deadline: Instant? = nil) async -> AdminList? {
        let limit = deadline ?? Loop.shared.current().adding(milliseconds: 7000)
        do throws(FetchFailed) {
            return try await caches.admins.value(group) { [api] () async throws(FetchFailed) -> AdminList in
                do throws(BotAPIError) {
                    let context = CallContext(groupID: group, deadline: limit, retries: .upTo(3))
                    let members = try await api.getChatAdministrators(group, context)
                    return AdminList(members)
                } catch {
                    throw FetchFailed(errorClass: error.errorClass.rawValue)
                }
            }
        } catch {
            return nil
        }
    }

    /// Whether a person is an administrator of a group.
    func adminFact(of user: UserID, in group: ChatID, deadline: Instant) async -> AdminFact {
        guard let list = await administrators(of: group, deadline: deadline) else { return .failed }
        return list.ids.contains(user) ? .yes : .no
    }

    /// Whether a person is in a group; `nil`: Telegram did not say.
    func presence(of user: UserID, in group: ChatID, deadline: Instant) async -> Bool? {
        do throws(FetchFailed) {
            let key = PairOrder.Pair(chat: group, user: user)
            if case .missing = caches.presence.lookup(key) {
                HandlerMetrics.cacheMisses.add("presence")
            } else {
                HandlerMetrics.cacheHits.add("presence")
            }
            return try await caches.presence.value(key) { [api] () async throws(FetchFailed) -> Bool in
                do throws(BotAPIError) {
                    let context = CallContext(userID: user, groupID: group, deadline: deadline, retries: .upTo(2))
                    return try await api.getChatMember(user, in: group, context).isMember
                } catch {
                    throw FetchFailed(errorClass: error.errorClass.rawValue)
                }
            }
        } catch {
            return nil
        }
    }

    /// Marks links whose channel the bot cannot look into, and has the administrators told.
    func markBroken(_ channels: [ChatID], in group: ChatID) async {
        for channel in channels {
            do throws(StoreError) {
                let notice = EffectWish.notice(.brokenLink(channel), in: group)
                guard try await store.setHealth(.broken, of: channel, in: group, telling: notice) else { continue }
                workers.wake()
                caches.groups.forget(group)
                await tell("group:\(group.value)")
            } catch {
                return  // the next message of somebody who is not cached finds it again
            }
        }
    }
}
