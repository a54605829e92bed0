// Counts members of groups and subscribers of channels, looks at titles once a day, tries broken links again.

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// The member count sync.
@IO
public final class MemberSync: Job {
    private enum Answer<Value> {
        case success(Value)
        case failed(BotAPIError)
        /// The run ended while waiting.
        case stopped
    }

    static let pageSize = 100
    /// Ten calls a second.
    static let paceMilliseconds: Int64 = 100
    /// How often a 429 is waited for, for one chat.
    static let maximumRepeats = 5
    /// Half a minute's worth of calls.
    static let linksPerRun = 300

    /// Its name in addresses, leases and metrics.
    public var name: String { JobName.memberSync.rawValue }

    private let store: any Store
    private let telegram: any CommandTelegram
    private let caches: Caches
    private let botID: UserID
    private var lastCall: Instant?

    /// A sync that uses these parts.
    public init(store: any Store, telegram: any CommandTelegram, caches: Caches, botID: UserID) {
        self.store = store
        self.telegram = telegram
        self.caches = caches
        self.botID = botID
    }

    /// Goes through the chats that are due, page by page.
    public func perform(_ run: JobRun) async -> JobResult {
        var synced = (groups: Int64(0), channels: Int64(0))
        var failed = (groups: Int64(0), channels: Int64(0))
        var remaining: Int64 = 0
        // A failed chat stays due, so that the next run asks again; this one must not meet it twice.
        var seen: Set<ChatID> = []
        // Paused for longer than the run may last: for the next run.
        var postponed: Set<ChatID> = []
        var isSuccess = true
        do throws(StoreError) {
            // First, for a run may use up its time on counts.
            try await tryBrokenLinks(run)
            while run.mayContinue {
                let page = try await store.chatsToSync(limit: Self.pageSize + seen.count + postponed.count)
                    .filter { !seen.contains($0.id) && !postponed.contains($0.id) }
                guard !page.isEmpty else { break }
                var counts: [(chat: SyncChat, count: Int64)] = []
                for chat in page.prefix(Self.pageSize) {
                    guard run.mayContinue else { break }
                    let telegram = telegram
                    let answer = await asked(chat.id, run) { () async throws(BotAPIError) in
                        try await telegram.memberCount(of: chat.id)
                    }
                    switch answer {
                    case .success(let count):
                        counts.append((chat, count))
                        if chat.isFirstToday { try await lookAtTitle(chat.id, run) }
                        if chat.isChannel { synced.channels += 1 } else { synced.groups += 1 }
                    case .failed: if chat.isChannel { failed.channels += 1 } else { failed.groups += 1 }
                    case .stopped:
                        postponed.insert(chat.id)
                        continue
                    }
                    seen.insert(chat.id)
                }
                if !counts.isEmpty { try await store.storeCounts(counts) }
            }
            if !run.mayContinue || !postponed.isEmpty {
                let due = try await store.chatsToSync(limit: 100_000)
                remaining = Int64(due.filter { !seen.contains($0.id) }.count)
            }
        } catch {
            Log.error("member_sync_failed", .error("\(error)"))
            isSuccess = false
        }
        return JobResult(
            isSuccess: isSuccess,
            figures: [
                ("groups_synced", synced.groups), ("groups_failed", failed.groups),
                ("channels_synced", synced.channels), ("channels_failed", failed.channels),
                ("remaining", remaining), ("duration_ms", run.milliseconds),
            ])
    }

    /// Counts some chats at once, outside a run: after `/protect`.
    public func count(_ chats: [SyncChat]) async {
        var counts: [(chat: SyncChat, count: Int64)] = []
        for chat in chats {
            do throws(BotAPIError) {
                counts.append((chat, try await telegram.memberCount(of: chat.id)))
            } catch {
                // The next run counts it.
                Log.debug("member_count_failed", .chatID(chat.id.value), .error(error.errorClass.rawValue))
            }
        }
        guard !counts.isEmpty else { return }
        let found = counts
        do throws(StoreError) {
            try await store.storeCounts(found)
        } catch {
            Log.warning("member_counts_not_stored", .error("\(error)"))
        }
    }

    // MARK: - Parts

    /// A 429 is waited for, at most five times for one chat; a pause of more than a minute skips it.
    private func asked<Value: Sendable>(
        _ chat: ChatID, _ run: JobRun, _ call: @IO () async throws(BotAPIError) -> Value
    ) async -> Answer<Value> {
        var repeats = 0
        while true {
            await pace()
            guard run.mayContinue else { return .stopped }
            do throws(BotAPIError) { return .success(try await call()) } catch {
                guard error.errorClass == .retryAfter, let seconds = error.retryAfterSeconds, seconds <= 60,
                    repeats < Self.maximumRepeats
                else {
                    Log.info("sync_call_failed", .chatID(chat.value), .error(error.errorClass.rawValue))
                    return .failed(error)
                }
                repeats += 1
                let wait = (seconds + 1) * 1000
                guard wait < run.remainingMilliseconds else { return .stopped }
                await Loop.shared.sleep(milliseconds: wait)
            }
        }
    }

    /// What the chat is called now. A chat that cannot be asked keeps its name until tomorrow.
    private func lookAtTitle(_ chat: ChatID, _ run: JobRun) async throws(StoreError) {
        let telegram = telegram
        let answer = await asked(chat, run) { () async throws(BotAPIError) in
            try await telegram.chat(.id(chat), for: nil)
        }
        guard case .success(let seen) = answer else { return }
        try await Titles.keep(seen, store: store, caches: caches)
    }

    private func pace() async {
        if let lastCall {
            let wait = Self.paceMilliseconds - Loop.shared.current().milliseconds(since: lastCall)
            if wait > 0 { await Loop.shared.sleep(milliseconds: wait) }
        }
        lastCall = Loop.shared.current()
    }

    /// Links that have been broken for an hour since they were last tried: well when the bot sees the members again.
    private func tryBrokenLinks(_ run: JobRun) async throws(StoreError) {
        for link in try await store.brokenLinks(limit: Self.linksPerRun) {
            let (telegram, botID) = (telegram, botID)
            let answer = await asked(link.channel, run) { () async throws(BotAPIError) in
                try await telegram.member(botID, of: link.channel, for: link.group)
            }
            let health: LinkHealth
            switch answer {
            case .stopped: return
            case .success(let member): health = member.isAdministrator ? .ok : .broken
            // Says nothing about the link; the next run asks again.
            case .failed(let error) where error.isTransient: continue
            case .failed: health = .broken
            }
            guard try await store.setHealth(health, of: link.channel, in: link.group) else { continue }
            Log.info("link_well_again", .chatID(link.group.value))
            caches.groups.forget(link.group)
            try await store.tellCaches("group:\(link.group.value)")
        }
    }
}
