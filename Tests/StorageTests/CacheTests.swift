// The caches' promises: bounds, ages, shared fetches, order.

import Domain
import EventLoop
import Testing

@testable import Storage

@Suite("Caches", .serialized)
struct CacheTests {
    @Test
    func `an LRU forgets what was used longest ago`() {
        var map = LRU<Int, String>(capacity: 2)
        map.set(1, "one")
        map.set(2, "two")
        _ = map.value(1)
        map.set(3, "three")
        #expect(map.peek(1) == "one")
        #expect(map.peek(2) == nil)
        #expect(map.count == 2)
        map.remove(1)
        map.set(4, "four")
        #expect([map.peek(3), map.peek(4)] == ["three", "four"])
    }

    @Test @IO
    func `verdicts end after their time, negative ones after a minute`() {
        let cache = VerdictCache(positiveSeconds: 100, jitterPercent: 0)
        cache.note(.member, of: UserID(1), in: ChatID(-1))
        cache.note(.notMember, of: UserID(2), in: ChatID(-1))
        Loop.shared.advance(milliseconds: 61_000)
        #expect(cache.verdict(UserID(1), in: ChatID(-1))?.membership == .member)
        #expect(cache.verdict(UserID(2), in: ChatID(-1)) == nil)
        Loop.shared.advance(milliseconds: 20_000)
        #expect(cache.verdict(UserID(1), in: ChatID(-1)).map(cache.wantsRefresh) == true)
        Loop.shared.advance(milliseconds: 20_000)
        #expect(cache.verdict(UserID(1), in: ChatID(-1)) == nil)
    }

    @Test @IO
    func `concurrent misses share one fetch, and a forgotten key takes no old value`() async throws {
        let cache = StaleCache<Int, Int, FetchFailed>(capacity: 4, freshMilliseconds: 1000, staleMilliseconds: 5000)
        let gate = Completion<Int, FetchFailed>()
        var fetches = 0
        let fetch: @IO () async throws(FetchFailed) -> Int = { () async throws(FetchFailed) -> Int in
            fetches += 1
            return try await gate.wait()
        }
        let first = Task { @IO in try await cache.value(1, fetch: fetch) }
        let second = Task { @IO in try await cache.value(1, fetch: fetch) }
        await Loop.shared.sleep(milliseconds: 0)
        cache.forget(1)
        gate.finish(.success(7))
        #expect(try await first.value + second.value == 14)
        #expect(fetches == 1)
        guard case .missing = cache.lookup(1) else {
            Issue.record("the fetch brought a forgotten value back")
            return
        }
    }

    @Test @IO
    func `a stale value is fetched once, however many ask in one turn`() async throws {
        let cache = StaleCache<Int, Int, FetchFailed>(capacity: 4, freshMilliseconds: 1000, staleMilliseconds: 5000)
        cache.set(1, 6)
        Loop.shared.advance(milliseconds: 2000)
        let gate = Completion<Int, FetchFailed>()
        var fetches = 0
        let fetch: @IO () async throws(FetchFailed) -> Int = { () async throws(FetchFailed) -> Int in
            fetches += 1
            return try await gate.wait()
        }
        for _ in 1...3 { #expect(try await cache.value(1, fetch: fetch) == 6) }
        await Loop.shared.sleep(milliseconds: 0)
        #expect(fetches == 1)
        gate.finish(.success(7))
        #expect(try await cache.refresh(1, fetch: fetch) == 7)
        #expect(fetches == 1)
    }

    @Test @IO
    func `a hold whose record is on its way when a reading begins is not forgotten`() {
        let held = HeldPeople()
        held.readingBegins()
        held.readingEnded([])
        #expect(!held.mayInclude(UserID(1), in: ChatID(-5)))
        held.note(UserID(1), in: ChatID(-5))
        held.readingBegins()
        held.note(UserID(2), in: ChatID(-5))
        held.readingEnded([])
        #expect(held.mayInclude(UserID(1), in: ChatID(-5)) && held.mayInclude(UserID(2), in: ChatID(-5)))
        // By the next reading both are in the ledger, or were refused.
        held.readingBegins()
        held.readingEnded([])
        held.readingBegins()
        held.readingEnded([])
        #expect(!held.mayInclude(UserID(1), in: ChatID(-5)) && !held.mayInclude(UserID(2), in: ChatID(-5)))
    }

    @Test @IO
    func `a pair's turns come in order of arrival`() async {
        let order = PairOrder()
        let pair = PairOrder.Pair(chat: ChatID(-1), user: UserID(1))
        await order.enter(pair)
        var seen: [Int] = []
        let tasks = [1, 2].map { number in
            Task { @IO in
                await order.enter(pair)
                seen.append(number)
                order.leave(pair)
            }
        }
        await Loop.shared.sleep(milliseconds: 0)
        #expect(seen.isEmpty)
        order.leave(pair)
        for task in tasks { await task.value }
        #expect(seen == [1, 2])
        #expect(!order.isTaken(pair))
    }

    @Test @IO
    func `messages of other replicas change what is remembered`() {
        let caches = Caches()
        caches.groups.set(ChatID(-5), nil)
        caches.told("verify:1:-7:1")
        caches.told("group:-5")
        caches.told("something:new")
        #expect(caches.verdicts.verdict(UserID(1), in: ChatID(-7))?.membership == .member)
        guard case .missing = caches.groups.lookup(ChatID(-5)) else {
            Issue.record("the group was not forgotten")
            return
        }
        caches.told(nil)
        #expect(caches.verdicts.verdict(UserID(1), in: ChatID(-7)) == nil)
    }
}
