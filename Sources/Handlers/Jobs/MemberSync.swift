// Counts members of groups and subscribers of channels, then tidies up (verification.md 13).

import Domain
import EventLoop
import Observability
import Storage
import TelegramBotAPI

/// The member count sync.
@IO
public final class MemberSync: Job {
    private enum Answer {
        case count(Int64)
        case failed
        /// The run ended while waiting.
        case stopped
    }

    static let pageSize = 100
    /// Ten calls a second.
    static let paceMilliseconds: Int64 = 100

    /// Its name in addresses, leases and metrics.
    public let name = "member-sync"

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
        var isSuccess = true
        do throws(StoreError) {
            while run.mayContinue {
                let page = try await store.chatsToSync(limit: Self.pageSize + seen.count)
                    .filter { !seen.contains($0.id) }
                guard !page.isEmpty else { break }
                var counts: [(chat: SyncChat, count: Int64)] = []
                for chat in page.prefix(Self.pageSize) {
                    guard run.mayContinue else { break }
                    switch await count(chat, run) {
                    case .count(let count):
                        counts.append((chat, count))
                        if chat.isChannel { synced.channels += 1 } else { synced.groups += 1 }
                    case .failed: if chat.isChannel { failed.channels += 1 } else { failed.groups += 1 }
                    case .stopped: continue
                    }
                    seen.insert(chat.id)
                }
                if !counts.isEmpty { try await store.storeCounts(counts) }
            }
            if !run.mayContinue {
                let due = try await store.chatsToSync(limit: 100_000)
                remaining = Int64(due.filter { !seen.contains($0.id) }.count)
            }
            try await tidyUp(run)
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
    private func count(_ chat: SyncChat, _ run: JobRun) async -> Answer {
        for attempt in 0...5 {
            await pace()
            guard run.mayContinue else { return .stopped }
            do throws(BotAPIError) {
                return .count(try await telegram.memberCount(of: chat.id))
            } catch {
                guard error.errorClass == .retryAfter, let seconds = error.retryAfterSeconds, seconds <= 60,
                    attempt < 5
                else {
                    Log.info("member_count_failed", .chatID(chat.id.value), .error(error.errorClass.rawValue))
                    return .failed
                }
                await Loop.shared.sleep(milliseconds: (seconds + 1) * 1000)
            }
        }
        return .failed
    }

    private func pace() async {
        if let lastCall {
            let wait = Self.paceMilliseconds - Loop.shared.current().milliseconds(since: lastCall)
            if wait > 0 { await Loop.shared.sleep(milliseconds: wait) }
        }
        lastCall = Loop.shared.current()
    }

    /// Broken links are tried again, and records that nobody repeats any more go.
    private func tidyUp(_ run: JobRun) async throws(StoreError) {
        for link in try await store.brokenLinks(limit: 100) {
            guard run.mayContinue else { return }
            await pace()
            var health = LinkHealth.broken
            do throws(BotAPIError) {
                if try await telegram.member(botID, of: link.channel, for: link.group).isAdministrator { health = .ok }
            } catch {
                if error.isTransient { continue }  // Says nothing about the link; the next run asks again.
            }
            if try await store.setHealth(health, of: link.channel, in: link.group) {
                caches.groups.forget(link.group)
                try await store.tellCaches("group:\(link.group.value)")
            }
        }
        _ = try await store.trimProcessed()
    }
}
